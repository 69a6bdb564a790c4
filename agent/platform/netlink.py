"""Interfaces and addresses of one network namespace, from the kernel, and its word that they have changed.

A netlink socket belongs for life to the namespace it was opened in, and keeps that namespace alive: `close` as soon as the namespace is to go.
Source: rtnetlink(7).
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from typing import Any, Final

from pyroute2.netlink.rtnl.marshal import MarshalRtnl

from agent.platform.facts import Interface

_GETLINK, _GETADDR, _NEWLINK, _NEWADDR, _DONE, _ERROR = 18, 22, 16, 20, 3, 2
_DUMP: Final = 0x301  # NLM_F_REQUEST | NLM_F_DUMP
_GROUPS: Final = 0x1 | 0x10 | 0x100  # RTMGRP_LINK, RTMGRP_IPV4_IFADDR, RTMGRP_IPV6_IFADDR
_SOL_NETLINK, _ADD_MEMBERSHIP, _NSID_GROUP = 270, 1, 28
_HEAD: Final = struct.Struct("=IHHII")
_BUFFER_BYTES: Final = 1 << 17
_IFF_UP: Final = 0x1
_ARPHRD_ETHER, _ARPHRD_LOOPBACK = 1, 772
_KINDS: Final = frozenset({"veth", "bridge", "bond", "vlan", "tun", "vxlan", "dummy"})
_MAC_LETTERS: Final = 17
_INTR_ERRORS: Final = 5
"""A dump that the kernel changed underneath is asked for again so often."""


class RouteSockets:
    """Made inside the namespace (the calling thread's). `fileno()` becomes readable when an interface or address changes there."""

    def __init__(self) -> None:
        self._marshal = MarshalRtnl()
        self._query = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
        self._query.bind((0, 0))
        self._query.settimeout(5.0)
        self._events = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE)
        self._events.bind((0, _GROUPS))
        self._events.setsockopt(_SOL_NETLINK, _ADD_MEMBERSHIP, _NSID_GROUP)
        self._diag = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 4)  # NETLINK_SOCK_DIAG
        self._diag.bind((0, 0))
        self._diag.settimeout(5.0)

    @property
    def diag(self) -> socket.socket:
        """A sock_diag(7) socket of the namespace."""
        return self._diag

    def fileno(self) -> int:
        """Of the socket with the events."""
        return self._events.fileno()

    def take_events(self) -> bool:
        """Reads all events away; whether there were any. What they say is asked for again as a whole: nothing can be missed."""
        any_event = False
        while True:
            try:
                any_event = bool(self._events.recv(_BUFFER_BYTES)) or any_event
            except BlockingIOError:
                return any_event
            except OSError:
                any_event = True  # ENOBUFS: more happened than fitted

    def interfaces(self) -> tuple[Interface, ...]:
        """All interfaces of the namespace with their addresses, by index. Raises OSError."""
        addresses: dict[int, list[str]] = {}
        for message in self._dump(_GETADDR, struct.pack("=BBBBI", 0, 0, 0, 0, 0), _NEWADDR):
            attributes = dict(message["attrs"])
            address = attributes.get("IFA_LOCAL") or attributes.get("IFA_ADDRESS")
            if address:
                addresses.setdefault(message["index"], []).append(f"{address}/{message['prefixlen']}")
        links = self._dump(_GETLINK, struct.pack("=BBHiII", 0, 0, 0, 0, 0, 0), _NEWLINK)
        return tuple(sorted((_interface(link, addresses) for link in links), key=lambda nic: nic.index))

    def close(self) -> None:
        """Lets go of the namespace."""
        for one in (self._query, self._events, self._diag):
            one.close()

    def _dump(self, kind: int, body: bytes, wanted: int) -> list[Any]:
        for _ in range(_INTR_ERRORS):
            self._query.send(_HEAD.pack(_HEAD.size + len(body), kind, _DUMP, 1, 0) + body)
            found, interrupted = [], False
            for message in self._messages():
                interrupted |= bool(message["header"]["flags"] & 0x10)  # NLM_F_DUMP_INTR
                if message["header"]["type"] == wanted:
                    found.append(message)
            if not interrupted:
                break
        return found

    def _messages(self) -> Iterator[Any]:
        while True:
            for message in self._marshal.parse(self._query.recv(_BUFFER_BYTES)):
                kind = message["header"]["type"]
                if kind == _DONE:
                    return
                if kind == _ERROR:
                    raise OSError(str(message["header"]["error"]))
                yield message


def _interface(link: Any, addresses: dict[int, list[str]]) -> Interface:  # noqa: ANN401  pyroute2 has no types
    attributes = dict(link["attrs"])
    info = attributes.get("IFLA_LINKINFO")
    kind = dict(info["attrs"]).get("IFLA_INFO_KIND", "") if info else ""
    mac = str(attributes.get("IFLA_ADDRESS") or "")
    index = int(link["index"])
    return Interface(
        index=index,
        name=str(attributes.get("IFLA_IFNAME") or index),
        mac=mac if len(mac) == _MAC_LETTERS else "",
        up=bool(link["flags"] & _IFF_UP),
        kind=_kind(kind, int(link["ifi_type"])),
        addresses=tuple(sorted(addresses.get(index, ()))),
        peer_index=int(attributes.get("IFLA_LINK") or 0) if kind == "veth" else 0,
        mtu=int(attributes.get("IFLA_MTU") or 0),
    )


def _kind(kind: str, hardware: int) -> str:
    if hardware == _ARPHRD_LOOPBACK:
        return "loopback"
    if kind in _KINDS:
        return kind
    return "ethernet" if not kind and hardware == _ARPHRD_ETHER else "other"
