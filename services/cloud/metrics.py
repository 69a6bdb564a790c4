"""Metrics of cloud."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

RESOURCES: Final = Gauge("weir_cloud_resources", "Resources in the latest snapshot, by kind.", ["kind"])
VERSION: Final = Gauge("weir_cloud_version", "Version of cloud.resources that readers are given.")
BAD: Final = Counter("weir_cloud_bad_facts", "Facts that could not be made into a resource, by reason.", ["reason"])
BUILD_SECONDS: Final = Histogram("weir_cloud_build_seconds", "Time to turn a snapshot of facts into resources.", buckets=(0.001, 0.01, 0.1, 1, 10))
