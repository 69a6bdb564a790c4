"""Which addresses are LAN and which WAN, and which are unique only on their own machine."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_LAN: Final[tuple[Network, ...]] = tuple(
    ipaddress.ip_network(prefix)
    for prefix in (
        "10.0.0.0/8",  # RFC 1918
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",  # RFC 6598, carrier-grade NAT
        "169.254.0.0/16",  # RFC 3927, link-local
        "fc00::/7",  # RFC 4193, unique local
        "fe80::/10",  # RFC 4291, link-local
    )
)


@dataclass(frozen=True, slots=True)
class Assigned:
    """An address as an interface has it."""

    ip: Address
    network: Network

    @property
    def is_lan(self) -> bool:
        """LAN addresses become vinterface_ip, all others (WAN) ip_resource."""
        return any(self.ip.version == prefix.version and self.ip in prefix for prefix in _LAN)

    @property
    def has_subnet(self) -> bool:
        """Whether its prefix says something about neighbours: neither a single address nor the link-local range."""
        return self.network.prefixlen < self.network.max_prefixlen and not self.ip.is_link_local


def parse(text: str) -> Assigned | None:
    """`address/prefix` (or an address alone), None for loopback, multicast and unspecified addresses; raises ValueError for anything else."""
    interface = ipaddress.ip_interface(text.partition("%")[0] if "%" in text and "/" not in text.partition("%")[2] else text)
    ip: Address = interface.ip
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
        interface = ipaddress.ip_interface(f"{ip}/{max(interface.network.prefixlen - 96, 0)}")
    if isinstance(ip, ipaddress.IPv6Address) and ip.scope_id:
        interface = ipaddress.ip_interface(f"{str(ip).partition('%')[0]}/{interface.network.prefixlen}")
        ip = interface.ip
    if ip.is_loopback or ip.is_multicast or ip.is_unspecified:
        return None
    return Assigned(ip, interface.network)


def contained(ip: Address, networks: Iterable[Network]) -> bool:
    """Whether one of the networks, of either version, holds the address."""
    return any(ip.version == network.version and ip in network for network in networks)
