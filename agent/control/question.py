"""Draws up a SyncRequest: who this agent is and how it is."""

from __future__ import annotations

import importlib.metadata

from agent.control.standing import Standing
from agent.platform.facts import HostFacts
from agent.platform.identity import HostIdentity, control_interface
from libs.wire import agent_pb2 as pb


def revision() -> str:
    """Version of this agent."""
    try:
        return importlib.metadata.version("weir")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"


def sync_request(identity: HostIdentity, facts: HostFacts, standing: Standing, controller: str, group: str, *, health: pb.AgentHealth) -> pb.SyncRequest:
    """The request of this moment."""
    interfaces = facts.own.interfaces if facts.own else ()
    ctrl_ip, ctrl_mac = control_interface(controller, interfaces)
    return pb.SyncRequest(
        vtap_id=standing.vtap_id,
        ctrl_ip=ctrl_ip,
        ctrl_mac=ctrl_mac,
        hostname=identity.hostname,
        host_id=identity.host_id,
        revision=revision(),
        os=identity.os,
        arch=identity.arch,
        kernel=identity.kernel,
        cpus=identity.cpus,
        memory_bytes=identity.memory_bytes,
        boot_time_s=identity.boot_time_s,
        config_version=standing.config_version,
        vtap_group_request=group,
        interface_macs=sorted({nic.mac for nic in interfaces if nic.mac.strip("0:")}),
        interface_ips=sorted({address.partition("/")[0] for nic in interfaces if nic.kind != "loopback" for address in nic.addresses}),
        health=health,
    )
