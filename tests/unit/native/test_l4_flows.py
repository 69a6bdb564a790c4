"""How flows end, and what is measured while they live."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

Make = Callable[..., Any]
Talk = Any
"""A `Conversation`; pytest loads the class from conftest.py, where it cannot be imported from."""

ENDS: dict[str, tuple[int, int, Callable[[Any], Any]]] = {
    # close_type, status, what happens
    "both ends send FIN": (1, 0, lambda t: t.opened().c("FA").s("FA", ack=2).c("A", seq=2, ack=2)),
    "the server resets": (2, 3, lambda t: t.opened().c("PA", payload=b"x").s("R")),
    "the client resets": (9, 4, lambda t: t.opened().c("R")),
    "silence": (3, 2, lambda t: t.opened().c("PA", payload=b"x").s("A", ack=2)),
    "SYNs without an answer": (7, 3, lambda t: t.c("S", seq=0).c("S", seq=0, after_us=900_000)),
    "SYN-ACKs without an ACK": (10, 4, lambda t: t.c("S", seq=0).s("SA", seq=0).s("SA", seq=0)),
    "only the client sends FIN": (8, 3, lambda t: t.opened().c("FA").s("A", ack=2)),
    "only the server sends FIN": (11, 4, lambda t: t.opened().s("FA").c("A", ack=2)),
    "a SYN is answered from an older connection": (13, 4, lambda t: t.c("S", seq=0).s("PA", payload=b"old", seq=777)),
    "a SYN is answered from an older connection and the client resets it": (13, 4, lambda t: t.c("S", seq=0).s("A", seq=777).c("R")),
    "a SYN is answered by a reset": (15, 3, lambda t: t.c("S", seq=0).s("RA", seq=0)),
    "the accept queue is full": (17, 3, lambda t: t.opened().c("PA", payload=b"x").s("SA", seq=0).c("A").s("R")),
    "the client resets what it opens": (18, 4, lambda t: t.c("S", seq=0).s("SA", seq=0).c("R")),
    "the server resets what it opens": (19, 3, lambda t: t.c("S", seq=0).s("SA", seq=0).s("R")),
    "the client resets after its FIN": (20, 0, lambda t: t.opened().c("FA").s("A", ack=2).c("R", seq=2)),
    "both ends open at once": (1, 0, lambda t: t.c("S", seq=0).s("S", seq=0).c("SA", seq=0).s("SA", seq=0).c("FA").s("FA", ack=2).c("A", seq=2, ack=2)),
}


@pytest.mark.parametrize("name", ENDS)
def test_a_connection_ends_as_it_ended(name: str, conversation: Make, replayed: Make) -> None:
    close_type, status, happens = ENDS[name]
    flow = replayed(happens(conversation())).flow
    assert (flow["close_type"], flow["status"]) == (close_type, status)


FAILURES = {
    "SYN-ACKs without an ACK": "client_establish_fail",
    "SYNs without an answer": "server_establish_fail",
    "only the client sends FIN": "tcp_transfer_fail",
    "the server resets": "tcp_rst_fail",
    "silence": "tcp_timeout",
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_is_counted_in_the_documents(name: str, conversation: Make, replayed: Make) -> None:
    tables = replayed(ENDS[name][2](conversation())).tables
    for table in ("flow_metrics.network_map.1s", "flow_metrics.network_map.1m"):
        assert sum(row[FAILURES[name]] for row in tables[table]) == 1


def test_each_state_has_its_timeout(conversation: Make, replayed: Make) -> None:
    def seconds_until_closed(talk: Talk) -> int:
        # Another flow ticks on, so that the first one is closed in its time and not at the end.
        clock = conversation(client="10.9.9.9", protocol=17, now_us=talk.now_us)
        for _ in range(400):
            clock.c(after_us=1_000_000)
        end: int = talk.now_us // 1_000_000
        rows = replayed(talk, clock).tables["flow_metrics.network_map.1s"]
        closed = [row["time"] for row in rows if row["closed_flow"] and row["ip4_0"] == "10.0.0.1"]
        assert len(closed) == 1
        return _second(closed[0]) - end

    assert seconds_until_closed(conversation().opened().s("A")) in (301, 302)
    assert seconds_until_closed(conversation().c("S", seq=0)) in (6, 7)
    assert seconds_until_closed(conversation().opened().c("FA")) in (6, 7)
    assert seconds_until_closed(conversation().opened().c("FA").s("FA", ack=2).c("A", seq=2, ack=2)) in (3, 4)
    assert seconds_until_closed(conversation().opened().c("R")) in (36, 37)
    assert seconds_until_closed(conversation().c("S", seq=0).s("RA", seq=0)) in (2, 3)
    assert seconds_until_closed(conversation(protocol=17).c()) in (6, 7)
    assert seconds_until_closed(conversation(protocol=17).c().s()) in (61, 62)


def _second(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def test_times_of_a_request(conversation: Make, replayed: Make) -> None:
    talk = conversation().c("S", seq=0).s("SA", seq=0, after_us=100).c("A", after_us=50)
    talk.c("PA", payload=b"ask!", after_us=700).s("A", ack=5, after_us=30).s("PA", payload=b"told", ack=5, after_us=200).c("A", seq=5, ack=5, after_us=10)
    talk.c("PA", payload=b"more", seq=5, ack=5, after_us=9000).s("PA", payload=b"also", seq=5, ack=9, after_us=300)
    flow = replayed(talk).flow
    assert (flow["rtt_server_max"], flow["rtt_client_max"], flow["rtt"]) == (100, 50, 150)
    assert (flow["srt_count"], flow["srt_max"]) == (1, 30)
    assert (flow["art_count"], flow["art_sum"], flow["art_max"]) == (2, 530, 300)
    assert (flow["cit_count"], flow["cit_sum"]) == (2, 700 + 9010)


def test_a_repeated_segment_is_a_retransmission_and_an_overtaken_one_is_not(conversation: Make, replayed: Make) -> None:
    talk = conversation().opened()
    talk.c("PA", payload=b"a" * 10).c("PA", payload=b"a" * 10, after_us=200_000)
    talk.c("PA", payload=b"c" * 10, seq=21).c("PA", payload=b"b" * 10, seq=11, after_us=40)
    talk.c("PA", payload=b"e" * 10, seq=41).c("PA", payload=b"d" * 10, seq=31, after_us=300_000)
    flow = replayed(talk).flow
    assert (flow["retrans_tx"], flow["ooo_tx"], flow["retrans_rx"], flow["ooo_rx"]) == (2, 1, 0, 0)


def test_a_keep_alive_probe_is_not_a_retransmission(conversation: Make, replayed: Make) -> None:
    talk = conversation().opened().c("PA", payload=b"abc").s("A", ack=4).c("A", payload=b"c", seq=3).c("A", seq=3).s("A", ack=4)
    talk.s("PA", payload=b"defg", ack=4).c("A", seq=4, ack=5).s("A", payload=b"g", seq=4, ack=4).s("A", seq=4, ack=4)
    flow = replayed(talk).flow
    assert (flow["retrans_tx"], flow["retrans_rx"]) == (0, 0)


def test_a_single_byte_that_was_not_acknowledged_is_a_retransmission(conversation: Make, replayed: Make) -> None:
    talk = conversation().opened().c("PA", payload=b"k").c("PA", payload=b"k", after_us=200_000).c("PA", payload=b"k", after_us=2_000_000)
    talk.s("PA", payload=b"e", ack=2).s("PA", payload=b"e", ack=2, after_us=200_000).c("A", seq=2, ack=2)
    flow = replayed(talk).flow
    assert (flow["retrans_tx"], flow["retrans_rx"]) == (2, 1)


def test_a_repeated_fin_is_a_retransmission(conversation: Make, replayed: Make) -> None:
    talk = conversation().opened().c("PA", payload=b"x").c("FA", seq=2).c("FA", seq=2, after_us=200_000).s("A", ack=3).s("FA", ack=3).c("A", seq=3, ack=2)
    flow = replayed(talk).flow
    assert (flow["retrans_tx"], flow["retrans_rx"], flow["fin_count"], flow["close_type"]) == (1, 0, 3, 1)


def test_data_lost_before_a_fin_is_a_hole(conversation: Make, replayed: Make) -> None:
    talk = conversation().opened().c("FA", seq=11).c("PA", payload=b"a" * 10, after_us=200_000)
    flow = replayed(talk).flow
    assert (flow["retrans_tx"], flow["ooo_tx"]) == (1, 0)


def test_a_handshake_that_was_repeated_says_nothing_about_the_round_trip(conversation: Make, replayed: Make) -> None:
    def talk(*, repeated: bool) -> Talk:
        made = conversation().c("S", seq=0)
        if repeated:
            made.c("S", seq=0, after_us=1_000_000)
        made.s("SA", seq=0, after_us=40_000).c("A")
        return made.c("PA", payload=b"b" * 10, seq=11).c("PA", payload=b"a" * 10, seq=1, after_us=18_000)

    flows = [replayed(talk(repeated=repeated)).flow for repeated in (False, True)]
    assert [(flow["ooo_tx"], flow["retrans_tx"] - flow["retrans_syn"]) for flow in flows] == [(1, 0), (0, 1)]


ASK = b"GET /slow HTTP/1.1\r\nHost: h\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize("opened", [True, False])
def test_a_request_that_waits_keeps_its_flow(conversation: Make, replayed: Make, *, opened: bool) -> None:
    talk = conversation().opened() if opened else conversation()
    talk.c("PA", payload=ASK)
    if opened:
        talk.s("A", ack=1 + len(ASK)).c("FA", seq=1 + len(ASK))
    clock = conversation(client="10.9.9.9", protocol=17, now_us=talk.now_us)
    for _ in range(100):
        clock.c(after_us=1_000_000)
    talk.s("PA", payload=ANSWER, ack=2 + len(ASK), after_us=90_000_000)
    result = replayed(talk, clock)
    [row] = result.tables["flow_log.l7_flow_log"]
    assert (row["type"], row["response_code"], row["response_duration"] > 89_000_000) == (2, 200, True)
    assert len({flow["flow_id"] for flow in result.flows if flow["protocol"] == 6}) == 1


def test_a_request_that_was_given_up_keeps_nothing(conversation: Make, replayed: Make) -> None:
    talk = conversation().c("PA", payload=ASK)
    clock = conversation(client="10.9.9.9", protocol=17, now_us=talk.now_us)
    for _ in range(60):
        clock.c(after_us=1_000_000)
    result = replayed(talk, clock, config={"l7_settings": {"tcp_request_timeout_us": 20_000_000}})
    closed = [_second(row["time"]) for row in result.tables["flow_metrics.network_map.1s"] if row["closed_flow"] and row["ip4_0"] == "10.0.0.1"]
    assert closed[0] - talk.now_us // 1_000_000 in range(19, 26)
    [row] = result.tables["flow_log.l7_flow_log"]
    assert row["response_status"] == 2


def test_sequence_numbers_wrap_around(conversation: Make, replayed: Make) -> None:
    talk = conversation(isn=(2**32 - 20, 2**32 - 3)).opened()
    for at in range(5):
        talk.c("PA", payload=b"x" * 10, seq=1 + 10 * at).s("PA", payload=b"y" * 10, seq=1 + 10 * at, ack=11 + 10 * at)
    flow = replayed(talk).flow
    assert (flow["retrans_tx"], flow["retrans_rx"], flow["ooo_tx"], flow["ooo_rx"], flow["art_count"]) == (0, 0, 0, 0, 5)


def test_zero_windows_are_counted_and_those_of_resets_are_not(conversation: Make, replayed: Make) -> None:
    flow = replayed(conversation().opened().s("A", window=0).s("A", window=0).c("A", window=0).c("R", window=0)).flow
    assert (flow["zero_win_tx"], flow["zero_win_rx"]) == (1, 2)


def test_a_new_connection_with_the_ports_of_a_closed_one_is_another_flow(conversation: Make, replayed: Make) -> None:
    talk = conversation().opened().c("FA").s("FA", ack=2).c("A", seq=2, ack=2)
    again = conversation(now_us=talk.now_us, isn=(90_000, 70_000)).opened().c("R")
    flows = replayed(talk, again).flows
    assert [(flow["close_type"], flow["syn_seq"]) for flow in flows] == [(1, 1000), (9, 90_000)]
    assert flows[0]["flow_id"] != flows[1]["flow_id"]


def test_the_client_of_a_flow_that_was_begun_before_is_found_by_its_ports(conversation: Make, replayed: Make) -> None:
    for ports, server in (((41_000, 443), 443), ((41_000, 8080), 8080), ((5000, 3306), 3306)):
        flow = replayed(conversation(ports=ports).s("PA", payload=b"x").c("A")).flow
        assert (flow["server_port"], flow["ip4_1"], flow["direction_score"] < 255) == (server, "10.0.0.2", True)
    answer = conversation(protocol=17, ports=(3000, 53)).s(payload=b"x")
    assert replayed(answer).flow["server_port"] == 53


def test_ipv6_and_vlans(conversation: Make, replayed: Make) -> None:
    flow = replayed(conversation(client="2001:db8::1", server="2001:db8::2", vlans=(7, 9)).opened().c("PA", payload=b"xyz")).flow
    assert (flow["is_ipv4"], flow["ip6_0"], flow["ip6_1"], flow["vlan"]) == (0, "2001:db8::1", "2001:db8::2", 7)
    assert (flow["l4_byte_tx"], flow["byte_tx"]) == (3, 3 * (14 + 8 + 40 + 20) + 3)


def test_a_ping_is_a_flow_with_a_response_time(conversation: Make, replayed: Make) -> None:
    ping = conversation(protocol=1).c(raw=b"\x08\0\0\0\0\1\0\1" + b"p" * 8).s(raw=b"\0\0\0\0\0\1\0\1" + b"p" * 8, after_us=77)
    flow = replayed(ping).flow
    assert (flow["protocol"], flow["client_port"], flow["server_port"], flow["art_max"], flow["packet_rx"]) == (1, 0, 0, 77, 1)
    late = conversation(protocol=1).s(raw=b"\0\0\0\0\0\1\0\1")
    assert replayed(late).flow["ip4_0"] == "10.0.0.1"


def test_later_fragments_belong_to_the_flow_of_the_first(conversation: Make, replayed: Make) -> None:
    first = b"\x9c\x40\0\x50" + (3000).to_bytes(2, "big") + b"\0\0" + b"x" * 1472
    talk = conversation(protocol=17).c(raw=first, ip_id=9, fragment=0x2000).c(raw=b"x" * 1480, ip_id=9, fragment=0x20B9)
    talk.c(raw=b"x" * 40, ip_id=9, fragment=0x172).c(raw=b"x" * 40, ip_id=10, fragment=0x172)
    result = replayed(talk)
    assert (result.flow["client_port"], result.flow["l3_byte_tx"], result.flow["l4_byte_tx"]) == (40_000, 3000, 2992)
    assert result.stats["fragment_orphans"] == 1


def test_cut_frames_are_counted_in_full(conversation: Make, replayed: Make) -> None:
    talk = conversation(snap=60).opened().c("PA", payload=b"x" * 1000)
    flow = replayed(talk).flow
    assert (flow["l4_byte_tx"], flow["byte_tx"]) == (1000, 54 * 3 + 1000)
    short = replayed(conversation(snap=40).opened())
    assert (short.flows, short.stats["unparsed_truncated"]) == ([], 3)


def test_ends_and_pairs_have_documents(conversation: Make, replayed: Make) -> None:
    talks = [conversation(ports=(40_000 + at, 80)).opened().c("PA", payload=b"x" * 10) for at in range(3)]
    tables = replayed(*talks).tables
    [pair] = tables["flow_metrics.network_map.1s"]
    assert (pair["ip4_0"], pair["ip4_1"], pair["server_port"], pair["packet_tx"], pair["new_flow"]) == ("10.0.0.1", "10.0.0.2", 80, 9, 3)
    ends = {(row["role"], row["ip4"]): row["packet_rx"] for row in tables["flow_metrics.network.1m"]}
    assert ends == {(0, "10.0.0.1"): 3, (1, "10.0.0.2"): 3}


def test_application_documents_count_requests_by_endpoint(conversation: Make, replayed: Make) -> None:
    talk = conversation().opened()
    answer = b"HTTP/1.1 %d X\r\nContent-Length: 2\r\n\r\nok"
    seq = [1, 1]
    for path, code in ((b"/a/b", 200), (b"/a/b", 500), (b"/c/d", 404)):
        ask = b"GET %b HTTP/1.1\r\nHost: h\r\n\r\n" % path
        reply = answer % code
        talk.c("PA", payload=ask, seq=seq[0], ack=seq[1])
        seq[0] += len(ask)
        talk.s("PA", payload=reply, seq=seq[1], ack=seq[0], after_us=500)
        seq[1] += len(reply)
    result = replayed(talk)
    assert (result.flow["l7_request"], result.flow["l7_response"], result.flow["l7_protocol"]) == (3, 3, 20)
    rows = {row["endpoint"]: row for row in result.tables["flow_metrics.application_map.1m"]}
    assert {name: (row["request"], row["response"], row["error"], row["rrt_sum"]) for name, row in rows.items()} == {
        "/a/b": (2, 2, 1, 1000),
        "/c/d": (1, 1, 1, 500),
    }
    assert len(result.tables["flow_metrics.application.1s"]) == 4
    assert {row["flow_id"] for row in result.tables["flow_log.l7_flow_log"]} == {result.flow["flow_id"]}


def test_requests_are_read_across_reordered_and_repeated_segments(conversation: Make, replayed: Make) -> None:
    ask = b"GET /split/path HTTP/1.1\r\nHost: h\r\n\r\n"
    talk = conversation().opened()
    for begin, end in ((0, 5), (20, len(ask)), (20, len(ask)), (5, 20), (0, 5)):
        talk.c("PA", payload=ask[begin:end], seq=1 + begin)
    talk.s("PA", payload=b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ack=1 + len(ask))
    [row] = replayed(talk).tables["flow_log.l7_flow_log"]
    assert (row["request_type"], row["request_resource"], row["response_code"]) == ("GET", "/split/path", 200)


def test_what_is_said_shows_who_the_client_is(conversation: Make, replayed: Make) -> None:
    ask, reply = b"GET /x HTTP/1.1\r\nHost: h\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    # Neither end was seen to open the connection, and the ports say the opposite of the truth.
    talk = conversation(ports=(40_000, 50_000))
    talk.c("PA", payload=ask).s("PA", payload=reply, ack=1 + len(ask)).c("PA", payload=ask, seq=1 + len(ask), ack=1 + len(reply))
    late = conversation(client="10.0.0.9", ports=(40_000, 50_000)).s("PA", payload=reply).c("PA", payload=ask).s("PA", payload=reply, seq=1 + len(reply))
    for result in (replayed(talk), replayed(late)):
        flow = result.flow
        assert (flow["ip4_1"], flow["server_port"], flow["client_port"], flow["direction_score"]) == ("10.0.0.2", 50_000, 40_000, 200)
        [pair] = [row for row in result.tables["flow_metrics.network_map.1s"] if row["packet_tx"]]
        assert (pair["ip4_1"], pair["server_port"], pair["new_flow"], pair["packet_tx"]) == ("10.0.0.2", 50_000, 1, flow["packet_tx"])
        assert sum(row["new_flow"] for row in result.tables["flow_metrics.network_map.1m"]) == 1
