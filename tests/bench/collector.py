"""The OpenTelemetry Collector with its ClickHouse exporter, set up to be as quick and as truthful as it can be.

It answers after its insert (`wait_for_result`), and gathers large blocks for it: measured, that is quicker than an insert a request.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tests.bench.peers import collector
from tests.bench.processes import Child, free_port

NAME = "Collector"
MISSING = "the Collector is not there: `make peers`"

_CONFIG = """
receivers:
  otlp:
    protocols:
      http:
        endpoint: 127.0.0.1:{port}
        max_request_body_size: 67108864
exporters:
  clickhouse:
    endpoint: {store}
    database: {database}
    traces_table_name: otel_traces
    create_schema: {create}
    async_insert: false
    compress: none
    timeout: 60s
    sending_queue:
      enabled: true
      wait_for_result: true
      sizer: items
      queue_size: 2000000
      num_consumers: 4
      batch:
        flush_timeout: 200ms
        min_size: 50000
        max_size: 100000
        sizer: items
    retry_on_failure:
      enabled: false
service:
  telemetry:
    logs:
      level: warn
    metrics:
      level: none
  pipelines:
    traces:
      receivers: [otlp]
      exporters: [clickhouse]
"""


def is_there() -> bool:
    """Whether `make peers` has built it."""
    return collector() is not None


def start(folder: Path, store: str, *, database: str = "otel", create: bool = True, cores: Iterable[int] = ()) -> tuple[Child, int]:
    """Starts it in front of a store; returns it and its port for OTLP over HTTP. With `create` it makes its own table."""
    binary = collector()
    if binary is None:
        raise RuntimeError(MISSING)
    port = free_port()
    config = folder / f"collector-{port}.yaml"
    config.write_text(_CONFIG.format(port=port, store=store, database=database, create=str(create).lower()))
    child = Child([str(binary), "--config", str(config)], folder, cores=cores, settings={"GOMAXPROCS": str(len(set(cores)))} if cores else None)
    return child.ready(f"http://127.0.0.1:{port}/v1/traces", any_answer=True), port
