"""Groups of agents and their configurations: what people change over REST. Each method is one transaction that tells every replica."""

from __future__ import annotations

import re
import secrets
from typing import Any, Final

import asyncpg

from libs.catalog.agent_config import AgentConfigError, parse_agent_config
from libs.postgres import Database
from services.trisolaris.errors import BadRequest, Conflict, NotFound
from services.trisolaris.registry import DEFAULT_GROUP

_ID: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_GROUPS: Final = """SELECT g.id, g.name, g.created_at, g.updated_at, c.version AS config_version, (SELECT count(*) FROM agent.vtap WHERE vtap_group_id = g.id) AS agents
FROM agent.vtap_group AS g LEFT JOIN agent.agent_config AS c ON c.vtap_group_id = g.id"""


class Groups:
    """Raises PostgresUnavailable, and BadRequest, NotFound or Conflict with the remedy."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list(self) -> list[dict[str, Any]]:
        """All groups by name."""
        return [dict(row) for row in await self._database.fetch(f"{_GROUPS} ORDER BY g.name")]

    async def get(self, group: str) -> dict[str, Any]:
        """One group."""
        rows = await self._database.fetch(f"{_GROUPS} WHERE g.id = $1", group)
        if not rows:
            raise _no_group(group)
        return dict(rows[0])

    async def create(self, name: str, group: str = "") -> dict[str, Any]:
        """A new group with the default group's configuration as it is now."""
        group = group or f"g-{secrets.token_hex(5)}"
        if not _ID.fullmatch(group):
            message = f"{group!r} cannot be the id of a group: it has 1 to 63 of a-z, 0-9 and -, and begins with a letter or digit."
            raise BadRequest(message)
        try:
            async with self._database.transaction() as connection:
                await connection.execute("INSERT INTO agent.vtap_group (id, name) VALUES ($1, $2)", group, _name(name))
                await connection.execute(
                    "INSERT INTO agent.agent_config (vtap_group_id, yaml) SELECT $1, yaml FROM agent.agent_config WHERE vtap_group_id = $2",
                    group,
                    DEFAULT_GROUP,
                )
                await connection.execute("NOTIFY agent_changed")
        except asyncpg.UniqueViolationError as error:
            message = f"There is a group with the id {group!r} or the name {name!r} already."
            raise Conflict(message) from error
        return await self.get(group)

    async def rename(self, group: str, name: str) -> dict[str, Any]:
        """Another name for a group."""
        try:
            async with self._database.transaction() as connection:
                done = await connection.fetchval("UPDATE agent.vtap_group SET name = $2, updated_at = now() WHERE id = $1 RETURNING id", group, _name(name))
                await connection.execute("NOTIFY agent_changed")
        except asyncpg.UniqueViolationError as error:
            message = f"There is a group with the name {name!r} already."
            raise Conflict(message) from error
        if done is None:
            raise _no_group(group)
        return await self.get(group)

    async def delete(self, group: str) -> None:
        """Removes a group; its agents belong to the default group then."""
        if group == DEFAULT_GROUP:
            message = "The default group cannot be deleted: agents without another one belong to it."
            raise Conflict(message)
        async with self._database.transaction() as connection:
            done = await connection.fetchval("DELETE FROM agent.vtap_group WHERE id = $1 RETURNING id", group)
            await connection.execute("NOTIFY agent_changed")
        if done is None:
            raise _no_group(group)

    async def config(self, group: str) -> tuple[int, str]:
        """Version and YAML of a group's configuration."""
        rows = await self._database.fetch("SELECT version, yaml FROM agent.agent_config WHERE vtap_group_id = $1", group)
        if not rows:
            raise _no_group(group)
        return rows[0]["version"], rows[0]["yaml"]

    async def configure(self, group: str, yaml: str) -> int:
        """Takes a configuration that is valid, and pushes it to the group's agents; returns its version. The same text again is the same version."""
        try:
            parse_agent_config(yaml)
        except AgentConfigError as error:
            raise BadRequest(str(error)) from error
        async with self._database.transaction() as connection:
            version: int | None = await connection.fetchval(
                """UPDATE agent.agent_config SET version = CASE WHEN yaml = $2 THEN version ELSE nextval('agent.config_version') END,
                yaml = $2, updated_at = now() WHERE vtap_group_id = $1 RETURNING version""",
                group,
                yaml or "{}\n",
            )
            await connection.execute("NOTIFY agent_changed")
        if version is None:
            raise _no_group(group)
        return version


def _no_group(group: str) -> NotFound:
    return NotFound(f"There is no group {group!r}; GET /v1/groups lists them.")


def _name(name: str) -> str:
    if not 0 < len(name.strip()) <= 128 or "\x00" in name:  # noqa: PLR2004  said in the message
        message = "A group's name has 1 to 128 characters."
        raise BadRequest(message)
    return name.strip()
