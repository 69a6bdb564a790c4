"""What the store counts."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

QUERIES: Final = Counter("weir_store_queries", "Queries by kind (select, insert, other) and outcome (ok, error, refused).", ["kind", "outcome"])
RUNNING: Final = Gauge("weir_store_running", "Queries running now.")
SECONDS: Final = Histogram(
    "weir_store_query_seconds", "From the whole request to the last byte of the answer.", ["kind"], buckets=(0.002, 0.005, 0.01, 0.05, 0.2, 1, 5, 30, 120)
)
ROWS_WRITTEN: Final = Counter("weir_store_rows_written", "Rows stored by acknowledged inserts.")
BYTES_IN: Final = Counter("weir_store_body_bytes", "Bytes of request bodies, as they came over the wire.")
BYTES_OUT: Final = Counter("weir_store_result_bytes", "Bytes of results, before compression.")
LOG_DROPPED: Final = Counter(
    "weir_store_log_dropped", "Entries of system.query_log and session_log that newer ones pushed out before anybody asked.", ["table"]
)
SESSIONS: Final = Gauge("weir_store_sessions", "Sessions alive.")
FREE_BYTES: Final = Gauge("weir_store_free_bytes", "Free space of the file system that holds the data.")
