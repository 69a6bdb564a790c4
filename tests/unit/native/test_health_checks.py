"""Connections without a word, merged on request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Make = Callable[..., Any]
Talk = Any

MERGED = {"merge_health_checks": True}


def _probe(conversation: Make, number: int, second: float = 0, ending: str = "fin", **more: Any) -> Talk:
    start = 1_700_000_000_000_000 + int(second * 1e6) + number
    talk = conversation(ports=(40_000 + number, 8080), isn=(1000 + number, 5000), now_us=start, **more)
    if ending == "half open":
        return talk.c("S", seq=0).s("SA", seq=0).c("R")
    talk.opened()
    return {"fin": lambda: talk.c("FA").s("FA", ack=2).c("A", seq=2, ack=2), "reset": lambda: talk.c("R"), "fin and reset": lambda: talk.c("FA").c("R", seq=2)}[
        ending
    ]()


@pytest.mark.parametrize(("ending", "close_type"), [("fin", 1), ("reset", 9), ("fin and reset", 20), ("half open", 18)])
def test_checks_of_one_client_and_port_are_one_row_a_minute(conversation: Make, replayed: Make, ending: str, close_type: int) -> None:
    # 22:13:20 to 22:14:50: one minute ends in between.
    talks = [_probe(conversation, number, second=number * 3, ending=ending) for number in range(30)]
    apart, merged = replayed(*talks), replayed(*talks, config=MERGED)
    assert (len(apart.flows) >= 30, sum(flow["is_new_flow"] for flow in apart.flows), {flow["merged_flow"] for flow in apart.flows}) == (True, 30, {0})
    assert {flow["close_type"] for flow in merged.flows} == {close_type}
    assert len(merged.flows) in (2, 3)
    assert sum(flow["merged_flow"] + flow["is_new_flow"] for flow in merged.flows) == 30
    for column in ("packet_tx", "packet_rx", "byte_tx", "byte_rx", "syn_count", "synack_count", "fin_count", "rtt_client_count", "rtt_server_sum"):
        assert sum(flow[column] for flow in merged.flows) == sum(flow[column] for flow in apart.flows), column
    first, last = merged.flows[0], merged.flows[-1]
    assert (first["client_port"], first["start_time"] < first["end_time"] <= last["start_time"]) == (40_000, True)
    for table in ("flow_metrics.network_map.1s", "flow_metrics.network_map.1m", "flow_metrics.network.1m"):
        assert merged.tables[table] == apart.tables[table]


def test_what_says_something_fails_or_lasts_is_a_row_of_its_own(conversation: Make, replayed: Make) -> None:
    checks = [_probe(conversation, number) for number in range(4)]
    spoke = conversation(ports=(41_000, 8080)).opened().c("PA", payload=b"x").c("FA", seq=2).s("FA", ack=3).c("A", seq=3, ack=2)
    refused = [conversation(ports=(42_000 + number, 8080)).c("S", seq=0).s("RA", seq=0) for number in range(3)]
    lasted = conversation(ports=(43_000, 8080)).opened().wait(6).c("FA").s("FA", ack=2).c("A", seq=2, ack=2)
    flows = replayed(*checks, spoke, *refused, lasted, config=MERGED).flows
    assert sorted((flow["client_port"] // 1000, flow["close_type"], flow["merged_flow"]) for flow in flows) == [
        (40, 1, 3),
        (41, 1, 0),
        (42, 15, 0),
        (42, 15, 0),
        (42, 15, 0),
        (43, 1, 0),
    ]


def test_other_clients_servers_and_endings_are_other_rows(conversation: Make, replayed: Make) -> None:
    talks = [_probe(conversation, number, client=f"10.0.0.{10 + number % 2}", server=f"10.0.1.{number % 3}") for number in range(12)]
    talks += [_probe(conversation, 100 + number, ending="reset", client="10.0.0.10", server="10.0.1.0") for number in range(2)]
    talks += [_probe(conversation, 200 + number, vlans=(number,), client="10.0.0.11", server="10.0.1.9") for number in (5, 6)]
    flows = replayed(*talks, config=MERGED).flows
    assert len(flows) == 6 + 1 + 2
    assert sum(flow["merged_flow"] + 1 for flow in flows) == len(talks)


def test_a_client_that_checks_the_whole_world_takes_no_memory_without_end(conversation: Make, replayed: Make) -> None:
    talks = [_probe(conversation, number % 20_000, server=f"10.{number // 250 + 1}.0.{number % 250}") for number in range(5_000)]
    flows = replayed(*talks, config=MERGED).flows
    assert len(flows) == 5_000
