"""OTLP over HTTP in, Native blocks out into a sink that discards: spans per CPU-second of one process on one core of its own.

Weir's ingester encodes its blocks and throws them away. The Collector inserts the same payload into a table without storage (the Null
engine) of a real server on the other cores, whose work is not counted; a view counts the rows that came.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from tests.bench import collector, store
from tests.bench.figure import Figure, rate
from tests.bench.load import Load, Tally, Template, template
from tests.bench.processes import Child, free_port, last_core, other_cores, service

SPANS: Final = 8_192
"""Spans a body: what the Collector's own batch processor makes."""
_WARM_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class _Run:
    sent: int
    """Spans in all, those that warmed it up too."""
    timed: int
    """Spans while CPU time was taken."""
    cpu_s: float

    @property
    def per_cpu_s(self) -> float:
        return self.timed / self.cpu_s


def send(port: int, base: Template, seconds: float, *, connections: int, settle_s: float = 0.0) -> Tally:
    """Sends as fast as answers come; everything sent must have been acknowledged without a rejected span. Rates leave the first `settle_s` out."""
    load = Load("127.0.0.1", port, base, connections=connections)
    load.start()
    time.sleep(settle_s)
    load.begin()
    time.sleep(seconds)
    tally = load.stop(60)
    if tally.unanswered or tally.rejected_spans:
        message = f"{len(tally.unanswered)} batches were not answered, {tally.rejected_spans} spans rejected: {tally.answers}"
        raise AssertionError(message)
    return tally


def _measured(child: Child, port: int, base: Template, seconds: float) -> _Run:
    warm = send(port, base, _WARM_S, connections=4)
    before = child.cpu_s
    tally = send(port, base, seconds, connections=4)
    sent, timed = (len(tally.acknowledged) + len(warm.acknowledged)) * base.spans, len(tally.acknowledged) * base.spans
    return _Run(sent, timed, child.cpu_s - before)


def _ingester(folder: Path, base: Template, seconds: float) -> float:
    port = free_port()
    settings = {"SINK": "discard", "GRPC_PORT": "0", "TRISOLARIS": "", "PLATFORM_WAIT_S": "0"}
    with service("services.ingester", "flow_log", folder=folder, port=port, cores={last_core()}, settings=settings) as child:
        run = _measured(child, port, base, seconds)
        text = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
    stored = sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith("weir_rows_out_total"))
    rate(stored, run.sent, run.cpu_s)
    return run.per_cpu_s


def _collector(folder: Path, base: Template, seconds: float) -> float:
    child, sink = store.start(folder, cores=other_cores())
    with child:
        sink.ask("CREATE DATABASE otel")
        made, _ = collector.start(folder, sink.url, cores={last_core()})
        made.stop()
        columns = ", ".join(f"`{row[0]}` {row[1]}" for row in sink.ask("DESCRIBE TABLE otel.otel_traces"))
        sink.ask("DROP TABLE otel.otel_traces")
        sink.ask(f"CREATE TABLE otel.otel_traces ({columns}) ENGINE = Null")
        sink.ask("CREATE TABLE otel.counted (rows UInt64) ENGINE = SummingMergeTree ORDER BY tuple()")
        sink.ask("CREATE MATERIALIZED VIEW otel.counting TO otel.counted AS SELECT count() AS rows FROM otel.otel_traces")
        peer, port = collector.start(folder, sink.url, create=False, cores={last_core()})
        with peer:
            run = _measured(peer, port, base, seconds)
        rate(sink.number("SELECT sum(rows) FROM otel.counted"), run.sent, run.cpu_s)
        return run.per_cpu_s


def measure(*, quick: bool) -> list[Figure]:
    """The ingester beside the Collector."""
    seconds = 4.0 if quick else 12.0
    base = template(SPANS)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ours = _ingester(folder, base, seconds)
        theirs = _collector(folder, base, seconds) if collector.is_there() else None
    return [
        Figure(
            "ingester: OTLP over HTTP in, Native block out",
            ours,
            "spans/CPU-s",
            700_000,
            baseline=theirs,
            baseline_name=collector.NAME,
            goal_ratio=7,
            note=f"{SPANS} spans a request, one core" if theirs else collector.MISSING,
        )
    ]
