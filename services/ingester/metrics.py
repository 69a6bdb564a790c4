"""What an ingester counts besides the ledger of `libs.boot.metrics`."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

REQUESTS: Final = Counter("weir_ingester_requests", "Export requests, by transport and how they ended.", ["transport", "outcome"])
BODY_BYTES: Final = Counter("weir_ingester_body_bytes", "Bytes of request bodies, as sent.", ["transport"])
DECODE_SECONDS: Final = Counter("weir_ingester_decode_seconds", "Time spent in decoding and tagging.")
INSERT_SECONDS: Final = Histogram(
    "weir_ingester_insert_seconds",
    "From a block's last row to the store's acknowledgement.",
    ["table"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
INSERT_ROWS: Final = Histogram("weir_ingester_insert_rows", "Rows in one insert.", ["table"], buckets=(1, 10, 100, 1_000, 10_000, 50_000, 100_000, 200_000))
INSERT_BYTES: Final = Counter("weir_ingester_insert_bytes", "Bytes sent to the store.", ["table"])
INSERT_FAILURES: Final = Counter("weir_ingester_insert_failures", "Inserts that the store did not acknowledge, by kind.", ["table", "kind"])
STORE_CHECKS: Final = Counter("weir_ingester_store_checks", "Questions whether a request is stored already, by answer.", ["answer"])
PLATFORM_VERSION: Final = Gauge("weir_ingester_platform_version", "Version of the platform table in use; 0: rows are stored without names.")
REMEMBERED: Final = Gauge("weir_ingester_remembered_requests", "Stored requests that are remembered, to know a repeated one.")
