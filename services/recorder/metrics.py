"""Metrics of recorder."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

CHANGES: Final = Counter("weir_recorder_changes", "Resources written, by kind and change.", ["kind", "change"])
RESOURCES: Final = Gauge("weir_recorder_resources", "Resources that exist now, by kind.", ["kind"])
REFUSED: Final = Counter("weir_recorder_refused_snapshots", "Snapshots that were not recorded, by reason.", ["reason"])
SKIPPED: Final = Counter(
    "weir_recorder_skipped", "Resources of a snapshot that could not be recorded, by kind and reason; their rows stay as they are.", ["kind", "reason"]
)
APPLY_SECONDS: Final = Histogram("weir_recorder_apply_seconds", "Time to compare and write one snapshot.", buckets=(0.001, 0.01, 0.1, 1, 10))
