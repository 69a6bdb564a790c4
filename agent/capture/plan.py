"""What live capture shall do now: derived from the configuration, the control plane's word and the machine's facts; compared with what it does."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.capture.exclusion import own_endpoints
from agent.capture.governor import Level
from agent.capture.making import engine_config
from agent.control.standing import Standing
from agent.platform.facts import HostFacts

if TYPE_CHECKING:
    from weir_native import EngineConfig


@dataclass(frozen=True, slots=True)
class Plan:
    """Values the native engine is started and changed with."""

    enabled: bool
    engine: EngineConfig
    ring_mib: int
    fanout: int
    exclude: tuple[tuple[str, int], ...]
    """Address (0.0.0.0 and :: for any) and port."""
    namespaces: tuple[tuple[str, str], ...]
    """Name and path of those besides the own one."""


def make_plan(standing: Standing, facts: HostFacts, level: Level, controller: str, own_port: int) -> Plan:
    """The plan of this moment."""
    capture = standing.config.capture
    exclude = own_endpoints(standing, controller, own_port)
    exclude += [(address, port) for port in capture.exclude_ports for address in ("0.0.0.0", "::")]
    others = tuple((space.name, space.path) for space in facts.namespaces if space.name and _may_see(space.name))
    return Plan(
        enabled=capture.enabled and not standing.refused,
        engine=engine_config(standing.config, standing.vtap_id, level),
        ring_mib=capture.ring_mib,
        fanout=capture.fanout,
        exclude=tuple(exclude),
        namespaces=others if capture.network_namespaces else (),
    )


def _may_see(name: str) -> bool:
    return re.fullmatch(r"[^\x00/]+", name) is not None
