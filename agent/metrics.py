"""The agent's own counters, beside the ledger that every process has (`libs.boot.metrics`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from prometheus_client import Counter, Gauge

from libs.boot.metrics import ROWS_DROPPED, ROWS_OUT

REQUESTS: Final = Counter("weir_agent_requests", "Requests to ingesters, by decoder and outcome.", ["decoder", "outcome"])
SENT_BYTES: Final = Counter("weir_agent_sent_bytes", "Bytes of acknowledged bodies.", ["decoder"])
SYNCS: Final = Counter("weir_agent_syncs", "Conversations with the control plane, by kind and outcome.", ["kind", "outcome"])
CONFIG_VERSION: Final = Gauge("weir_agent_config_version", "Version of the configuration in force.")
VTAP_ID: Final = Gauge("weir_agent_vtap_id", "Id that trisolaris gave this agent; 0 until then.")
SHEDDING: Final = Gauge("weir_agent_shedding", "1 for each kind of row that is not made because the agent is at its limit.", ["kind"])
CPU_PERCENT: Final = Gauge("weir_agent_cpu_percent", "Of one core, in the last window.")
RESIDENT_BYTES: Final = Gauge("weir_agent_resident_bytes", "Resident memory.")
NAMESPACES: Final = Gauge("weir_agent_namespaces", "Network namespaces that are seen.")
ENGINE: Final = Gauge("weir_agent_engine", "What the native engine counts, by name.", ["name"])


def count_dropped(rows: Mapping[str, int], reason: str) -> None:
    """Rows by stream that were given up."""
    for stream, number in rows.items():
        ROWS_DROPPED.labels(stream, reason).inc(number)


def rows_total(counter: Counter) -> int:
    """All streams of ROWS_OUT or ROWS_DROPPED together."""
    return int(sum(sample.value for metric in counter.collect() for sample in metric.samples if sample.name.endswith("_total")))


def rows_sent_and_dropped() -> tuple[int, int]:
    """Since the start."""
    return rows_total(ROWS_OUT), rows_total(ROWS_DROPPED)
