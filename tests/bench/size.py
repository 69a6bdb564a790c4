"""What a span takes on disk once everything is merged, beside the Collector's own table with the same spans."""

from __future__ import annotations

import http.client
import tempfile
import time
from pathlib import Path
from typing import Final

from tests.bench import collector, store
from tests.bench.figure import Figure
from tests.bench.otlp import collector_body
from tests.bench.processes import free_port, service

_SPANS: Final = 10_000


def _post(port: int, bodies: list[bytes]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for body in bodies:
        connection.request("POST", "/v1/traces", body, {"content-type": "application/x-protobuf"})
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != http.client.OK or len(text) > 2:
            message = f"{answer.status}: {text[:300]!r}"
            raise AssertionError(message)


def _bytes_a_span(where: store.Store, database: str, table: str, sent: int) -> float:
    rows, size = where.stored_bytes(database, table)
    if rows != sent:
        message = f"{rows:,} rows of {sent:,} sent"
        raise AssertionError(message)
    return size / rows


def measure(*, quick: bool) -> list[Figure]:
    """Every span has its own ids, times, paths and users, as in life."""
    bodies = [collector_body(_SPANS, time.time_ns(), seed) for seed in range(20 if quick else 50)]
    sent = len(bodies) * _SPANS
    theirs = None
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        child, where = store.start(folder)
        with child:
            port = free_port()
            settings = {"GRPC_PORT": "0", "TRISOLARIS": "", "PLATFORM_WAIT_S": "0", "WEIR_CLICKHOUSE_URL": where.url}
            with service("services.ingester", "flow_log", folder=folder, port=port, settings=settings):
                _post(port, bodies)
            ours = _bytes_a_span(where, "flow_log", "l7_flow_log", sent)
            if collector.is_there():
                peer, port = collector.start(folder, where.url)
                with peer:
                    _post(port, bodies)
                theirs = _bytes_a_span(where, "otel", "otel_traces", sent)
    return [
        Figure(
            "stored bytes of a span, merged",
            ours,
            "bytes",
            60,
            higher_is_better=False,
            baseline=theirs,
            baseline_name=collector.NAME,
            note=f"{sent:,} spans" + ("" if theirs else f"; {collector.MISSING}"),
        )
    ]
