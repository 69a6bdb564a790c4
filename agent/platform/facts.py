"""The facts as values, and as the message that carries them to genesis."""

from __future__ import annotations

from dataclasses import dataclass, field

from libs.wire import agent_pb2 as pb


@dataclass(frozen=True, slots=True)
class Interface:
    """A network interface in one namespace."""

    index: int
    name: str
    mac: str
    up: bool
    kind: str
    addresses: tuple[str, ...]
    """address/prefix, sorted."""
    peer_index: int
    mtu: int


@dataclass(frozen=True, slots=True)
class Namespace:
    """A network namespace and what is in it."""

    name: str
    """"" for the agent's own."""
    inode: int
    workload: str
    interfaces: tuple[Interface, ...]
    path: str = field(compare=False)
    """How to enter it; may change while the namespace stays the same."""


@dataclass(frozen=True, slots=True, order=True)
class Listener:
    """A listening socket's address."""

    address: str
    port: int
    protocol: int


@dataclass(frozen=True, slots=True)
class Process:
    """A process that listens or holds connections."""

    pid: int
    start_time_ms: int
    name: str
    kname: str
    command: str
    user: str
    netns_inode: int
    container_id: str
    listeners: tuple[Listener, ...] = ()


@dataclass(frozen=True, slots=True)
class HostFacts:
    """Everything that is reported. Equal facts need no new report."""

    namespaces: tuple[Namespace, ...] = ()
    processes: tuple[Process, ...] = ()

    @property
    def own(self) -> Namespace | None:
        """The agent's own namespace."""
        return next((namespace for namespace in self.namespaces if not namespace.name), None)

    def report(self) -> pb.GenesisSyncRequest:
        """The message, without who sends it and its version."""
        return pb.GenesisSyncRequest(
            namespaces=[
                pb.NetworkNamespace(
                    name=space.name,
                    inode=space.inode,
                    workload=space.workload,
                    interfaces=[
                        pb.NetworkInterface(
                            index=nic.index,
                            name=nic.name,
                            mac=nic.mac,
                            up=nic.up,
                            kind=nic.kind,
                            addresses=nic.addresses,
                            peer_index=nic.peer_index,
                            mtu=nic.mtu,
                        )
                        for nic in space.interfaces
                    ],
                )
                for space in self.namespaces
            ],
            processes=[
                pb.Process(
                    pid=process.pid,
                    start_time_ms=process.start_time_ms,
                    name=process.name,
                    kname=process.kname,
                    command=process.command,
                    user=process.user,
                    netns_inode=process.netns_inode,
                    container_id=process.container_id,
                    listeners=[pb.Listener(address=one.address, port=one.port, protocol=one.protocol) for one in process.listeners],
                )
                for process in self.processes
            ],
        )
