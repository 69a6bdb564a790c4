"""ICMP errors belong to the flow that they are about, and echoes are requests."""

from __future__ import annotations

import struct
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

import pytest

Make = Callable[..., Any]
L7 = "flow_log.l7_flow_log"
ROUTER = "10.0.0.254"


def error(
    kind: int, code: int, *, word: int = 0, src: str = "10.0.0.1", dst: str = "10.0.0.2", protocol: int = 17, ports: tuple[int, int] = (40_000, 9)
) -> bytes:
    """An ICMP error that quotes a packet from `src` to `dst`: its IP header and eight bytes."""
    ends = ip_address(src).packed + ip_address(dst).packed
    head = struct.pack(">IHBB", 6 << 28, 8, protocol, 1) if ":" in src else struct.pack(">BBHHHBBH", 0x45, 0, 28, 0, 0, 1, protocol, 0)
    return struct.pack(">BBHI", kind, code, 0, word) + head + ends + struct.pack(">HHHH", *ports, 8, 0)


TROUBLES: dict[str, tuple[bytes, dict[str, int]]] = {
    "the port is closed": (error(3, 3), {"icmp_unreachable": 1, "icmp_unreachable_code": 3}),
    "the host is not there": (error(3, 1), {"icmp_unreachable": 1, "icmp_unreachable_code": 1}),
    "too many hops": (error(11, 0), {"icmp_time_exceeded": 1}),
    "too big": (error(3, 4, word=1400), {"icmp_too_big": 1, "icmp_mtu": 1400}),
    "a redirect": (error(5, 1), {"icmp_other": 1}),
    "no error": (b"\x0d\0\0\0" + bytes(16), {}),
    "too short to say": (error(3, 3)[:20], {}),
}
COLUMNS = ("icmp_unreachable", "icmp_unreachable_code", "icmp_time_exceeded", "icmp_too_big", "icmp_mtu", "icmp_other")


@pytest.mark.parametrize("name", TROUBLES)
def test_an_error_is_counted_for_the_flow_that_it_quotes(name: str, conversation: Make, replayed: Make) -> None:
    message, expected = TROUBLES[name]
    talk = conversation(protocol=17, ports=(40_000, 9)).c(payload=b"x" * 1450)
    other = conversation(protocol=17, ports=(40_001, 9)).c(payload=b"x")
    answer = conversation(client=ROUTER, server="10.0.0.1", protocol=1, ports=(0, 0)).wait(0.1).c(raw=message)
    flows = {(row["protocol"], row["client_port"]): row for row in replayed(talk, other, answer).flows}
    assert {column: flows[17, 40_000][column] for column in COLUMNS} == dict.fromkeys(COLUMNS, 0) | expected
    assert [flows[17, 40_001][column] for column in COLUMNS] == [0] * 6
    # The message itself is a packet of its own flow.
    assert flows[1, 0]["packet_tx"] == 1


def test_the_same_holds_for_ipv6_and_tcp(conversation: Make, replayed: Make) -> None:
    ends = {"client": "2001:db8::1", "server": "2001:db8::2"}
    talk = conversation(**ends).c("S", seq=0)
    quoting: dict[str, Any] = {"src": ends["client"], "dst": ends["server"], "protocol": 6, "ports": (40_000, 80)}
    router = conversation(client="2001:db8::ff", server=ends["client"], protocol=58, ports=(0, 0)).wait(0.1)
    for message in (error(2, 0, word=1280, **quoting), error(2, 0, word=1400, **quoting), error(1, 4, **quoting), error(3, 0, **quoting)):
        router = router.c(raw=message)
    [flow] = [row for row in replayed(talk, router).flows if row["protocol"] == 6]
    assert [flow[column] for column in COLUMNS] == [1, 4, 1, 2, 1280, 0]


def test_an_error_about_a_flow_that_nobody_saw_is_counted(conversation: Make, replayed: Make) -> None:
    result = replayed(conversation(client=ROUTER, server="10.0.0.1", protocol=1, ports=(0, 0)).c(raw=error(3, 3)))
    assert result.stats["icmp_errors_unknown"] == 1
    assert result.flow["icmp_unreachable"] == 0


def echo(kind: int, seq: int) -> bytes:
    return struct.pack(">BBHHH", kind, 0, 0, 77, seq) + b"x" * 48


def test_a_ping_is_a_request_and_a_lost_one_times_out(conversation: Make, replayed: Make) -> None:
    talk = conversation(protocol=1, ports=(0, 0))
    talk = talk.c(raw=echo(8, 1)).s(raw=echo(0, 1), after_us=2_500).c(raw=echo(8, 2)).wait(5).c(raw=echo(8, 3)).s(raw=echo(0, 3), after_us=300)
    result = replayed(talk)
    rows = {row["request_id"]: row for row in result.tables[L7]}
    assert {row["l7_protocol"] for row in rows.values()} == {122}
    assert {seq: (row["response_status"], row["response_duration"]) for seq, row in rows.items()} == {1: (0, 2_500), 2: (2, 0), 3: (0, 300)}
    assert rows[1]["attributes"] == {"icmp.id": "77"}
    assert (result.flow["l7_request"], result.flow["l7_response"], result.flow["l7_timeout"]) == (3, 2, 1)
    assert rows[1]["flow_id"] == result.flow["flow_id"]


def test_an_answer_whose_question_was_missed_is_a_row_from_the_same_client(conversation: Make, replayed: Make) -> None:
    result = replayed(conversation(protocol=58, ports=(0, 0), client="2001:db8::1", server="2001:db8::2").s(raw=echo(129, 9)))
    [row] = result.tables[L7]
    assert (row["type"], row["request_id"], row["ip6_0"]) == (1, 9, "2001:db8::1")


def test_a_machine_that_pings_itself_answers(conversation: Make, replayed: Make) -> None:
    talk = conversation(protocol=1, ports=(0, 0), client="127.0.0.1", server="127.0.0.1")
    rows = replayed(talk.c(raw=echo(8, 1)).s(raw=echo(0, 1)).c(raw=echo(8, 2)).s(raw=echo(0, 2))).tables[L7]
    assert [(row["type"], row["response_duration"]) for row in rows] == [(2, 1000), (2, 1000)]
