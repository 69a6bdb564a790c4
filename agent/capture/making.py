"""What the native engine shall make, from the agent's configuration and how much of it the agent can afford now."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Final

from agent.capture.governor import Level
from libs.catalog.agent_config import AgentConfig

if TYPE_CHECKING:
    from weir_native import EngineConfig

_LOGS_SHED: Final = 2
READY_BYTES: Final = 32 << 20
_FLOW_BYTES: Final = 1024
"""Rows that one flow makes when a minute ends: its own, those of its pair and of both ends. All flows make theirs at once."""
"""Finished batches that wait in the engine for the thread that drains it."""


def engine_config(config: AgentConfig, agent_id: int, level: Level = 0) -> EngineConfig:
    """The engine's settings. Shedding L7 spares its parsers, shedding logs leaves the documents."""
    seconds = config.flow.timeouts_s
    return {
        "agent_id": agent_id,
        "l7": config.l7.enabled and level == 0,
        "l4_log": config.flow.enabled and level < _LOGS_SHED,
        "l7_log": config.l7.enabled and level == 0,
        "documents": config.flow.metrics,
        "merge_health_checks": config.flow.merge_health_checks,
        "l4_rows_per_s": config.flow.rows_per_s,
        "l7_rows_per_s": config.l7.rows_per_s,
        "interfaces": list(config.capture.interfaces),
        "exclude_interfaces": list(config.capture.exclude_interfaces),
        "max_flows": config.flow.max_flows,
        "batch_rows": min(config.send.batch_rows, 65_536),
        "max_ready_bytes": READY_BYTES + _FLOW_BYTES * config.flow.max_flows,
        "timeouts": {
            "established_s": ceil(seconds.established),
            "opening_s": ceil(seconds.opening),
            "closing_s": ceil(seconds.closing),
            "closed_s": ceil(seconds.closed),
            "datagram_s": ceil(seconds.others),
        },
        "l7_settings": {
            "protocols": list(config.l7.protocols),
            "tcp_request_timeout_us": int(config.l7.session_timeout_s * 1e6),
            "udp_request_timeout_us": int(config.l7.dns_session_timeout_s * 1e6),
            "obfuscate": config.l7.obfuscate,
            "http_endpoint_segments": config.l7.http_endpoint_segments,
            "dns_expected_nxdomain_suffixes": list(config.l7.dns_expected_nxdomain_suffixes),
        },
    }
