"""What readers are given: all resources of all domains, made anew whenever genesis has newer facts."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from google.protobuf.message import DecodeError

from libs.boot import get_logger
from libs.wire import snapshot_pb2
from libs.wire.snapshots import Snapshot, SnapshotServer, watch
from services.cloud.domains import ensure_domain, version_of
from services.cloud.errors import BrokenFacts
from services.cloud.metrics import BAD, BUILD_SECONDS, RESOURCES, VERSION
from services.cloud.platforms import PLATFORMS

KIND: Final = "cloud.resources"
DOMAIN: Final = "default"


class Catalogue:
    """Publishes nothing before genesis has been heard: an empty start is not an empty world."""

    def __init__(self, snapshots: SnapshotServer, genesis_address: str) -> None:
        self._snapshots = snapshots
        self._genesis_address = genesis_address
        self.facts_version = 0

    async def follow(self, connection: Any, on_state: Callable[[str], None]) -> None:  # noqa: ANN401  asyncpg's connection and its proxy share no type
        """The leader's work: follows genesis for ever. Raises PostgresUnavailable."""
        for platform in PLATFORMS:
            await ensure_domain(connection, DOMAIN, platform.name)
        async for facts in watch(self._genesis_address, "genesis.facts", reader="cloud", on_state=on_state):
            try:
                resources = await asyncio.to_thread(build, facts)
            except BrokenFacts:
                BAD.labels("snapshot").inc()
                get_logger("cloud").warning("facts cannot be read; the last resources stay", version=facts.version)
                continue
            data = resources.SerializeToString(deterministic=True)
            version = await version_of(connection, data)
            self._snapshots.publish(KIND, version, data)
            self.facts_version = facts.version
            VERSION.set(version)
            for kind, count in Counter(resource.kind for resource in resources.resources).items():
                RESOURCES.labels(kind).set(count)


@BUILD_SECONDS.time()
def build(facts: Snapshot) -> snapshot_pb2.Resources:
    """Every platform's resources; raises BrokenFacts for bytes that are no facts."""
    try:
        parsed = snapshot_pb2.Facts.FromString(facts.data)
        found: list[snapshot_pb2.Resource] = [resource for platform in PLATFORMS for resource in platform.resources(DOMAIN, parsed)]
    except DecodeError as error:
        message = f"The facts of version {facts.version} cannot be read."
        raise BrokenFacts(message) from error
    found.sort(key=lambda resource: (resource.kind, resource.lcuuid))
    return snapshot_pb2.Resources(resources=found)
