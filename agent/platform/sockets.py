"""Sockets of one namespace by sock_diag: addresses and inodes, with the state chosen by the kernel. Source: sock_diag(7), linux/inet_diag.h."""

from __future__ import annotations

import ipaddress
import socket
import struct
from dataclasses import dataclass
from typing import Final

TCP, UDP = 6, 17
_REQUEST: Final = struct.Struct("=IHHIIBBBBI48s")
_HEAD: Final = struct.Struct("=IHH")
_BY_FAMILY, _DUMP, _DONE, _ERROR = 20, 0x301, 3, 2
_ESTABLISHED, _CLOSE, _LISTEN = 1 << 1, 1 << 7, 1 << 10
_BODY: Final = 16
_PORT_AT: Final = _BODY + 4
_SOURCE_AT: Final = _BODY + 8
_INODE_AT: Final = _BODY + 68
_BUFFER_BYTES: Final = 1 << 17


@dataclass(frozen=True, slots=True)
class ListeningSocket:
    """A socket that waits for whoever comes."""

    protocol: int
    address: bytes
    """4 or 16 bytes."""
    port: int
    inode: int

    @property
    def text(self) -> str:
        """The address in letters."""
        return str(ipaddress.ip_address(self.address))


def listening(diag: socket.socket) -> list[ListeningSocket]:
    """TCP sockets in LISTEN and bound UDP sockets without a peer. Raises OSError where the kernel has no sock_diag."""
    found = []
    for family, size in ((socket.AF_INET, 4), (socket.AF_INET6, 16)):
        for protocol, state in ((TCP, _LISTEN), (UDP, _CLOSE)):
            for data, offset in _dump(diag, family, protocol, state):
                port = int.from_bytes(data[offset + _PORT_AT : offset + _PORT_AT + 2], "big")
                inode = int.from_bytes(data[offset + _INODE_AT : offset + _INODE_AT + 4], "little")
                if port and inode:
                    found.append(ListeningSocket(protocol, data[offset + _SOURCE_AT : offset + _SOURCE_AT + size], port, inode))
    return found


def connected(diag: socket.socket) -> set[int]:
    """Inodes of the sockets with a peer, TCP and UDP. Raises OSError."""
    found = set()
    for family in (socket.AF_INET, socket.AF_INET6):
        for protocol in (TCP, UDP):
            for data, offset in _dump(diag, family, protocol, _ESTABLISHED):
                found.add(int.from_bytes(data[offset + _INODE_AT : offset + _INODE_AT + 4], "little"))
    found.discard(0)
    return found


def _dump(diag: socket.socket, family: int, protocol: int, states: int) -> list[tuple[bytes, int]]:
    diag.send(_REQUEST.pack(_REQUEST.size, _BY_FAMILY, _DUMP, 1, 0, family, protocol, 0, 0, states, bytes(48)))
    found: list[tuple[bytes, int]] = []
    while True:
        data = diag.recv(_BUFFER_BYTES)
        offset = 0
        while offset < len(data):
            length, kind, _ = _HEAD.unpack_from(data, offset)
            if kind == _DONE:
                return found
            if kind == _ERROR:
                number = -int.from_bytes(data[offset + _BODY : offset + _BODY + 4], "little", signed=True)
                if number == 2 and protocol == UDP:  # noqa: PLR2004  ENOENT: a kernel without udp_diag has TCP all the same
                    return found
                raise OSError(number, "sock_diag")
            if kind == _BY_FAMILY:
                found.append((data, offset))
            offset += (length + 3) & ~3
