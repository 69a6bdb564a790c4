"""Agents, groups and configurations in memory, as PostgreSQL has them: a known agent is answered while PostgreSQL is away."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Final

from libs.boot import get_logger
from libs.catalog.agent_config import AgentConfig, AgentConfigError, parse_agent_config
from libs.postgres import Database
from services.trisolaris.errors import NotFound
from services.trisolaris.identity import Identity
from services.trisolaris.metrics import AGENTS

DEFAULT_GROUP: Final = "default"

_VTAPS: Final = """SELECT vtap.id, vtap.name, vtap.host_id, vtap.ctrl_mac, vtap.ctrl_ip, vtap.hostname, vtap.vtap_group_id, vtap.state,
coalesce(vm.vpc_id, 0) AS vpc_id FROM agent.vtap LEFT JOIN meta.vm ON vm.lcuuid = vtap.vm_lcuuid ORDER BY vtap.id"""


@dataclass(frozen=True, slots=True)
class Vtap:
    """A registered agent."""

    id: int
    name: str
    host_id: str
    ctrl_mac: str
    ctrl_ip: str
    hostname: str
    vtap_group_id: str
    state: str
    vpc_id: int


@dataclass(frozen=True, slots=True)
class GroupConfig:
    """The configuration of a group, as it is sent."""

    version: int
    yaml: str
    sync_interval_s: int


class Registry:
    """Loaded anew whenever `agent_changed` or `meta_changed` is heard."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._by_host: dict[str, list[Vtap]] = {}
        self._configs: dict[str, GroupConfig] = {}
        self._changed = asyncio.Event()
        self.vtaps: dict[int, Vtap] = {}
        self.is_loaded = False

    async def load(self) -> None:
        """Reads everything and wakes whoever waits for `changed`. Raises PostgresUnavailable and keeps what it had."""
        async with self._database.transaction() as connection:
            vtaps = [Vtap(**row) for row in await connection.fetch(_VTAPS)]
            configs = await connection.fetch("SELECT vtap_group_id, version, yaml FROM agent.agent_config")
        by_host: dict[str, list[Vtap]] = defaultdict(list)
        for vtap in vtaps:
            by_host[vtap.host_id].append(vtap)
        self.vtaps, self._by_host = {vtap.id: vtap for vtap in vtaps}, dict(by_host)
        self._configs = {row["vtap_group_id"]: self._config(row["vtap_group_id"], row["version"], row["yaml"]) for row in configs}
        self.is_loaded = True
        for state, count in {"enabled": 0, "disabled": 0, **Counter(vtap.state for vtap in vtaps)}.items():
            AGENTS.labels(state).set(count)
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def _config(self, group: str, version: int, yaml: str) -> GroupConfig:
        known = self._configs.get(group)
        if known is not None and known.version == version:
            return known
        try:
            config = parse_agent_config(yaml)
        except AgentConfigError as error:
            # It was right for the version of Weir that took it. Agents go on with defaults, and the log says why.
            get_logger("trisolaris").warning("configuration is not valid any more; defaults are sent", group=group, reason=str(error))
            return GroupConfig(version, "{}\n", AgentConfig().sync.interval_s)
        return GroupConfig(version, yaml, config.sync.interval_s)

    @property
    def changed(self) -> asyncio.Event:
        """Set at the next load; take it before looking, wait for it after."""
        return self._changed

    def find(self, identity: Identity) -> Vtap | None:
        """The registered agent that asks, None where it is not registered."""
        return identity.find(self._by_host.get(identity.host_id, ()))

    def config(self, group: str) -> GroupConfig:
        """The configuration of a group, of the default group where it has none; raises NotFound before anything is loaded."""
        config = self._configs.get(group) or self._configs.get(DEFAULT_GROUP)
        if config is None:
            message = f"There is no group {group!r}."
            raise NotFound(message)
        return config
