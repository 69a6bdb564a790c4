"""Tunnels are taken off, up to two deep, and their ids kept. Frames are made by scapy, which reads the same RFCs independently."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from scapy.contrib.erspan import ERSPAN_I, ERSPAN_II, ERSPAN_III
from scapy.contrib.geneve import GENEVE
from scapy.contrib.gtp import GTP_U_Header, GTPPDUSessionContainer
from scapy.contrib.mpls import MPLS
from scapy.contrib.nsh import NSH
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import GRE, Dot1AD, Dot1Q, Ether
from scapy.layers.ppp import PPP, PPPoE
from scapy.layers.vxlan import VXLAN
from scapy.packet import Packet, Raw

from tests.unit.native.conftest import START_US, pcap

CASES = Path(__file__).parents[4] / "shared" / "cases" / "pcap"
KINDS = {"VXLAN": 1, "IPIP": 2, "GRE": 3, "Geneve": 4, "ERSPAN": 5, "NVGRE": 6, "VXLAN-GPE": 7, "NSH": 8, "MPLS": 9, "GTP-U": 10, "PPPoE": 11}
ENDS = ("172.16.0.1", "172.16.0.2")

OUTER = Ether(src="02:00:00:00:00:0a", dst="02:00:00:00:00:0b") / IP(src=ENDS[0], dst=ENDS[1])
OUTER6 = Ether() / IPv6(src="fd00::1", dst="fd00::2")
INNER_IP = IP(src="10.0.0.1", dst="10.0.0.2") / TCP(sport=40000, dport=80, flags="PA", seq=1) / Raw(b"GET / HTTP/1.1\r\n\r\n")
INNER6 = IPv6(src="2001:db8::1", dst="2001:db8::2") / TCP(sport=40000, dport=80, flags="PA", seq=1) / Raw(b"x")
MAC = Ether(src="02:00:00:00:01:01", dst="02:00:00:00:01:02")
INNER = MAC / INNER_IP


def erspan_iii_with_subheader(inner: Packet) -> Packet:
    head = struct.pack(">HHIHH", 2 << 12 | 5, 77, 0, 0, 1) + bytes(8)
    return GRE(proto=0x22EB, seqnum_present=1, sequence_number=1) / Raw(head + bytes(inner))


def gpe(kind: int, vni: int) -> Packet:
    return UDP(sport=50000, dport=4790) / Raw(struct.pack(">IBBBB", 0x0C000000 | kind, vni >> 16, vni >> 8 & 255, vni & 255, 0))


FRAMES: dict[str, tuple[Packet, list[tuple[str, int]]]] = {
    "vxlan": (OUTER / UDP(dport=4789) / VXLAN(flags="Instance", vni=123) / INNER, [("VXLAN", 123)]),
    "vxlan as Linux had it first": (OUTER / UDP(dport=8472) / VXLAN(flags="Instance", vni=7) / INNER, [("VXLAN", 7)]),
    "vxlan on another port": (OUTER / UDP(dport=58678) / VXLAN(flags="Instance", vni=1) / INNER, [("VXLAN", 1)]),
    "vxlan over IPv6": (OUTER6 / UDP(dport=4789) / VXLAN(flags="Instance", vni=123) / INNER, [("VXLAN", 123)]),
    "vxlan that names what is inside": (OUTER / UDP(dport=4789) / VXLAN(flags="Instance+NextProtocol", NextProtocol=3, vni=6) / INNER, [("VXLAN-GPE", 6)]),
    "vxlan with a group policy": (OUTER / UDP(dport=4789) / VXLAN(flags="Instance+G", gpid=9, vni=5) / INNER, [("VXLAN", 5)]),
    "vxlan-gpe, IPv4": (OUTER / gpe(1, 9) / INNER_IP, [("VXLAN-GPE", 9)]),
    "vxlan-gpe, IPv6": (OUTER / gpe(2, 9) / INNER6, [("VXLAN-GPE", 9)]),
    "vxlan-gpe, Ethernet": (OUTER / gpe(3, 9) / INNER, [("VXLAN-GPE", 9)]),
    "vxlan-gpe, NSH": (OUTER / gpe(4, 9) / NSH(mdtype=1, nextproto=3, spi=42, si=255) / INNER, [("VXLAN-GPE", 9), ("NSH", 42)]),
    "nsh over Ethernet": (Ether(type=0x894F) / NSH(mdtype=1, nextproto=1, spi=42, si=1) / INNER_IP, [("NSH", 42)]),
    "geneve": (OUTER / UDP(dport=6081) / GENEVE(vni=3, proto=0x6558) / INNER, [("Geneve", 3)]),
    "geneve with options": (OUTER / UDP(dport=6081) / Raw(b"\x06\x00\x65\x58\x00\x00\x03\x00" + bytes(24)) / INNER, [("Geneve", 3)]),
    "geneve, IP": (OUTER / UDP(dport=6081) / GENEVE(vni=3, proto=0x0800) / INNER_IP, [("Geneve", 3)]),
    "gre": (OUTER / GRE() / INNER_IP, [("GRE", 0)]),
    "gre with everything": (OUTER / GRE(chksum_present=1, key_present=1, key=0x01020304, seqnum_present=1) / INNER_IP, [("GRE", 0x01020304)]),
    "gre, IPv6": (OUTER / GRE(proto=0x86DD) / INNER6, [("GRE", 0)]),
    "nvgre": (OUTER / GRE(proto=0x6558, key_present=1, key=0x00ABCD << 8 | 17) / INNER, [("NVGRE", 0xABCD)]),
    "erspan I": (OUTER / GRE(proto=0x88BE) / ERSPAN_I() / INNER, [("ERSPAN", 0)]),
    "erspan II": (OUTER / GRE(proto=0x88BE, seqnum_present=1) / ERSPAN_II(session_id=100) / INNER, [("ERSPAN", 100)]),
    "erspan III": (OUTER / GRE(proto=0x22EB, seqnum_present=1) / ERSPAN_III(session_id=10) / INNER, [("ERSPAN", 10)]),
    "erspan III with its subheader": (OUTER / erspan_iii_with_subheader(INNER), [("ERSPAN", 77)]),
    "ipip": (OUTER / INNER_IP, [("IPIP", 0)]),
    "6in4": (OUTER / INNER6, [("IPIP", 0)]),
    "4in6": (OUTER6 / INNER_IP, [("IPIP", 0)]),
    "mpls": (Ether() / MPLS(label=1000, s=0) / MPLS(label=2000, s=1) / INNER_IP, [("MPLS", 1000)]),
    "mpls pseudowire": (Ether(type=0x8847) / MPLS(label=16, s=1) / Raw(bytes(4)) / INNER, [("MPLS", 16)]),
    "mpls in gre": (OUTER / GRE(proto=0x8847) / MPLS(label=5, s=1) / INNER_IP, [("GRE", 0), ("MPLS", 5)]),
    "mpls in udp": (OUTER / UDP(dport=6635) / MPLS(label=5, s=1) / INNER_IP, [("MPLS", 5)]),
    "gtp-u": (OUTER / UDP(dport=2152) / GTP_U_Header(teid=0xCAFE) / INNER_IP, [("GTP-U", 0xCAFE)]),
    "gtp-u of a 5G core": (
        OUTER / UDP(dport=2152) / GTP_U_Header(teid=1, E=1, next_ex=0x85) / GTPPDUSessionContainer(type=0, QFI=9) / INNER_IP,
        [("GTP-U", 1)],
    ),
    "pppoe": (Ether() / PPPoE(sessionid=11) / PPP(proto=0x0021) / INNER_IP, [("PPPoE", 11)]),
    "two deep": (OUTER / UDP(dport=4789) / VXLAN(flags="Instance", vni=1) / Ether() / IP(src="192.0.2.1") / GRE(key_present=1, key=2) / INNER_IP, [("VXLAN", 1), ("GRE", 2)]),
}  # fmt: skip


@pytest.mark.parametrize("name", FRAMES)
def test_what_is_inside_is_the_flow_and_the_outside_is_kept(name: str, replayed: Callable[..., Any]) -> None:
    frame, tunnels = FRAMES[name]
    body = bytes(frame)
    row = replayed(pcap([(START_US, body, len(body))])).flow
    six = row["is_ipv4"] == 0
    assert (row["ip6_0"], row["ip6_1"]) == ("2001:db8::1", "2001:db8::2") if six else (row["ip4_0"], row["ip4_1"]) == ("10.0.0.1", "10.0.0.2")
    assert (row["protocol"], row["client_port"], row["server_port"], row["packet_tx"]) == (6, 40000, 80, 1)
    assert row["l4_byte_tx"] == (1 if six else 18)
    assert row["byte_tx"] == len(body)
    assert row["tunnel_tier"] == len(tunnels)
    found = [(row["tunnel_type"], row["tunnel_id"]), (row["tunnel_inner_type"], row["tunnel_inner_id"])]
    assert found[: len(tunnels)] == [(KINDS[kind], number) for kind, number in tunnels]
    if frame.haslayer(IP) and frame[IP].src == ENDS[0]:
        assert (row["tunnel_ip_0"], row["tunnel_ip_1"]) == ENDS


@pytest.mark.parametrize("name", FRAMES)
def test_a_tunnel_cut_anywhere_is_a_flow_of_its_outside_or_not_a_packet(name: str, replayed: Callable[..., Any]) -> None:
    body = bytes(FRAMES[name][0])
    records = [(START_US, body[:size], len(body)) for size in range(len(body))]
    result = replayed(pcap(records))
    assert sum(row["packet_tx"] + row["packet_rx"] for row in result.flows) == result.stats["packets"]
    assert sum(result.stats[name] for name in ("packets", "unparsed_not_ip", "unparsed_truncated", "unparsed_malformed")) == len(records)


def test_a_third_tunnel_is_left_on(replayed: Callable[..., Any]) -> None:
    body = bytes(
        OUTER / UDP(dport=4789) / VXLAN(flags="Instance", vni=1) / Ether() / IP(src="192.0.2.1") / GRE() / IP(src="192.0.2.3", dst="192.0.2.4") / INNER_IP
    )
    row = replayed(pcap([(START_US, body, len(body))])).flow
    assert (row["ip4_0"], row["ip4_1"], row["protocol"], row["tunnel_tier"]) == ("192.0.2.3", "192.0.2.4", 4, 2)


def test_tags_outside_and_inside_and_the_inner_macs_are_kept(replayed: Callable[..., Any]) -> None:
    queued = bytes(Ether() / Dot1AD(vlan=100) / Dot1Q(vlan=200) / INNER_IP)
    row = replayed(pcap([(START_US, queued, len(queued))])).flow
    assert (row["vlan"], row["vlan_inner"], row["tunnel_tier"]) == (100, 200, 0)
    inside = bytes(OUTER / UDP(dport=4789) / VXLAN(flags="Instance", vni=1) / MAC / Dot1Q(vlan=30) / INNER_IP)
    row = replayed(pcap([(START_US, inside, len(inside))])).flow
    assert (row["vlan"], row["mac_0"], row["mac_1"]) == (30, 0x020000000101, 0x020000000102)


def test_the_same_addresses_in_two_overlay_networks_are_two_flows(replayed: Callable[..., Any]) -> None:
    bodies = [bytes(OUTER / UDP(dport=4789) / VXLAN(flags="Instance", vni=vni) / INNER) for vni in (1, 2, 1)]
    flows = replayed(pcap([(START_US + n, body, len(body)) for n, body in enumerate(bodies)])).flows
    assert sorted((row["tunnel_id"], row["packet_tx"]) for row in flows) == [(1, 2), (2, 1)]


def test_ordinary_udp_that_looks_a_little_like_a_tunnel_is_left_alone(replayed: Callable[..., Any]) -> None:
    almost = bytes(OUTER / UDP(sport=1000, dport=5000) / VXLAN(flags="Instance", vni=1) / MAC / IP(src="10.0.0.1", dst="10.0.0.2", len=200) / TCP())
    row = replayed(pcap([(START_US, almost, len(almost))])).flow
    assert (row["protocol"], row["ip4_0"], row["tunnel_tier"]) == (17, ENDS[0], 0)


@pytest.mark.skipif(not (CASES / "expected.json").exists(), reason="the shared captures are not there")
@pytest.mark.parametrize("name", ["decapsulate_test", "ff-vxlan", "ipip", "geneve"])
def test_captures_of_others_have_the_tunnels_that_others_found(name: str, replayed: Callable[..., Any]) -> None:
    wanted = orjson.loads((CASES / "expected.json").read_bytes())["tunnel"][name]
    found = {
        (row["tunnel_type"], row["tunnel_id"], frozenset((row["tunnel_ip_0"], row["tunnel_ip_1"]))) for row in replayed(CASES / "tunnel" / f"{name}.pcap").flows
    }
    for text in wanted:
        words = text.replace(",", " ").split()
        number = int(words[words.index("id") + 1]) if "id" in words else 0
        ends = frozenset(next(word for word in words if "->" in word).split("->"))
        assert (KINDS[words[0]], number, ends) in found, (text, found)
