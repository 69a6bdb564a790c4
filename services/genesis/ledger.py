"""The facts in PostgreSQL: taken over in one transaction before the source is answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from libs.postgres import Database
from libs.wire import agent_pb2
from services.genesis.errors import TooManySources
from services.genesis.facts import Held, digest, new_source, recognise

Outcome = Literal["changed", "same", "heartbeat", "need_full", "older"]


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a report: the version now held, and whether everything must be sent."""

    outcome: Outcome
    version: int

    @property
    def need_full(self) -> bool:
        """Whether the source must send everything (again), under a higher version than the one held."""
        return self.outcome in {"need_full", "older"}


@dataclass(frozen=True, slots=True)
class Changed:
    """A source's facts after a change; `sync` is None when they expired."""

    source: str
    change: int
    version: int
    seen_at_ms: int
    hostname: str
    host_id: str
    vtap_id: int
    ctrl_ip: str
    ctrl_mac: str
    sync: bytes | None


_CHANGED = """SELECT source, change, version, (extract(epoch FROM changed_at) * 1000)::bigint AS seen_at_ms, hostname, host_id, vtap_id, ctrl_ip, ctrl_mac, sync
FROM genesis.fact WHERE change > $1 ORDER BY change"""

_UPSERT = """INSERT INTO genesis.fact (source, host_id, ctrl_mac, ctrl_ip, hostname, vtap_id, version, change, sync, digest)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (source) DO UPDATE SET ctrl_mac = excluded.ctrl_mac, ctrl_ip = excluded.ctrl_ip, hostname = excluded.hostname, vtap_id = excluded.vtap_id,
    version = excluded.version, change = excluded.change, sync = excluded.sync, digest = excluded.digest,
    changed_at = now(), seen_at = now(), expired_at = NULL"""


class Ledger:
    """Every method is one transaction and raises PostgresUnavailable while the server is away."""

    def __init__(self, database: Database, *, max_sources: int) -> None:
        self._database = database
        self._max_sources = max_sources

    async def take(self, request: agent_pb2.GenesisSyncRequest) -> Taken:
        """Takes a report over durably; raises TooManySources."""
        return await (self._heartbeat(request) if request.unchanged else self._full(request))

    async def _heartbeat(self, request: agent_pb2.GenesisSyncRequest) -> Taken:
        async with self._database.connection() as connection:
            version = await connection.fetchval(
                "UPDATE genesis.fact SET seen_at = now() WHERE host_id = $1 AND ctrl_mac = $2 AND version = $3 AND sync IS NOT NULL RETURNING version",
                request.host_id,
                request.ctrl_mac.lower(),
                request.version,
            )
            if version is not None:
                return Taken("heartbeat", version)
            held = await connection.fetchval("SELECT version FROM genesis.fact WHERE host_id = $1 AND ctrl_mac = $2", request.host_id, request.ctrl_mac.lower())
        return Taken("need_full", held or 0)

    async def _full(self, request: agent_pb2.GenesisSyncRequest) -> Taken:
        said = digest(request)
        async with self._database.transaction() as connection:
            # Everyone who may change a fact locks the clock first: versions are handed out in the order they become visible.
            clock = await connection.fetchval("SELECT version FROM genesis.clock FOR UPDATE")
            rows = await connection.fetch("SELECT source, ctrl_mac, version, digest FROM genesis.fact WHERE host_id = $1", request.host_id)
            held = recognise(request, (Held(**row) for row in rows))
            if held is None:
                await self._room_for_one(connection)
            elif held.digest is not None and request.version < held.version:
                return Taken("older", held.version)
            elif held.digest == said and held.ctrl_mac == request.ctrl_mac.lower():
                await connection.execute(
                    "UPDATE genesis.fact SET seen_at = now(), version = $2, vtap_id = $3 WHERE source = $1", held.source, request.version, request.vtap_id
                )
                return Taken("same", request.version)
            await connection.execute(
                _UPSERT,
                held.source if held else new_source(request),
                request.host_id,
                request.ctrl_mac.lower(),
                request.ctrl_ip,
                request.hostname,
                request.vtap_id,
                request.version,
                clock + 1,
                request.SerializeToString(deterministic=True),
                said,
            )
            await self._tick(connection, clock + 1)
        return Taken("changed", request.version)

    async def _room_for_one(self, connection: Any) -> None:  # noqa: ANN401  asyncpg's connection and its proxy share no type
        if await connection.fetchval("SELECT count(*) FROM genesis.fact WHERE sync IS NOT NULL") >= self._max_sources:
            message = f"{self._max_sources} sources report already: raise WEIR_GENESIS_MAX_SOURCES, or wait until some expire."
            raise TooManySources(message)

    @staticmethod
    async def _tick(connection: Any, clock: int) -> None:  # noqa: ANN401  asyncpg's connection and its proxy share no type
        await connection.execute("UPDATE genesis.clock SET version = $1", clock)
        await connection.execute("NOTIFY genesis_changed")

    async def expire(self, after_s: float) -> list[str]:
        """Drops the facts of sources that have been silent for `after_s`; returns their names. A row stays behind, so that it is known they were there."""
        async with self._database.transaction() as connection:
            clock = await connection.fetchval("SELECT version FROM genesis.clock FOR UPDATE")
            rows = await connection.fetch(
                """UPDATE genesis.fact SET sync = NULL, digest = NULL, expired_at = now(), changed_at = now(), change = $2
                WHERE sync IS NOT NULL AND seen_at < now() - $1::interval RETURNING source""",
                timedelta(seconds=after_s),
                clock + 1,
            )
            if rows:
                await self._tick(connection, clock + 1)
        return [row["source"] for row in rows]

    async def changed_since(self, clock: int) -> list[Changed]:
        """The sources that changed after `clock`, in order."""
        return [Changed(**row) for row in await self._database.fetch(_CHANGED, clock)]
