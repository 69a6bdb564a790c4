"""What readers are given: the facts of all sources, kept in memory and published whenever PostgreSQL has newer ones."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

from libs.boot import get_logger
from libs.postgres import Database, PostgresUnavailable, follow_changes
from libs.wire import snapshot_pb2
from libs.wire.snapshots import SnapshotServer
from services.genesis.ledger import Ledger
from services.genesis.metrics import EXPIRED, SOURCES, VERSION

KIND: Final = "genesis.facts"
_PUBLISH_PAUSE_S: Final = 0.02


class Board:
    """Follows the ledger. Every replica has one; all of them publish the same versions."""

    def __init__(self, ledger: Ledger, snapshots: SnapshotServer) -> None:
        self._ledger = ledger
        self._snapshots = snapshots
        self._facts: dict[str, snapshot_pb2.AgentFacts] = {}
        self.version = 0

    async def follow(self, database: Database, on_state: Callable[[str], None]) -> None:
        """Loads everything, then each change as it comes; runs for ever."""
        await follow_changes(database.dsn, database.application, ("genesis_changed",), self.load, debounce_s=_PUBLISH_PAUSE_S, on_state=on_state)

    async def load(self) -> None:
        """Takes what changed since the last time and publishes it; does nothing where nothing did."""
        changed = await self._ledger.changed_since(self.version)
        if not changed:
            return
        for row in changed:
            if row.sync is None:
                self._facts.pop(row.source, None)
                continue
            self._facts[row.source] = snapshot_pb2.AgentFacts(
                source=row.source,
                version=row.version,
                seen_at_ms=row.seen_at_ms,
                hostname=row.hostname,
                host_id=row.host_id,
                vtap_id=row.vtap_id,
                ctrl_ip=row.ctrl_ip,
                ctrl_mac=row.ctrl_mac,
                sync=row.sync,
            )
        self.version = changed[-1].change
        facts = snapshot_pb2.Facts(agents=[self._facts[source] for source in sorted(self._facts)])
        self._snapshots.publish(KIND, self.version, facts.SerializeToString())
        SOURCES.set(len(self._facts))
        VERSION.set(self.version)


class Sweeper:
    """Expires silent sources. Its own absence, and PostgreSQL's, does not count as their silence."""

    def __init__(self, ledger: Ledger, *, expire_s: float) -> None:
        self._ledger = ledger
        self._expire_s = expire_s
        self._listening_since = time.monotonic()

    async def sweep(self) -> None:
        """Looks a few times per expiry period, for ever."""
        period = min(self._expire_s / 5, 10.0)
        self._listening_since = time.monotonic()
        while True:
            await asyncio.sleep(period)
            try:
                if time.monotonic() - self._listening_since < self._expire_s:
                    await self._ledger.changed_since(1 << 62)  # only asks whether the server is there
                else:
                    gone = await self._ledger.expire(self._expire_s)
                    EXPIRED.inc(len(gone))
                    if gone:
                        get_logger("genesis").info("expired", sources=len(gone), first=gone[:10])
            except PostgresUnavailable:
                self._listening_since = time.monotonic()
