"""What live capture shall do now: derived from the configuration, the control plane's word and the machine's facts; compared with what it does."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agent.capture.exclusion import own_endpoints
from agent.capture.governor import Level
from agent.capture.making import engine_config
from agent.control.standing import Standing
from agent.custom.hosts import Wanted
from agent.custom.loading import Source
from agent.platform.facts import HostFacts
from agent.settings import AgentSettings
from libs.catalog.agent_config import AgentConfig

if TYPE_CHECKING:
    from weir_native import EngineConfig


@dataclass(frozen=True, slots=True)
class Plan:
    """Values the native engine is started and changed with."""

    enabled: bool
    engine: EngineConfig
    ring_mib: int
    fanout: int
    custom: tuple[Wanted, ...]
    exclude: tuple[tuple[str, int], ...]
    """Address (0.0.0.0 and :: for any) and port."""
    namespaces: tuple[tuple[str, str], ...]
    """Name and path of those besides the own one."""


def make_plan(standing: Standing, facts: HostFacts, level: Level, settings: AgentSettings, own_port: int) -> Plan:
    """The plan of this moment."""
    capture = standing.config.capture
    exclude = own_endpoints(standing, settings.controller, own_port)
    exclude += [(address, port) for port in capture.exclude_ports for address in ("0.0.0.0", "::")]
    others = tuple((space.name, space.path) for space in facts.namespaces if space.name and _may_see(space.name))
    return Plan(
        enabled=capture.enabled and not standing.refused,
        engine=engine_config(standing.config, standing.vtap_id, level),
        ring_mib=capture.ring_mib,
        fanout=capture.fanout,
        custom=wanted_protocols(standing.config, settings.protocols_dir) if standing.config.l7.enabled else (),
        exclude=tuple(exclude),
        namespaces=others if capture.network_namespaces else (),
    )


def wanted_protocols(config: AgentConfig, folder: Path) -> tuple[Wanted, ...]:
    """The custom protocols that a configuration names."""
    return tuple(Wanted(Source(folder, custom.parser), custom.ranges) for custom in config.l7.custom)


def _may_see(name: str) -> bool:
    return re.fullmatch(r"[^\x00/]+", name) is not None
