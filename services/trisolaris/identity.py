"""Which agent a Sync is from. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from libs.wire import agent_pb2
from services.trisolaris.errors import BadRequest

_MAX_TEXT: Final = 256
_MAX_ADDRESSES: Final = 10_000


class Known(Protocol):
    """What identifies an agent that is registered."""

    @property
    def host_id(self) -> str:
        """Stable id of its machine."""
        ...

    @property
    def ctrl_mac(self) -> str:
        """MAC by which it reached the controller last."""
        ...


K = TypeVar("K", bound=Known)


@dataclass(frozen=True, slots=True)
class Identity:
    """host_id, control MAC and control address of who asks; `macs` are all of its machine's own interfaces."""

    host_id: str
    ctrl_mac: str
    ctrl_ip: str
    macs: frozenset[str]

    def find(self, same_host_id: Iterable[K]) -> K | None:
        """Which of the agents with the same host_id this is: the one with its control MAC, else the one whose control MAC is another of its interfaces.

        The address plays no part: an agent whose address changed is the same agent. A clone (same machine id, other MACs) is none of them.
        """
        candidates = tuple(same_host_id)
        exact = next((known for known in candidates if known.ctrl_mac == self.ctrl_mac), None)
        return exact or next((known for known in candidates if known.ctrl_mac and known.ctrl_mac in self.macs), None)


def identify(request: agent_pb2.SyncRequest) -> Identity:
    """Who asks; raises BadRequest where that cannot be told."""
    if not request.host_id:
        message = "Sync needs host_id: it is the machine's stable id (/etc/machine-id)."
        raise BadRequest(message)
    texts = (request.host_id, request.ctrl_mac, request.ctrl_ip, request.hostname, request.revision, request.os, request.arch, request.kernel)
    if max(map(len, texts)) > _MAX_TEXT or len(request.interface_macs) > _MAX_ADDRESSES or "\x00" in "".join(texts):
        message = f"The texts of a Sync have at most {_MAX_TEXT} characters, none of them NUL, and a machine has at most {_MAX_ADDRESSES} interfaces."
        raise BadRequest(message)
    return Identity(request.host_id, request.ctrl_mac.lower(), request.ctrl_ip, frozenset(mac.lower() for mac in request.interface_macs))
