"""Logs in the form of Zeek's and of Suricata's, the latter beside Suricata reading the same capture."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Final

import orjson
import pytest

from tests.unit.native.conftest import Conversation, pcap

DATA: Final = Path(__file__).parents[3] / "data" / "l7"
GET: Final = b"GET /a?b=1 HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: t/1\r\nReferer: http://r/\r\n\r\n"
OK: Final = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nhello"
NOT_FOUND: Final = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
QUESTION: Final = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03www\x07example\x03org\x00\x00\x01\x00\x01"
ANSWER: Final = (
    b"\x12\x34\x81\x80\x00\x01\x00\x02\x00\x00\x00\x00\x03www\x07example\x03org\x00\x00\x01\x00\x01"
    b"\xc0\x0c\x00\x05\x00\x01\x00\x00\x01\x2c\x00\x04\x01a\xc0\x10\xc0\x2d\x00\x01\x00\x01\x00\x00\x01\x2c\x00\x04\xc0\x00\x02\x01"
)


def http(talk: Conversation) -> Conversation:
    asked, told = len(GET), len(OK)
    talk = talk.opened().c("PA", payload=GET).s(ack=1 + asked).s("PA", payload=OK, ack=1 + asked).c(seq=1 + asked, ack=1 + told)
    talk = talk.c("PA", payload=GET, seq=1 + asked, ack=1 + told).s("PA", payload=NOT_FOUND, seq=1 + told, ack=1 + 2 * asked)
    end, over = 1 + 2 * asked, 1 + told + len(NOT_FOUND)
    return talk.c("FA", seq=end, ack=over).s("FA", seq=over, ack=end + 1).c(seq=end + 1, ack=over + 1)


def talks() -> dict[str, Conversation]:
    """By Zeek's `conn_state`, or what else is special."""
    ports = iter(range(40_001, 41_000))

    def tcp() -> Conversation:
        return Conversation(ports=(next(ports), 80))

    def udp(server: int) -> Conversation:
        return Conversation(ports=(next(ports), server), protocol=17)

    return {
        "SF": http(tcp()),
        "S0": tcp().c("S", seq=0).c("S", seq=0, after_us=900_000),
        "REJ": tcp().c("S", seq=0).s("RA", seq=0),
        "S1": tcp().opened().c("PA", payload=b"xyz").s("A", ack=4),
        "OTH": tcp().c("S", seq=0).s("SA", seq=0),
        "S2": tcp().opened().c("FA").s("A", ack=2),
        "S3": tcp().opened().s("FA").c("A", ack=2),
        "RSTO": tcp().opened().c("PA", payload=b"xyz").c("R", seq=4),
        "RSTR": tcp().opened().c("PA", payload=b"xyz").s("R"),
        "SF udp": udp(9999).c(payload=b"hello").s(payload=b"there"),
        "S0 udp": udp(9999).c(payload=b"hello"),
        "SF dns": udp(53).c(payload=QUESTION).s(payload=ANSWER),
        "SF ipv6": http(Conversation(client="2001:db8::1", server="2001:db8::2", ports=(next(ports), 80))),
        "SF long": tcp().opened().wait(100).c("FA").s("FA", ack=2).c("A", seq=2, ack=2),
    }


def capture(folder: Path) -> Path:
    path = folder / "talks.pcap"
    path.write_bytes(pcap(sorted((record for talk in talks().values() for record in talk.records), key=lambda record: record[0])))
    return path


def written(file: Path, folder: Path, form: str) -> str:
    words = [sys.executable, "-m", "agent", "--pcap", str(file), "--write", str(folder), "--format", form]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    return done.stderr


def zeek(path: Path) -> list[dict[str, str]]:
    lines = path.read_text().splitlines()
    assert lines[0] == "#separator \\x09"
    [names], [types] = ([line.split("\t")[1:] for line in lines if line.startswith(title)] for title in ("#fields", "#types"))
    assert lines[-1].startswith("#close\t")
    assert len(names) == len(types)
    return [dict(zip(names, line.split("\t"), strict=True)) for line in lines if not line.startswith("#")]


def test_every_flow_is_a_line_of_conn_log_with_its_state(tmp_path: Path) -> None:
    said = written(capture(tmp_path), tmp_path / "logs", "zeek")
    rows = {int(row["id.orig_p"]): row for row in zeek(tmp_path / "logs" / "conn.log")}
    assert {port: row["conn_state"] for port, row in rows.items()} == {talk.ports[0]: state.split()[0] for state, talk in talks().items()}
    assert len({row["uid"] for row in rows.values()}) == len(rows) == len(talks())
    first = rows[40_001]
    assert (first["proto"], first["service"], first["history"], first["duration"]) == ("tcp", "http", "ShADadFf", "0.011000")
    assert [first[name] for name in ("orig_pkts", "orig_ip_bytes", "orig_bytes")] == ["7", str(7 * 40 + 2 * len(GET)), str(2 * len(GET))]
    # A flow that lives for more than a minute is one line too.
    assert [row["duration"] for row in rows.values() if float(row["duration"].replace("-", "0")) > 60] == ["100.005000"]
    assert "14 records in " in said


def test_requests_have_the_uid_of_their_connection(tmp_path: Path) -> None:
    written(capture(tmp_path), tmp_path / "logs", "zeek")
    uids = {row["uid"]: row for row in zeek(tmp_path / "logs" / "conn.log")}
    requests = zeek(tmp_path / "logs" / "http.log")
    assert all(uids[row["uid"]]["id.orig_p"] == row["id.orig_p"] for row in requests)
    one = [row for row in requests if row["id.orig_p"] == "40001"]
    assert [(row["trans_depth"], row["status_code"], row["status_msg"], row["response_body_len"]) for row in one] == [
        ("1", "200", "-", "5"),
        ("2", "404", "Not Found", "0"),
    ]
    [name] = zeek(tmp_path / "logs" / "dns.log")
    assert uids[name["uid"]]["service"] == "dns"
    assert [name[field] for field in ("trans_id", "query", "qtype", "qtype_name", "rcode_name", "rtt")] == [
        "4660", "www.example.org", "1", "A", "NOERROR", "0.001000",
    ]  # fmt: skip
    assert (name["answers"], name["TTLs"]) == ("a.example.org,192.0.2.1", "300,300")


def test_databases_have_logs_and_what_has_none_is_counted(tmp_path: Path) -> None:
    written(DATA / "mysql" / "session.pcap", tmp_path / "mysql", "zeek")
    statements = {row["arg"]: (row["cmd"], row["success"], row["rows"]) for row in zeek(tmp_path / "mysql" / "mysql.log")}
    assert statements["insert into items values (1, 'one'), (2, 'two'), (3, 'three')"] == ("query", "T", "3")
    written(DATA / "redis" / "commands.pcap", tmp_path / "redis", "zeek")
    assert {(row["cmd.name"], row["cmd.key"], row["reply.value"]) for row in zeek(tmp_path / "redis" / "redis.log")} >= {("INCR", "counter", "1")}
    written(DATA / "postgresql" / "simple.pcap", tmp_path / "pg", "zeek")
    assert "query" in {row["frontend"] for row in zeek(tmp_path / "pg" / "postgresql.log")}
    said = written(DATA / "memcached" / "text.pcap", tmp_path / "memcached", "zeek")
    assert "requests have no place in these logs" in said


def test_what_would_break_a_line_is_escaped(tmp_path: Path) -> None:
    odd = b"GET /a\tb HTTP/1.1\r\nHost: a\r\nUser-Agent: -\r\nReferer: http://r/\\\xc3\xa9\r\n\r\n"
    talk = Conversation().opened().c("PA", payload=odd).s("PA", payload=OK, ack=1 + len(odd))
    path = tmp_path / "odd.pcap"
    path.write_bytes(pcap(talk.records))
    written(path, tmp_path / "logs", "zeek")
    for row in zeek(tmp_path / "logs" / "http.log"):
        assert (row["user_agent"], row["referrer"]) == ("\\x2d", "http://r/\\\\\\xc3\\xa9")
    assert all("\t" not in str(orjson.loads(line)) for line in _eve_lines(path, tmp_path))


def _eve_lines(file: Path, folder: Path) -> list[bytes]:
    written(file, folder / "eve", "eve")
    return (folder / "eve" / "eve.json").read_bytes().splitlines()


CONFIG: Final = """%YAML 1.1
---
vars: {address-groups: {HOME_NET: any, EXTERNAL_NET: any}}
outputs:
  - eve-log: {enabled: yes, filetype: regular, filename: eve.json, types: [{http: {extended: yes}}, {dns: {version: 2}}, flow]}
app-layer:
  protocols:
    http: {enabled: yes, libhtp: {default-config: {personality: IDS}}}
    dns: {udp: {enabled: yes, detection-ports: {dp: 53}}, tcp: {enabled: yes, detection-ports: {dp: 53}}}
"""


def _said(event: dict[str, Any]) -> dict[str, Any]:
    """What both know: Suricata has more, and writes requests down when they are acknowledged."""
    kind = event["event_type"]
    said = {name: event[name] for name in ("event_type", "src_ip", "src_port", "dest_ip", "dest_port", "proto")}
    if kind == "flow":
        said |= {name: event["flow"][name] for name in event["flow"] if name != "reason"}
        said["tcp"] = {name: value for name, value in event.get("tcp", {}).items() if not name.endswith("_regions")}
        said["app_proto"] = event.get("app_proto", "failed").replace("failed", "")
    elif kind == "http":
        said |= {name: value for name, value in event["http"].items() if name != "http_content_type"}
        said["tx_id"] = event["tx_id"]
    else:
        said |= {name: event["dns"].get(name) for name in ("type", "id", "rrname", "rrtype", "rcode", "version")}
        said["answers"] = [{name: value for name, value in record.items() if name != "rrname"} for record in event["dns"].get("answers", [])]
        said["timestamp"] = event["timestamp"]
    return said


@pytest.mark.skipif(shutil.which("suricata") is None, reason="suricata is not installed: `make peers`")
def test_events_are_those_of_suricata(tmp_path: Path) -> None:
    path = capture(tmp_path)
    ours = [orjson.loads(line) for line in _eve_lines(path, tmp_path)]
    (tmp_path / "suricata.yaml").write_text(CONFIG)
    (tmp_path / "theirs").mkdir()
    words = ["suricata", "-c", str(tmp_path / "suricata.yaml"), "-r", str(path), "-l", str(tmp_path / "theirs")]
    subprocess.run([*words, "-k", "none", "--runmode", "single", "-S", "/dev/null"], check=True, capture_output=True)
    theirs = [orjson.loads(line) for line in (tmp_path / "theirs" / "eve.json").read_bytes().splitlines()]
    assert Counter(event["event_type"] for event in ours) == Counter(event["event_type"] for event in theirs) == {"flow": 14, "http": 4, "dns": 2}

    def order(event: dict[str, Any]) -> tuple[Any, ...]:
        return (event["event_type"], event["src_port"], event.get("tx_id", 0), event.get("dns", {}).get("type") == "answer")

    for one, other in zip(sorted(ours, key=order), sorted(theirs, key=order), strict=True):
        assert _said(one) == _said(other)


def test_events_of_one_flow_share_an_id_that_json_readers_keep(tmp_path: Path) -> None:
    events = [orjson.loads(line) for line in _eve_lines(capture(tmp_path), tmp_path)]
    ids = {event["src_port"]: event["flow_id"] for event in events if event["event_type"] == "flow"}
    assert len(set(ids.values())) == len(ids)
    assert max(ids.values()) < 2**53
    assert all(event["flow_id"] == ids[event["src_port"]] for event in events)
