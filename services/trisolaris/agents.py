"""Agents as people see and change them over REST."""

from __future__ import annotations

from typing import Any, Final, Literal

import asyncpg

from libs.postgres import Database
from services.trisolaris.errors import BadRequest, NotFound

_COLUMNS: Final = """id, id AS vtap_id, name, state, vtap_group_id, hostname, host_id, ctrl_ip, ctrl_mac, vm_id, revision, os, arch, kernel, cpus, memory_bytes,
boot_time_s, config_version, health, registered_at, last_seen_at, extract(epoch FROM now() - last_seen_at)::float8 AS silent_s"""


class Agents:
    """Raises PostgresUnavailable, and BadRequest or NotFound with the remedy."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list(self, after: int, limit: int) -> list[dict[str, Any]]:
        """Agents in the order of their ids."""
        return [dict(row) for row in await self._database.fetch(f"SELECT {_COLUMNS} FROM agent.vtap WHERE id > $1 ORDER BY id LIMIT $2", after, limit)]  # noqa: S608  a constant

    async def get(self, vtap_id: int) -> dict[str, Any]:
        """One agent."""
        rows = await self._database.fetch(f"SELECT {_COLUMNS} FROM agent.vtap WHERE id = $1", vtap_id)  # noqa: S608  a constant
        if not rows:
            raise _no_agent(vtap_id)
        return dict(rows[0])

    async def change(self, vtap_id: int, *, name: str | None, state: Literal["enabled", "disabled"] | None, group: str | None) -> dict[str, Any]:
        """Another name, state or group; None leaves as it is. The agent is told at once."""
        try:
            async with self._database.transaction() as connection:
                done = await connection.fetchval(
                    """UPDATE agent.vtap SET name = coalesce($2, name), state = coalesce($3, state), vtap_group_id = coalesce($4, vtap_group_id),
                    updated_at = now() WHERE id = $1 RETURNING id""",
                    vtap_id,
                    name,
                    state,
                    group,
                )
                await connection.execute("NOTIFY agent_changed")
        except asyncpg.ForeignKeyViolationError as error:
            message = f"There is no group {group!r}; GET /v1/groups lists them."
            raise BadRequest(message) from error
        if done is None:
            raise _no_agent(vtap_id)
        return await self.get(vtap_id)

    async def delete(self, vtap_id: int) -> None:
        """Forgets an agent. One that still runs registers again, with another id."""
        async with self._database.transaction() as connection:
            done = await connection.fetchval("DELETE FROM agent.vtap WHERE id = $1 RETURNING id", vtap_id)
            await connection.execute("NOTIFY agent_changed")
        if done is None:
            raise _no_agent(vtap_id)


def _no_agent(vtap_id: int) -> NotFound:
    return NotFound(f"There is no agent {vtap_id}; GET /v1/agents lists them.")
