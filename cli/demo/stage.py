"""Where the demo plays: two network namespaces joined by a veth pair under root, else loopback."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from cli.demo.script import CLIENT, DNS_PORT, HTTP_PORT, SERVER

CLIENT_ADDRESS: Final = "10.88.77.1"
SERVER_ADDRESS: Final = "10.88.77.2"
_LINKS: Final = ("weirdemo0", "weirdemo1")


@dataclass(frozen=True, slots=True)
class Stage:
    """Addresses and ports, and how to put a child process into its place (`preexec`)."""

    server_address: str
    http_port: int
    dns_port: int
    enter_client: Callable[[], None] | None
    enter_server: Callable[[], None] | None
    named: bool
    """Whether the two ends have names of their own, as two machines have."""


def _enter(name: str) -> Callable[[], None]:
    def enter() -> None:
        import ctypes  # noqa: PLC0415  os.setns is there from Python 3.12 on

        with open(f"/run/netns/{name}") as namespace:  # noqa: PTH123
            if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), 0x40000000):
                os._exit(3)

    return enter


@contextlib.contextmanager
def stage() -> Iterator[Stage]:
    """Builds it and takes it down again."""
    if os.geteuid() != 0:
        yield Stage("127.0.0.1", HTTP_PORT, HTTP_PORT + 1, None, None, named=False)
        return
    _tear_down()
    try:
        _build()
        yield Stage(SERVER_ADDRESS, HTTP_PORT, DNS_PORT, _enter(CLIENT), _enter(SERVER), named=True)
    finally:
        _tear_down()


def _build() -> None:
    from pyroute2 import IPRoute, NetNS, netns  # noqa: PLC0415  slow to load, and only root needs it

    for name in (CLIENT, SERVER):
        netns.create(name)
    with IPRoute() as host:
        host.link("add", ifname=_LINKS[0], kind="veth", peer={"ifname": _LINKS[1]})
        for link, name in zip(_LINKS, (CLIENT, SERVER), strict=True):
            host.link("set", index=host.link_lookup(ifname=link)[0], net_ns_fd=name)
    for link, name, address in zip(_LINKS, (CLIENT, SERVER), (CLIENT_ADDRESS, SERVER_ADDRESS), strict=True):
        with NetNS(name) as inside:
            index = inside.link_lookup(ifname=link)[0]
            inside.addr("add", index=index, address=address, prefixlen=24)
            inside.link("set", index=index, state="up")
            inside.link("set", index=inside.link_lookup(ifname="lo")[0], state="up")


def _tear_down() -> None:
    from pyroute2 import netns  # noqa: PLC0415

    for name in (CLIENT, SERVER):
        with contextlib.suppress(OSError):
            netns.remove(name)


def command(program: str, place: Stage) -> list[str]:
    """How to start one of the two programs; their names are what Weir will call them."""
    return [sys.executable, str(Path(sys.executable).parent / program), place.server_address, str(place.http_port), str(place.dns_port)]


def expect_line(stream: IO[str] | None) -> str:
    """One line from a child; "" where it ended."""
    return stream.readline().strip() if stream else ""
