"""Who a report is from and whether it says something new. Pure: no clock, no database."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from libs.wire import agent_pb2
from services.genesis.errors import BadFacts

_MAX_ID: Final = 256


@dataclass(frozen=True, slots=True)
class Held:
    """What is known of a source before its report is looked at."""

    source: str
    ctrl_mac: str
    version: int
    digest: bytes | None
    """None once its facts have expired."""


def check(request: agent_pb2.GenesisSyncRequest) -> None:
    """Raises BadFacts for a report that names no source."""
    if not request.host_id:
        message = "GenesisSync needs host_id: it is the machine's stable id (/etc/machine-id)."
        raise BadFacts(message)
    if max(len(request.host_id), len(request.ctrl_mac), len(request.ctrl_ip), len(request.hostname)) > _MAX_ID:
        message = f"host_id, ctrl_mac, ctrl_ip and hostname have at most {_MAX_ID} characters."
        raise BadFacts(message)


def digest(request: agent_pb2.GenesisSyncRequest) -> bytes:
    """Of what the report says, not of who counts it how."""
    content = agent_pb2.GenesisSyncRequest()
    content.CopyFrom(request)
    content.version = content.vtap_id = 0
    return hashlib.blake2b(content.SerializeToString(deterministic=True), digest_size=16).digest()


def recognise(request: agent_pb2.GenesisSyncRequest, known: Iterable[Held]) -> Held | None:
    """Which of the sources with the same host_id this is.

    The one with its control MAC; else the one whose control MAC is another interface of this machine (its default route moved). A cloned
    machine id with other MACs is neither: a source of its own.
    """
    candidates = tuple(known)
    for held in candidates:
        if held.ctrl_mac == request.ctrl_mac.lower():
            return held
    macs = {interface.mac.lower() for namespace in request.namespaces if not namespace.name for interface in namespace.interfaces}
    return next((held for held in candidates if held.ctrl_mac and held.ctrl_mac in macs), None)


def new_source(request: agent_pb2.GenesisSyncRequest) -> str:
    """The name of a source that was not known before; it stays, even when its control MAC changes later."""
    return f"agent:{request.host_id}:{request.ctrl_mac.lower()}"
