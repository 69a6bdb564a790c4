"""The contract of a platform."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from libs.wire import snapshot_pb2


@dataclass(frozen=True, slots=True)
class Platform:
    """`resources(domain, facts)` gives every resource of the domain as it is now; pure, deterministic, each lcuuid once."""

    name: str
    resources: Callable[[str, snapshot_pb2.Facts], list[snapshot_pb2.Resource]]
    doc: str
