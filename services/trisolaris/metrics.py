"""Metrics of trisolaris."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

SYNCS: Final = Counter("weir_trisolaris_syncs", "Syncs by what was answered.", ["status"])
"""status: ok, unknown, refused, bad, unavailable."""
PUSHES: Final = Gauge("weir_trisolaris_pushes", "Open Push streams.")
PUSHED: Final = Counter("weir_trisolaris_pushed", "Answers sent by Push after the first one.")
REGISTERED: Final = Counter("weir_trisolaris_registered", "Agents that were registered.")
AGENTS: Final = Gauge("weir_trisolaris_agents", "Agents, by state.", ["state"])
PLATFORM_VERSION: Final = Gauge("weir_trisolaris_platform_version", "Version of trisolaris.platform that ingesters are given.")
PLATFORM_ROWS: Final = Gauge("weir_trisolaris_platform_rows", "Rows of trisolaris.platform, by table.", ["table"])
PLATFORM_SECONDS: Final = Histogram("weir_trisolaris_platform_seconds", "Time to read and build the platform table.", buckets=(0.001, 0.01, 0.1, 1, 10))
