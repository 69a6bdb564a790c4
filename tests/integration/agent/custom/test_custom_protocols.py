"""Protocols written in Python, each in its process: what they find in a capture, and what it costs when they are broken."""

from __future__ import annotations

import os
import random
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import orjson
import pytest

from agent.custom.hosts import Wanted
from agent.custom.loading import Source, load
from agent.errors import ProtocolError
from agent.replay.capture_file import CaptureFile

FOLDER = Path(__file__).parents[3] / "data" / "custom"
HTTP = Path(__file__).parents[3] / "data" / "l7" / "http1" / "keep_alive.pcap"
L7, L4 = "flow_log.l7_flow_log", "flow_log.l4_flow_log"
START_US = 1_700_000_000_000_000
TALK = (
    (0, b"ADD shoes 3\nADD hats 1\n"),
    (1, b"= 3\n! no such shelf\n"),
    (0, b"PUT coats 10\n0123\n56789"),
    (0, b"GET coats\n"),
    (1, b"= 10\n"),
    (1, b"!! the roof fell in\n"),
    (0, b"BYE\n"),
)
EXPECTED = [
    ("ADD", "ADD shoes 3", "shoes", "session", 0, "", "3"),
    ("ADD", "ADD hats 1", "hats", "session", 4, "no such shelf", ""),
    ("PUT", "PUT coats 10", "coats", "session", 0, "", "10"),
    ("GET", "GET coats", "coats", "session", 3, "the roof fell in", ""),
    ("BYE", "", "", "request", 5, "", ""),
]


def wanted(name: str, *ports: int) -> Wanted:
    return Wanted(Source(FOLDER, f"tally:{name}"), tuple((port, port) for port in ports))


def packet(way: int, payload: bytes, seq: tuple[int, int], flags: int = 0x18, port: int = 7000) -> bytes:
    ports, ends = ((40_000, port), (b"\x0a\0\0\1", b"\x0a\0\0\2"))
    tcp = struct.pack(">HHIIBBHHH", *(ports if way == 0 else ports[::-1]), seq[way], seq[1 - way], 0x50, flags, 1000, 0, 0)
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp) + len(payload), 0, 0, 64, 6, 0) + ends[way] + ends[1 - way]
    return b"\2\0\0\0\0\1\2\0\0\0\0\2\x08\0" + ip + tcp + payload


def capture(
    path: Path, talk: tuple[tuple[int, bytes], ...] = TALK, *, port: int = 7000, pieces: random.Random | None = None, lost: frozenset[int] = frozenset()
) -> Path:
    """A connection with this talk, cut at random places where `pieces` is given, without the packets whose number is in `lost`."""
    seq = [1000, 5000]
    frames = [packet(0, b"", (1000, 5000), 2, port)]
    seq[0] += 1
    frames.append(packet(1, b"", (1001, 5000), 0x12, port))
    seq[1] += 1
    for way, payload in talk:
        at = 0
        while at < len(payload):
            size = pieces.randint(1, len(payload) - at) if pieces else len(payload)
            frames.append(packet(way, payload[at : at + size], (seq[0], seq[1]), port=port))
            seq[way] += size
            at += size
    frames += [
        packet(0, b"", (seq[0], seq[1]), 0x11, port),
        packet(1, b"", (seq[0] + 1, seq[1]), 0x11, port),
        packet(0, b"", (seq[0] + 1, seq[1] + 1), 0x10, port),
    ]
    body = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 1)
    for number, frame in enumerate(frames):
        if number not in lost:
            time_us = START_US + 1000 * number
            body += struct.pack("<IIII", time_us // 10**6, time_us % 10**6, len(frame), len(frame)) + frame
    path.write_bytes(body)
    return path


def rows_of(file: CaptureFile, table: str = L7) -> list[dict[str, Any]]:
    found = [orjson.loads(line) for batch in file if batch.table == table for line in batch.to_json_lines().splitlines()]
    return sorted(found, key=lambda row: (str(row["start_time"]), str(row.get("req_tcp_seq"))))


def told(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    kinds = {0: "request", 1: "response", 2: "session"}
    return [
        (
            row["request_type"],
            row["request_resource"],
            row["endpoint"],
            kinds[row["type"]],
            row["response_status"],
            row["response_exception"],
            row["response_result"],
        )
        for row in rows
    ]


def test_requests_and_their_answers_are_rows_like_those_of_any_protocol(tmp_path: Path) -> None:
    rows = rows_of(CaptureFile(capture(tmp_path / "a.pcap"), {"agent_id": 7}, [wanted("Tally", 7000)]))
    assert told(rows) == EXPECTED
    assert {(row["l7_protocol"], row["l7_protocol_str"], row["agent_id"], row["server_port"]) for row in rows} == {(127, "Tally", 7, 7000)}
    assert rows[0]["attributes"] == {"tally.shelf": "shoes", "tally.asked": "ADD"}
    assert (rows[2]["request_length"], rows[2]["captured_request_byte"]) == (10, len("PUT coats 10\n0123\n56789"))
    assert [row["response_duration"] for row in rows[:2]] == [1000, 1000]


def test_the_flow_and_the_documents_count_them(tmp_path: Path) -> None:
    path = capture(tmp_path / "a.pcap")
    [flow] = rows_of(CaptureFile(path, None, [wanted("Tally", 7000)]), L4)
    assert (flow["l7_protocol"], flow["l7_request"], flow["l7_response"], flow["l7_client_error"], flow["l7_server_error"]) == (127, 5, 4, 1, 1)
    documents = rows_of_document(CaptureFile(path, None, [wanted("Tally", 7000)]))
    assert {endpoint: (request, response) for endpoint, request, response in documents} == {"shoes": (1, 1), "hats": (1, 1), "coats": (2, 2), "": (1, 0)}


def rows_of_document(file: CaptureFile) -> list[tuple[str, int, int]]:
    lines = [orjson.loads(line) for batch in file if batch.table == "flow_metrics.application_map.1m" for line in batch.to_json_lines().splitlines()]
    return [(row["endpoint"], row["request"], row["response"]) for row in lines]


@pytest.mark.parametrize("seed", range(4))
def test_rows_do_not_depend_on_how_bytes_were_cut_into_packets(seed: int, tmp_path: Path) -> None:
    path = capture(tmp_path / "a.pcap", pieces=random.Random(seed))
    assert told(rows_of(CaptureFile(path, None, [wanted("Tally", 7000)]))) == EXPECTED


@pytest.mark.parametrize("lost", [{2}, {3}, {4}, {6}, {3, 4}])
def test_a_lost_packet_costs_its_messages_and_nothing_is_paired_wrongly(lost: set[int], tmp_path: Path) -> None:
    rows = rows_of(CaptureFile(capture(tmp_path / "a.pcap", lost=frozenset(lost)), None, [wanted("Tally", 7000)]))
    pairs = [row for row in told(rows) if row[3] == "session"]
    assert set(pairs) <= set(EXPECTED)
    assert rows


def test_without_ports_it_is_asked_about_what_nobody_knows_and_leaves_the_rest_alone(tmp_path: Path) -> None:
    assert told(rows_of(CaptureFile(capture(tmp_path / "a.pcap"), None, [wanted("Tally")]))) == EXPECTED
    alone = rows_of(CaptureFile(HTTP))
    assert rows_of(CaptureFile(HTTP, None, [wanted("Tally")])) == alone
    assert len(alone) > 3


def test_a_flow_that_it_does_not_know_is_given_back_to_the_others(tmp_path: Path) -> None:
    talk = tuple(
        step for number in range(12) for step in ((0, b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % number), (1, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
    )
    file = CaptureFile(capture(tmp_path / "a.pcap", talk), None, [wanted("Crashes", 7000), wanted("Tally", 7000)])
    rows = rows_of(file)
    # "GET " could be Tally's: it is the answers that are not, and the flow is not HTTP's before that is clear.
    assert {row["l7_protocol_str"] for row in rows} <= {"Tally", "Crashes", "HTTP"}
    talk = tuple(
        step
        for number in range(12)
        for step in ((0, b"POST /%d HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n" % number), (1, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
    )
    rows = rows_of(CaptureFile(capture(tmp_path / "b.pcap", talk), None, [wanted("Tally", 7000)]))
    assert {row["l7_protocol_str"] for row in rows} == {"HTTP"}
    assert len(rows) >= 8


def test_two_protocols_are_two_processes_and_the_first_that_knows_a_flow_reads_it(tmp_path: Path) -> None:
    rows = rows_of(CaptureFile(capture(tmp_path / "a.pcap"), None, [wanted("Tally", 7001), wanted("Crashes", 7000)]))
    assert (told(rows), {row["l7_protocol_str"] for row in rows}) == (EXPECTED, {"Crashes"})


def test_a_class_that_raises_costs_its_own_rows_and_says_where(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = CaptureFile(capture(tmp_path / "a.pcap"), None, [wanted("Raises", 7000)])
    assert rows_of(file) == []
    [flow] = rows_of(CaptureFile(capture(tmp_path / "a.pcap"), None, [wanted("Raises", 7000)]), L4)
    assert (flow["total_packet_tx"], flow["l7_parse_failed"] > 0) == (7, True)
    assert "this parser is broken" in "".join(capfd.readouterr())


@pytest.mark.parametrize(("name", "shelf", "how"), [("Crashes", b"crash", "by signal 6"), ("Greedy", b"greed", "")])
def test_a_process_that_ends_costs_what_was_in_it_and_the_replay_goes_on(name: str, shelf: bytes, how: str, tmp_path: Path) -> None:
    talk = ((0, b"ADD a 1\n"), (1, b"= 1\n"), (0, b"ADD " + shelf + b" 1\n"), (1, b"= 1\n"), (0, b"GET a\n"), (1, b"= 1\n"))
    file = CaptureFile(capture(tmp_path / "a.pcap", talk), None, [wanted(name, 7000)])
    rows = told(rows_of(file))
    assert rows[0] == ("ADD", "ADD a 1", "a", "session", 0, "", "1")
    if how:
        assert how in file.remark
        assert "1 flows were in it" in file.remark
    else:  # no memory is an exception like any other
        assert file.remark == ""


def test_a_class_that_cannot_be_used_is_refused_with_what_it_lacks(tmp_path: Path) -> None:
    for name, sentence in (
        ("tally:Nobody", "has no class Nobody"),
        ("tally:NoProtocol", "extends agent.custom.Protocol"),
        ("tally:Protocol", "lacks name, guess, parse"),
        ("gone:Tally", "put gone.py into"),
        ("tally", "named module:Class"),
    ):
        with pytest.raises(ProtocolError, match=sentence):
            load(Source(FOLDER, name))
    (tmp_path / "broken.py").write_text("import nothing_of_that_name\n")
    with pytest.raises(ProtocolError, match="ModuleNotFoundError"):
        load(Source(tmp_path, "broken:Any"))


def test_a_folder_that_others_may_write_is_refused(tmp_path: Path) -> None:
    (tmp_path / "open.py").write_text("")
    (tmp_path / "open.py").chmod(0o666)
    with pytest.raises(ProtocolError, match="chmod o-w"):
        load(Source(tmp_path, "open:Any"))


def test_the_command_line_says_why_a_protocol_cannot_be_read(tmp_path: Path) -> None:
    path = capture(tmp_path / "a.pcap")

    def run(protocol: str) -> subprocess.CompletedProcess[str]:
        words = [sys.executable, "-m", "agent", "--pcap", str(path), "--print", "json", "--protocol", protocol]
        return subprocess.run(words, check=False, capture_output=True, text=True)

    done = run(f"{FOLDER}/tally.py:Tally@7000")
    assert (done.returncode, done.stdout.count('"Tally"')) == (0, 5), done.stderr
    done = run(f"{FOLDER}/tally.py:Raises@7000")
    assert "this parser is broken" in done.stderr
    assert all(line.startswith("{") for line in done.stdout.splitlines())
    for protocol, code, sentence in (
        (f"{FOLDER}/tally.py:HTTP", 3, "Weir reads one of that name itself"),
        (f"{FOLDER}/nowhere.py:Tally", 3, "put nowhere.py into"),
        (f"{FOLDER}/tally.py:Tally@70000", 2, "less than or equal to 65535"),
        (f"{FOLDER}/tally.py", 2, "is not FILE.py:CLASS"),
    ):
        done = run(protocol)
        assert (done.returncode, sentence in done.stderr) == (code, True), done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has rights to give up")
def test_the_process_has_no_rights() -> None:
    ours, theirs = socket.socketpair()
    words = [sys.executable, "-m", "agent.custom", str(FOLDER), "tally:Tally", str(theirs.fileno())]
    process = subprocess.Popen(words, pass_fds=[theirs.fileno()], cwd=Path(__file__).parents[4])
    theirs.close()
    try:
        ours.settimeout(20)
        assert b"Tally" in ours.recv(4096)
        lines = (line.split() for line in Path(f"/proc/{process.pid}/status").read_text().splitlines())
        status = {words[0]: words[1:] for words in lines if words}
        assert (status["Uid:"], status["Groups:"], status["CapEff:"]) == (["65534"] * 4, [], ["0000000000000000"])
    finally:
        ours.close()
        began = time.monotonic()
        assert process.wait(10) == 0
        assert time.monotonic() - began < 5
