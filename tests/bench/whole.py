"""The whole way on this machine: `weir up`, OTLP in, acknowledged when ClickHouse has it — at its peak, and when offered 2.5 times that.

Everything shares the machine's cores, the load generator too. Afterwards the Collector inserts the same payload into the same store.
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from libs.catalog.ports import port
from tests.bench import collector
from tests.bench.figure import Figure
from tests.bench.ingestion import SPANS, send
from tests.bench.load import Load, Tally, template
from tests.bench.processes import Watch, cpu_s
from tests.bench.store import Store
from tests.e2e.machine import Machine

_CONNECTIONS: Final = 32
"""At the peak: enough that a block gathers while another is stored."""
_CROWD: Final = 240
"""Senders where more is offered than can be stored: each is held for a second or two by a refusal."""
_OFFERED: Final = 2.5
_PACE: Final = 2.8
"""Attempts aimed at, over the peak: one that comes late is not made up for, so less is offered than is aimed at."""
_SETTLE_S: Final = 2.0
"""Until all of a crowd have connected and know whether they wait."""
_ROUNDS: Final = 4
"""Turns of peak and overload, one after the other: the machine's own speed drifts by more than the goal allows."""
_INGESTER: Final = "ingester.flow_log"
_TABLE: Final = "flow_log.l7_flow_log"
_DIGITS: Final = "reinterpretAsUInt32(reverse(unhex(substring(trace_id, 9, 8))))"
"""The batch's number in a trace id of the load generator."""


@contextmanager
def up() -> Iterator[Machine]:
    """`weir up` with an empty data folder."""
    with tempfile.TemporaryDirectory(prefix="weir-bench-", ignore_cleanup_errors=True) as folder:
        machine = Machine(Path(folder))
        try:
            machine.up()
            yield machine
        finally:
            machine.down()


def _cpu(machine: Machine) -> dict[str, float]:
    return {name: cpu_s(pid) for name, pid in machine.pids().items()} | {"load generator": time.process_time()}


def differences(store: Store, tally: Tally) -> tuple[int, int]:
    """(lost, doubled) spans: those that were acknowledged and are not there, and those that are there more than once."""
    rows = store.ask(f"SELECT {_DIGITS} AS batch, count(), uniqExact(trace_id) FROM {_TABLE} WHERE startsWith(trace_id, '{tally.run}') GROUP BY batch")
    there = {int(batch): (int(count), int(different)) for batch, count, different in rows}
    lost = sum(tally.batch_spans - there.get(batch, (0, 0))[1] for batch in tally.acknowledged)
    return lost, sum(count - different for count, different in there.values())


@dataclass(slots=True)
class _Crowd:
    """What more senders than can be served were told, over several turns, and the peaks measured between them."""

    peaks: list[float] = field(default_factory=list)
    turns: list[Tally] = field(default_factory=list)
    lost: int = 0
    doubled: int = 0

    @property
    def kept(self) -> float:
        """Throughput over the peak."""
        return sum(turn.spans_per_s for turn in self.turns) / sum(self.peaks)

    @property
    def offered(self) -> float:
        """Spans of all attempts over the peak."""
        return sum(turn.offered_per_s for turn in self.turns) / sum(self.peaks)

    @property
    def answers(self) -> dict[str, int]:
        total: Counter[str] = Counter()
        for turn in self.turns:
            total.update(turn.answers)
        return dict(total)

    @property
    def acknowledged(self) -> int:
        return sum(len(turn.acknowledged) for turn in self.turns)


def _empty(store: Store) -> None:
    """So that no turn merges what another has inserted."""
    store.ask(f"TRUNCATE TABLE {_TABLE}")
    time.sleep(1)


def _overload(store: Store, at: int, seconds: float) -> _Crowd:
    crowd, base = _Crowd(), template(SPANS)
    for _ in range(_ROUNDS):
        _empty(store)
        crowd.peaks.append(send(at, base, seconds, connections=_CONNECTIONS, settle_s=_SETTLE_S).spans_per_s)
        _empty(store)
        load = Load("127.0.0.1", at, base, connections=_CROWD, attempts_per_s=_PACE * crowd.peaks[-1] / SPANS)
        load.start()
        time.sleep(_SETTLE_S)
        load.begin()
        time.sleep(seconds)
        crowd.turns.append(load.stop(30))
        lost, doubled = differences(store, crowd.turns[-1])
        crowd.lost, crowd.doubled = crowd.lost + lost, crowd.doubled + doubled
    return crowd


def _collector(store: Store, seconds: float) -> float:
    store.ask(f"TRUNCATE TABLE {_TABLE}")
    with tempfile.TemporaryDirectory() as folder:
        peer, at = collector.start(Path(folder), store.url)
        with peer:
            began = time.monotonic()
            tally = send(at, template(SPANS), seconds, connections=_CONNECTIONS)
            # Its answers may take longer than the load lasts: what came and how long it took in all is fair to it.
            took = time.monotonic() - began
    rows = store.number("SELECT count() FROM otel.otel_traces")
    # It stores a request again whose answer came too late for the sender: more rows are its way, fewer would be a wrong figure.
    if rows < len(tally.acknowledged) * SPANS:
        message = f"the Collector stored {rows:,.0f} rows of {len(tally.acknowledged) * SPANS:,} acknowledged"
        raise AssertionError(message)
    return len(tally.acknowledged) * SPANS / took


def measure(*, quick: bool) -> list[Figure]:
    """Peak, memory, overload."""
    seconds = 15.0 if quick else 60.0
    with up() as machine:
        store, at = Store(f"http://127.0.0.1:{port('store')}"), port(_INGESTER)
        send(at, template(SPANS), 2.0, connections=_CONNECTIONS)
        before = _cpu(machine)
        with Watch(machine.pids) as calm:
            tally = send(at, template(SPANS), seconds, connections=_CONNECTIONS)
        spent = {name: used - before.get(name, 0.0) for name, used in _cpu(machine).items()}
        lost, doubled = differences(store, tally)
        peak = tally.spans_per_s
        with Watch(machine.pids) as rough:
            crowd = _overload(store, at, 5.0 if quick else 8.0)
        theirs = _collector(store, max(seconds / 3, 15.0)) if collector.is_there() else None
    growth = rough.mean(_INGESTER, 2 / 3, 1) / rough.mean(_INGESTER, 1 / 6, 1 / 2)
    offered = f"in {_ROUNDS} turns, the peak measured before each: {crowd.answers}"
    spans = len(tally.acknowledged) * SPANS
    cost = ", ".join(f"{name} {used / spans * 1e6:.1f}" for name, used in sorted(spent.items(), key=lambda item: -item[1])[:4])
    parts = ", ".join(f"{name} {calm.peak(name):.0f}" for name in ("store", _INGESTER, "agent", "querier"))
    return [
        Figure(
            "the whole way, acknowledged by the store",
            peak,
            "spans/s",
            150_000,
            baseline=theirs,
            baseline_name=collector.NAME,
            goal_ratio=2,
            note=f"for {seconds:.0f} s; CPU µs a span: {cost}; latency ms: {tally.latency_ms}" + ("" if theirs else f"; {collector.MISSING}"),
        ),
        Figure("memory of all of Weir's processes then", calm.peak(), "MiB", 2048, higher_is_better=False, note=parts),
        Figure(
            "memory of the ingester then", max(calm.peak(_INGESTER), rough.peak(_INGESTER)), "MiB", 400, higher_is_better=False, note="and when offered 2.5 x"
        ),
        Figure("offered 2.5 x: what was offered", crowd.offered, "x the peak", _OFFERED, note="spans of every attempt, refused or not"),
        Figure("offered 2.5 x: throughput", crowd.kept * 100, "% of the peak", 95, note=offered),
        Figure(
            "offered 2.5 x: acknowledged spans lost or doubled",
            lost + doubled + crowd.lost + crowd.doubled,
            "spans",
            0,
            higher_is_better=False,
            note=f"of {(len(tally.acknowledged) + crowd.acknowledged) * SPANS:,} acknowledged",
        ),
        Figure(
            "offered 2.5 x: memory of the ingester, end over beginning",
            growth * 100,
            "%",
            110,
            higher_is_better=False,
            note=f"all processes {rough.peak():.0f} MiB at most",
        ),
    ]
