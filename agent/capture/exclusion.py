"""Which packets are Weir's own: they are left out, or the agent would report its reports."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from agent.control.standing import Standing
from libs.catalog.ports import PORTS

_LOOPBACK: Final = ("127.0.0.1", "::1")


def own_endpoints(standing: Standing, controller: str, own_port: int) -> list[tuple[str, int]]:
    """Addresses and ports of Weir's listeners: what the control plane says, or the usual ports of this machine until it has spoken."""
    found = set(standing.weir_endpoints)
    if not found:
        found.update((address, row.number) for row in PORTS for address in _LOOPBACK)
    for url in (*standing.ingesters.values(), f"grpc://{controller}", f"grpc://{standing.genesis_address}"):
        parts = urlsplit(url)
        if parts.hostname and parts.port:
            found.update((address, parts.port) for address in (_LOOPBACK if parts.hostname == "localhost" else (parts.hostname,)))
    found.update((address, own_port) for address in _LOOPBACK if own_port)
    return sorted(found)
