"""Metrics of tagrecorder."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Histogram

INTERVALS: Final = Counter("weir_tagrecorder_intervals", "Validity intervals written to PostgreSQL, by kind and change.", ["kind", "change"])
"""change: opened, renamed, changed, closed, reopened."""
PUSHED: Final = Counter("weir_tagrecorder_pushed", "Rows written to ClickHouse, by kind.", ["kind"])
REPAIRED: Final = Counter("weir_tagrecorder_repaired", "Rows that a full comparison found missing, wrong or too many in ClickHouse, by kind.", ["kind"])
CLICKHOUSE_FAILURES: Final = Counter("weir_tagrecorder_clickhouse_failures", "Times that ClickHouse could not be written; tried again until it can.")
PUSH_SECONDS: Final = Histogram(
    "weir_tagrecorder_push_seconds", "Time to write one change to ClickHouse and reload its dictionaries.", buckets=(0.01, 0.1, 1, 10)
)
