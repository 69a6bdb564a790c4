"""TCP over a line that loses, repeats, reorders and delays: what Weir counts at each end is what the kernel of that end counts."""

from __future__ import annotations

import re
import statistics
import subprocess
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.kernel.l4.line import Line
from tests.kernel.l4.relay import Impairment

Row = dict[str, Any]


def _sum(rows: dict[int, Row], name: str) -> int:
    return sum(row[name] for row in rows.values())


@pytest.mark.parametrize("version", [4, 6])
def test_retransmissions_are_those_that_the_sender_made(line: Line, version: int) -> None:
    line.relay.impair(Impairment(loss=0.04, delay_s=0.005))
    with line.both() as (left, right):
        asked, served = line.transfer(version, 7001, 5, (300_000, 200_000))
    for watch, sent, kernel in ((left, "tx", asked), (right, "rx", served)):
        flows = watch.flows(7001)
        assert {port: flow[f"retrans_{sent}"] for port, flow in flows.items()} == {port: end["total_retrans"] for port, end in kernel.items()}
        assert {port: flow[f"l4_byte_{sent}"] for port, flow in flows.items()} == {port: end["bytes_sent"] for port, end in kernel.items()}
        assert _sum(flows, f"ooo_{sent}") == 0
        assert _sum(kernel, "total_retrans") > 20
    # Where packets arrive, a repeated one is seen if what comes behind it was there before.
    for watch, received, kernel, way in ((left, "rx", served, line.relay.back), (right, "tx", asked, line.relay.there)):
        flows = watch.flows(7001)
        assert _sum(flows, f"l4_byte_{received}") == way.tally.payload_bytes
        seen = _sum(flows, f"retrans_{received}") + _sum(flows, f"ooo_{received}")
        assert 0.5 * _sum(kernel, "total_retrans") <= seen <= _sum(kernel, "total_retrans")
        # A handshake that took twice as long as a round trip does later, on a busy machine, hides a few.
        assert _sum(flows, f"ooo_{received}") <= _sum(kernel, "total_retrans") * 0.25
    assert {flow["close_type"] for flow in left.flows(7001).values()} == {1}


def test_what_is_overtaken_is_out_of_order_and_was_not_sent_again(line: Line) -> None:
    line.relay.impair(Impairment(reorder=0.05, delay_s=0.004))
    with line.both() as (left, right):
        asked, served = line.transfer(4, 7002, 3, (400_000, 300_000))
    for watch, received, receiver, sender, way in (
        (right, "tx", served, asked, line.relay.there),
        (left, "rx", asked, served, line.relay.back),
    ):
        flows = watch.flows(7002)
        assert way.tally.overtaken > 20
        kernel = {port: end["rcv_ooopack"] for port, end in receiver.items()}
        assert sum(kernel.values()) > 5
        # The kernel counts the one that came early, Weir the one that came late: of two that changed places there is one of each. Where several
        # flows share the line the two may belong to different ones; then neither sees anything. One that two have passed is two for the kernel.
        again = _sum(sender, "total_retrans")
        seen = {port: flow[f"ooo_{received}"] for port, flow in flows.items()}
        assert abs(sum(seen.values()) - sum(kernel.values())) <= again + 1 + 0.1 * sum(kernel.values())
        assert _sum(flows, f"retrans_{received}") <= again
        # A busy machine now and then delays the acknowledgements for so long that the sender gives a packet up that was only late.
        assert again <= way.tally.overtaken


def test_a_packet_that_the_line_doubles_is_a_repetition_where_it_arrives_only(line: Line) -> None:
    line.relay.impair(Impairment(duplicate=0.05))
    with line.both() as (left, right):
        asked, served = line.transfer(6, 7003, 2, (400_000, 300_000))
    for watch, received, sender, way in ((right, "tx", asked, line.relay.there), (left, "rx", served, line.relay.back)):
        assert way.tally.duplicated > 10
        again = _sum(sender, "total_retrans")
        assert _sum(watch.flows(7003), f"retrans_{received}") == way.tally.duplicated + again
        # The receiver says that it had those twice, may say so in a packet that is doubled in its turn, and on a busy machine says it of several
        # with one acknowledgement, in which only the last has room.
        assert 0.5 * way.tally.duplicated <= _sum(sender, "dsack_dups") <= line.relay.there.tally.duplicated + line.relay.back.tally.duplicated
    assert _sum(left.flows(7003), "retrans_tx") == _sum(asked, "total_retrans")
    assert _sum(right.flows(7003), "retrans_rx") == _sum(served, "total_retrans")


@pytest.mark.parametrize("version", [4, 6])
def test_times_are_those_of_the_kernel_and_of_the_line(line: Line, version: int) -> None:
    line.relay.impair(Impairment(delay_s=0.020))
    with line.both() as (left, right):
        asked, served = line.transfer(version, 7004, 4, (1000, 1000))
    for port, flow in left.flows(7004).items():
        kernel = asked[port]
        assert 40_000 <= kernel["min_rtt_us"] <= flow["rtt"] + 500
        assert flow["rtt"] <= kernel["connect_us"] + 1000, "the client cannot know earlier that it is connected"
        assert flow["rtt_server_max"] - 500 <= flow["rtt"] <= flow["rtt_server_max"] + 2_000
        assert flow["srt_count"] in (0, 1)
        assert flow["srt_max"] == 0 or flow["srt_max"] >= 40_000
    for port, flow in right.flows(7004).items():
        kernel = served[port]
        assert abs(flow["rtt_client_max"] - kernel["min_rtt_us"]) < 10_000
        assert flow["rtt_client_max"] >= 40_000 > flow["rtt_server_max"]
        assert flow["srt_max"] < 20_000
    at_client = statistics.median(flow["rtt"] for flow in left.flows(7004).values())
    at_server = statistics.median(flow["rtt"] for flow in right.flows(7004).values())
    assert abs(at_client - at_server) < 10_000


def test_with_offload_bytes_and_segments_are_still_those_of_the_kernel(line: Line) -> None:
    line.offload(on=True)
    line.relay.impair(Impairment(loss=0.03, delay_s=0.002))
    with line.both() as (left, right):
        asked, served = line.transfer(4, 7005, 4, (2_000_000, 1_000_000))
    for watch, sent, kernel in ((left, "tx", asked), (right, "rx", served)):
        flows = watch.flows(7005)
        assert {port: flow[f"l4_byte_{sent}"] for port, flow in flows.items()} == {port: end["bytes_sent"] for port, end in kernel.items()}
        assert {port: flow[f"retrans_{sent}"] for port, flow in flows.items()} == {port: end["total_retrans"] for port, end in kernel.items()}
        assert _sum(kernel, "total_retrans") > 10
    tally = line.relay.there.tally
    assert tally.payload_bytes / tally.passed > 1448, "offload was at work"


@contextmanager
def _tracing(folder: Path, condition: str) -> Iterator[Path]:
    """A trace of its own of what the kernel sends again; read the file before the block ends."""
    subprocess.run(["mount", "-t", "tracefs", "none", str(folder)], check=True)
    trace = folder / "instances" / f"weir{uuid.uuid4().hex[:8]}"
    try:
        trace.mkdir()
        event = trace / "events" / "tcp" / "tcp_retransmit_skb"
        (event / "filter").write_text(condition)
        (event / "enable").write_text("1")
        yield trace / "trace"
        (event / "enable").write_text("0")
    finally:
        if trace.exists():
            trace.rmdir()
        subprocess.run(["umount", str(folder)], check=True)


def test_retransmissions_are_those_of_the_kernels_tracepoint(line: Line, tmp_path: Path) -> None:
    line.relay.impair(Impairment(loss=0.05, delay_s=0.003))
    with _tracing(tmp_path, "sport == 7006 || dport == 7006") as trace:
        with line.both() as (left, right):
            line.transfer(4, 7006, 3, (200_000, 150_000))
        # `err` says that it never left; a SYN-ACK sent again has a tracepoint of its own.
        told = [tuple(map(int, found)) for found in re.findall(r"sport=(\d+) dport=(\d+) .*err=0", trace.read_text())]
    by_client = Counter(source for source, port in told if port == 7006)
    by_server = Counter(port for source, port in told if source == 7006)
    assert len(told) > 20
    for traced, flows in (
        (by_client, {port: flow["retrans_tx"] for port, flow in left.flows(7006).items()}),
        (by_server, {port: flow["retrans_rx"] - flow["retrans_synack"] for port, flow in right.flows(7006).items()}),
    ):
        assert set(traced) == {port for port, count in flows.items() if count}
        # What goes again in one buffer of some segments is traced once.
        assert all(traced[port] <= count <= 4 * traced[port] for port, count in flows.items())
        assert sum(flows.values()) <= 1.6 * traced.total()
