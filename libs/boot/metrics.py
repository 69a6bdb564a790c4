"""The few metrics that mean the same in every process, so that `weir status` can draw up one ledger for all of them."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge

ROWS_IN: Final = Counter("weir_rows_in", "Rows that came in, by stream.", ["stream"])
"""Rows received and understood: packets' rows in an agent, OTLP rows in an ingester."""
ROWS_OUT: Final = Counter("weir_rows_out", "Rows that left for good: acknowledged by the receiver or stored.", ["stream"])
ROWS_DROPPED: Final = Counter("weir_rows_dropped", "Rows that were given up, by stream and reason.", ["stream", "reason"])
ROWS_DUPLICATE: Final = Counter("weir_rows_duplicate", "Rows of a repeated request, recognised and not stored again.", ["stream"])
QUEUE_DEPTH: Final = Gauge("weir_queue_depth", "What waits in a queue now.", ["queue", "unit"])
QUEUE_LIMIT: Final = Gauge("weir_queue_limit", "What a queue holds at most.", ["queue", "unit"])
QUEUE_DROPPED: Final = Counter("weir_queue_dropped", "What a full queue gave up, by reason.", ["queue", "reason"])
PACKETS: Final = Gauge("weir_packets", "Packets since the start, by what became of them.", ["fate"])
