"""Writes about agents: registration, and what they say of themselves."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

import asyncpg
from google.protobuf.json_format import MessageToDict

from libs.boot import get_logger
from libs.postgres import Database, PostgresUnavailable
from libs.wire import agent_pb2
from services.trisolaris.errors import TooManyAgents
from services.trisolaris.identity import Identity
from services.trisolaris.matching import match
from services.trisolaris.metrics import REGISTERED
from services.trisolaris.registry import DEFAULT_GROUP, Registry, Vtap

LOCK: Final = 0x57454952_0001
"""Replicas register one at a time."""

_INSERT: Final = """INSERT INTO agent.vtap (name, hostname, host_id, ctrl_mac, ctrl_ip, vm_lcuuid, vm_id, vtap_group_id)
VALUES ($1, $1, $2, $3, $4, $5, $6, coalesce((SELECT id FROM agent.vtap_group WHERE id = $7), $8)) RETURNING id"""

_SEEN: Final = """UPDATE agent.vtap AS t SET revision = r.revision, os = r.os, arch = r.arch, kernel = r.kernel, cpus = r.cpus, memory_bytes = r.memory_bytes,
boot_time_s = r.boot_time_s, config_version = r.config_version, health = r.health, last_seen_at = to_timestamp(r.seen)
FROM jsonb_to_recordset($1) AS r (id int, revision text, os text, arch text, kernel text, cpus int, memory_bytes bigint, boot_time_s bigint,
config_version bigint, health jsonb, seen float8) WHERE t.id = r.id"""

_INT32_MAX: Final = (1 << 31) - 1
_INT64_MAX: Final = (1 << 63) - 1


class Registrar:
    """Registers agents (one transaction each) and writes what they say of themselves every few seconds (one statement for all)."""

    def __init__(self, database: Database, registry: Registry, *, max_agents: int) -> None:
        self._database = database
        self._registry = registry
        self._max_agents = max_agents
        self._seen: dict[int, dict[str, Any]] = {}

    async def register(self, identity: Identity, request: agent_pb2.SyncRequest) -> Vtap | None:
        """The agent with its new id, None while recorder does not know its machine. Raises PostgresUnavailable, TooManyAgents."""
        async with self._database.connection() as connection:
            if await match(connection, identity) is None:  # the usual answer to a new agent: no lock for it
                return None
        async with self._database.transaction() as connection:
            await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
            rows = await connection.fetch("SELECT host_id, ctrl_mac FROM agent.vtap WHERE host_id = $1", identity.host_id)
            machine = await match(connection, identity)
            if machine is None:
                return None
            if identity.find(_Known(row["host_id"], row["ctrl_mac"]) for row in rows) is None:
                if await connection.fetchval("SELECT count(*) FROM agent.vtap") >= self._max_agents:
                    message = f"{self._max_agents} agents are registered already: delete some that are gone, or raise WEIR_TRISOLARIS_MAX_AGENTS."
                    raise TooManyAgents(message)
                name = request.hostname or identity.host_id
                words = (identity.host_id, identity.ctrl_mac, identity.ctrl_ip, machine.lcuuid, machine.id, request.vtap_group_request, DEFAULT_GROUP)
                vtap_id = await connection.fetchval(_INSERT, name, *words)
                await connection.execute("NOTIFY agent_changed")
                REGISTERED.inc()
                get_logger("trisolaris").info("registered", vtap_id=vtap_id, name=name, ctrl_ip=identity.ctrl_ip, ctrl_mac=identity.ctrl_mac)
        await self._registry.load()
        return self._registry.find(identity)

    async def note(self, vtap: Vtap, identity: Identity, request: agent_pb2.SyncRequest) -> None:
        """Remembers what an agent says of itself; an address, MAC or hostname that changed is written at once. Raises nothing."""
        self._seen[vtap.id] = {
            "id": vtap.id,
            "revision": request.revision,
            "os": request.os,
            "arch": request.arch,
            "kernel": request.kernel,
            "cpus": min(request.cpus, _INT32_MAX),
            "memory_bytes": min(request.memory_bytes, _INT64_MAX),
            "boot_time_s": min(request.boot_time_s, _INT64_MAX),
            "config_version": min(request.config_version, _INT64_MAX),
            "health": MessageToDict(request.health, preserving_proto_field_name=True),
            "seen": time.time(),
        }
        hostname = request.hostname or vtap.hostname
        if (vtap.ctrl_mac, vtap.ctrl_ip, vtap.hostname) != (identity.ctrl_mac, identity.ctrl_ip, hostname):
            await self._move(vtap, identity, hostname)

    async def _move(self, vtap: Vtap, identity: Identity, hostname: str) -> None:
        try:
            async with self._database.transaction() as connection:
                await connection.execute(
                    """UPDATE agent.vtap SET ctrl_mac = $2, ctrl_ip = $3, hostname = $4, name = CASE WHEN name = hostname THEN $4 ELSE name END,
                    updated_at = now() WHERE id = $1""",
                    vtap.id,
                    identity.ctrl_mac,
                    identity.ctrl_ip,
                    hostname,
                )
                await connection.execute("NOTIFY agent_changed")
            await self._registry.load()
        except (PostgresUnavailable, asyncpg.UniqueViolationError) as error:
            get_logger("trisolaris").warning("agent moved, but that cannot be written now; its next Sync tries again", vtap_id=vtap.id, reason=str(error))

    async def write_seen(self, interval_s: float) -> None:
        """Writes what was noted every `interval_s`, for ever; what cannot be written waits for the next time (one row per agent)."""
        while True:
            await asyncio.sleep(interval_s)
            await self.flush()

    async def flush(self) -> None:
        """Writes what was noted; keeps it where PostgreSQL is away."""
        seen, self._seen = self._seen, {}
        if not seen:
            return
        try:
            async with self._database.connection() as connection:
                await connection.execute(_SEEN, list(seen.values()))
        except PostgresUnavailable:
            self._seen = {**seen, **self._seen}


class _Known:
    __slots__ = ("ctrl_mac", "host_id")

    def __init__(self, host_id: str, ctrl_mac: str) -> None:
        self.host_id = host_id
        self.ctrl_mac = ctrl_mac
