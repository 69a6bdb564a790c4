"""Machines that report themselves: each is a host, and a vm launched on it; so is each of its other network namespaces.

Names and keys follow the sequence "Agent on Legacy Host": the machine is a row of `vm`, its MACs rows of `vinterface`, its LAN addresses
rows of `vinterface_ip` and its WAN addresses rows of `ip_resource`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

import orjson

from libs.wire import agent_pb2, snapshot_pb2
from services.cloud.addresses import Assigned, Network, contained, parse
from services.cloud.keys import lcuuid
from services.cloud.metrics import BAD

_LOCAL_KINDS: Final = frozenset({"bridge", "veth", "dummy"})
"""Interfaces of a host whose networks end at that host, unless it reaches the controller by one of them."""
_NO_MAC: Final = frozenset({"", "00:00:00:00:00:00"})
_MAX_NAME: Final = 256
_REMEMBERED: Final = 16_384


@dataclass(slots=True)
class Domain:
    """Collects the resources of one domain, each once."""

    name: str
    found: dict[str, snapshot_pb2.Resource] = field(default_factory=dict)

    def add(self, kind: str, natural_key: str, name: str, refs: dict[str, str] | None = None, /, **attributes: object) -> str:
        """Adds a resource where its key is new; returns its lcuuid."""
        key = lcuuid(self.name, kind, natural_key)
        if key not in self.found:
            said = {attribute: str(value) for attribute, value in attributes.items() if value not in ("", None)}
            clean = name.replace("\x00", "")[:_MAX_NAME]
            self.found[key] = snapshot_pb2.Resource(kind=kind, lcuuid=key, name=clean, domain=self.name, refs=refs or {}, attributes=said)
        return key


@dataclass(frozen=True, slots=True)
class Place:
    """The region, zone and VPC everything of this platform is in."""

    region: str
    az: str
    vpc: str

    @property
    def refs(self) -> dict[str, str]:
        """As `Resource.refs`."""
        return {"region": self.region, "az": self.az, "vpc": self.vpc}


def resources(domain: str, facts: snapshot_pb2.Facts) -> list[snapshot_pb2.Resource]:
    """Every resource that the agents' facts tell of; raises DecodeError for facts that are none."""
    found: dict[str, snapshot_pb2.Resource] = {}
    for agent in facts.agents or (snapshot_pb2.AgentFacts(),):
        found.update(_of_agent(domain, agent.source, agent.hostname, agent.host_id, agent.ctrl_ip, agent.ctrl_mac, agent.sync))
    return list(found.values())


@lru_cache(maxsize=_REMEMBERED)
def _of_agent(domain: str, source: str, hostname: str, host_id: str, ctrl_ip: str, ctrl_mac: str, sync: bytes) -> dict[str, snapshot_pb2.Resource]:  # noqa: PLR0917  they are the key
    """One agent's resources and the place they are in. Remembered: when one of a thousand machines changes, the others are not done again."""
    collected = Domain(domain)
    region = collected.add("region", "default", domain)
    az = collected.add("az", "default", domain, {"region": region})
    place = Place(region, az, collected.add("vpc", "default", domain, {"region": region}))
    if source:
        agent = snapshot_pb2.AgentFacts(source=source, hostname=hostname, host_id=host_id, ctrl_ip=ctrl_ip, ctrl_mac=ctrl_mac)
        Machine(collected, place, agent, agent_pb2.GenesisSyncRequest.FromString(sync)).collect()
    return collected.found


@dataclass(slots=True)
class Machine:
    """One agent's facts on their way into the domain."""

    domain: Domain
    place: Place
    agent: snapshot_pb2.AgentFacts
    sync: agent_pb2.GenesisSyncRequest
    _vm_of_netns: dict[int, str] = field(default_factory=dict)

    def collect(self) -> None:
        """Adds everything this machine has."""
        hostname = self.agent.hostname or self.agent.host_id
        host = self.domain.add(
            "host", self.agent.source, hostname, {"region": self.place.region, "az": self.place.az}, ip=self.agent.ctrl_ip, host_id=self.agent.host_id
        )
        own = self._vm("", hostname, host, htype="host", os=self.sync.os, ctrl_ip=self.agent.ctrl_ip, ctrl_mac=self.agent.ctrl_mac.lower())
        parsed = [(namespace, list(_interfaces(namespace))) for namespace in self.sync.namespaces]
        unique = _fleet_networks(self.agent.ctrl_ip, parsed)
        for namespace, interfaces in parsed:
            if not namespace.name:
                vm = own
            elif any(assigned for _, assigned in interfaces):
                vm = self._vm(namespace.name, _namespace_name(namespace), host, htype="netns", netns=namespace.name, workload=namespace.workload)
            else:
                continue
            self._vm_of_netns[namespace.inode] = vm
            for interface, assigned in interfaces:
                self._interface(netns=namespace.name, vm=vm, host=host, interface=interface, addresses=assigned, unique=unique)
        for process in self.sync.processes:
            self._process(process, self._vm_of_netns.get(process.netns_inode, own), host)

    def _vm(self, namespace: str, name: str, host: str, /, **attributes: object) -> str:
        key = f"{self.agent.source}/netns/{namespace}" if namespace else self.agent.source
        return self.domain.add("vm", key, name, {**self.place.refs, "host": host}, host_id=self.agent.host_id, **attributes)

    def _interface(
        self, *, netns: str, vm: str, host: str, interface: agent_pb2.NetworkInterface, addresses: list[Assigned], unique: tuple[Network, ...]
    ) -> None:
        mac = interface.mac.lower()
        key = f"{self.agent.source}/netns/{netns}/{interface.name}/{'' if mac in _NO_MAC else mac}"
        refs = {"vpc": self.place.vpc, "vm": vm, "host": host}
        said = {"mac": "" if mac in _NO_MAC else mac, "kind": interface.kind, "netns": netns}
        vinterface = self.domain.add("vinterface", key, interface.name, refs, **said)
        for assigned in addresses:
            owner = {**refs, "vinterface": vinterface}
            scope = "vpc" if not assigned.ip.is_link_local and (not assigned.is_lan or contained(assigned.ip, unique)) else "host"
            if assigned.has_subnet:
                cidr = str(assigned.network)
                owner["subnet"] = self.domain.add("subnet", cidr, cidr, self.place.refs, prefix=cidr)
            kind = "vinterface_ip" if assigned.is_lan else "ip_resource"
            self.domain.add(kind, f"{key}/{assigned.ip}", str(assigned.ip), owner, ip=assigned.ip, scope=scope)

    def _process(self, process: agent_pb2.Process, vm: str, host: str) -> None:
        listeners = [[row.protocol, row.address, row.port] for row in process.listeners]
        self.domain.add(
            "process",
            f"{self.agent.source}/{process.pid}/{process.start_time_ms}",
            process.name or process.kname or str(process.pid),
            {"vpc": self.place.vpc, "vm": vm, "host": host},
            pid=process.pid,
            start_time_ms=process.start_time_ms,
            kname=process.kname,
            command=process.command.replace("\x00", " ")[:4096],
            user_name=process.user,
            container_id=process.container_id,
            listeners=orjson.dumps(sorted(listeners)).decode(),
        )


def _namespace_name(namespace: agent_pb2.NetworkNamespace) -> str:
    """`container:<id>` and `pid:<n>` are known by what runs in them, a named namespace by its name."""
    return namespace.workload or namespace.name if ":" in namespace.name else namespace.name


def _interfaces(namespace: agent_pb2.NetworkNamespace) -> Iterable[tuple[agent_pb2.NetworkInterface, list[Assigned]]]:
    """Each interface but loopback, with its addresses but loopback ones."""
    for interface in namespace.interfaces:
        if interface.kind == "loopback" or interface.name == "lo":
            continue
        addresses: dict[str, Assigned] = {}
        for text in interface.addresses:
            try:
                assigned = parse(text)
            except ValueError:
                BAD.labels("address").inc()
                continue
            if assigned is not None:
                addresses[str(assigned.ip)] = assigned
        yield interface, list(addresses.values())


def _fleet_networks(
    ctrl_ip: str, namespaces: Iterable[tuple[agent_pb2.NetworkNamespace, list[tuple[agent_pb2.NetworkInterface, list[Assigned]]]]]
) -> tuple[Network, ...]:
    """Networks that reach beyond this machine, so that an address in them is one address in the whole VPC."""
    networks: list[Network] = []
    for namespace, interfaces in namespaces:
        if namespace.name:
            continue
        for interface, addresses in interfaces:
            is_way_out = any(str(assigned.ip) == ctrl_ip for assigned in addresses)
            if is_way_out or interface.kind not in _LOCAL_KINDS:
                networks += [assigned.network for assigned in addresses]
    return tuple(networks)
