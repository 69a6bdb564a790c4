"""Two network namespaces joined by a veth pair, as quiet as a wire: no IPv6, no ARP, so that every byte on it is a test's own."""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pyroute2 import IPRoute, NetNS, netns

_CLONE_NEWNET: Final = 0x40000000
_RUN: Final = os.getpid() % 62_500
_NET: Final = f"10.{91 + _RUN // 12_500}.{_RUN // 50 % 250}"
"""Another run of these tests on the same machine has other names, networks and MACs: each run's agent sees both."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Names and addresses of the two ends."""

    client: str
    server: str
    client_address: str = f"{_NET}.{1 + _RUN % 50 * 4}"
    server_address: str = f"{_NET}.{2 + _RUN % 50 * 4}"
    link: str = "wire0"

    def enter(self, name: str) -> Callable[[], None]:
        """What a child calls to move into one of the two (`preexec_fn`)."""

        def move() -> None:
            with Path(f"/run/netns/{name}").open() as namespace:
                if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), _CLONE_NEWNET):
                    os._exit(3)

        return move

    def interface_bytes(self) -> int:
        """Bytes both ways over the client's end of the wire, as the kernel counts them."""
        with NetNS(self.client) as inside:
            link = inside.get_links(ifname=self.link)[0]
            stats = link.get_attr("IFLA_STATS64")
            return int(stats["rx_bytes"] + stats["tx_bytes"])


@contextlib.contextmanager
def stage(prefix: str) -> Iterator[Stage]:
    """Builds both namespaces and the wire, and takes them down again."""
    built = Stage(f"{prefix}-{os.getpid()}-client", f"{prefix}-{os.getpid()}-server")
    macs = [f"02:77:{_RUN >> 8:02x}:{_RUN & 255:02x}:00:0{end}" for end in (1, 2)]
    ends = ((built.client, built.client_address, "wire0"), (built.server, built.server_address, "wire1"))
    try:
        for name, _, _ in ends:
            netns.create(name)
            _without_ipv6(name)
        with IPRoute() as host:
            host.link("add", ifname="wire0", kind="veth", address=macs[0], peer={"ifname": "wire1", "address": macs[1]})
            for name, _, link in ends:
                host.link("set", index=host.link_lookup(ifname=link)[0], net_ns_fd=name)
        for (name, address, link), (_, other, _), mac in zip(ends, reversed(ends), reversed(macs), strict=True):
            with NetNS(name) as inside:
                index = inside.link_lookup(ifname=link)[0]
                inside.addr("add", index=index, address=address, prefixlen=30)
                inside.link("set", index=inside.link_lookup(ifname="lo")[0], state="up")
                inside.link("set", index=index, state="up")
                inside.neigh("add", dst=other, lladdr=mac, ifindex=index, state="permanent")
        yield built
    finally:
        for name, _, _ in ends:
            with contextlib.suppress(OSError):
                netns.remove(name)


def _without_ipv6(name: str) -> None:
    pid = os.fork()
    if pid == 0:
        Stage(name, name).enter(name)()
        for scope in ("all", "default"):
            Path(f"/proc/sys/net/ipv6/conf/{scope}/disable_ipv6").write_text("1")
        os._exit(0)
    os.waitpid(pid, 0)
