"""Metrics of genesis."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge

SYNCS: Final = Counter("weir_genesis_syncs", "Reports by what became of them.", ["outcome"])
"""outcome: changed, same, heartbeat, need_full, older, refused, unavailable."""
SOURCES: Final = Gauge("weir_genesis_sources", "Sources whose facts are held and not expired.")
EXPIRED: Final = Counter("weir_genesis_expired", "Sources that were silent for too long.")
VERSION: Final = Gauge("weir_genesis_version", "Version of genesis.facts that readers are given.")
