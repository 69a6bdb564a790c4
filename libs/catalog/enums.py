"""Integers that stand for words. A column names its set in `Column.enum`; `enum(tag)` in a query gives the word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Member:
    """One value of a closed set: what is stored, its name, what it means."""

    value: int | str
    name: str
    doc: str = ""


def _members(*rows: tuple[int | str, str] | tuple[int | str, str, str]) -> tuple[Member, ...]:
    return tuple(Member(*row) for row in rows)


ENUMS: Final[dict[str, tuple[Member, ...]]] = {
    "l7_protocol": _members(
        (0, "unknown"),
        (20, "HTTP"),
        (21, "HTTP2"),
        (22, "WebSocket"),
        (40, "Dubbo"),
        (41, "gRPC"),
        (42, "Thrift"),
        (43, "SofaRPC"),
        (44, "FastCGI"),
        (45, "bRPC"),
        (46, "Tars"),
        (47, "SOME/IP"),
        (49, "Triple"),
        (60, "MySQL"),
        (61, "PostgreSQL"),
        (62, "Oracle"),
        (80, "Redis"),
        (81, "MongoDB"),
        (82, "Memcached"),
        (83, "Cassandra"),
        (100, "Kafka"),
        (101, "MQTT"),
        (102, "AMQP"),
        (103, "OpenWire"),
        (104, "NATS"),
        (105, "Pulsar"),
        (106, "ZMTP"),
        (107, "RocketMQ"),
        (120, "DNS"),
        (121, "TLS"),
        (122, "Ping"),
        (123, "FTP"),
        (124, "LDAP"),
        (125, "SMTP"),
        (126, "SSH"),
        (127, "Custom"),
        (128, "SIP"),
        (129, "NTP"),
        (130, "DHCP"),
        (131, "QUIC"),
    ),
    "l7_type": _members((0, "request"), (1, "response"), (2, "session")),
    "response_status": _members((0, "ok"), (2, "timeout"), (3, "server_error"), (4, "client_error"), (5, "unknown"), (6, "parse_failed")),
    "close_type": _members(
        (0, "unknown"),
        (1, "finish"),
        (2, "server_rst"),
        (3, "timeout"),
        (5, "forced_report"),
        (7, "client_syn_repeat", "The server never answered."),
        (8, "server_half_close"),
        (9, "client_rst"),
        (10, "server_synack_repeat"),
        (11, "client_half_close"),
        (13, "client_source_port_reuse"),
        (15, "server_direct_rst"),
        (17, "server_queue_overflow"),
        (18, "client_establish_other_rst"),
        (19, "server_establish_other_rst"),
        (20, "fin_client_rst"),
    ),
    "signal_source": _members((0, "packet"), (3, "ebpf"), (4, "otel")),
    "observation_point": _members(
        ("c", "client_nic"),
        ("c-p", "client_process"),
        ("c-app", "client_application"),
        ("c-nd", "client_node"),
        ("s", "server_nic"),
        ("s-p", "server_process"),
        ("s-app", "server_application"),
        ("s-nd", "server_node"),
        ("local", "local_nic"),
        ("rest", "other_nic"),
        ("app", "application"),
    ),
    "protocol": _members((1, "ICMP"), (6, "TCP"), (17, "UDP"), (58, "ICMPv6")),
    "tunnel_type": _members(
        (0, "none"),
        (1, "VXLAN"),
        (2, "IPIP"),
        (3, "GRE"),
        (4, "Geneve"),
        (5, "ERSPAN"),
        (6, "NVGRE"),
        (7, "VXLAN-GPE"),
        (8, "NSH"),
        (9, "MPLS"),
        (10, "GTP-U"),
        (11, "PPPoE"),
    ),
    "capture_nic_type": _members(
        (0, "other"), (1, "loopback"), (2, "ethernet"), (3, "veth"), (4, "bridge"), (5, "tun"), (6, "vlan"), (7, "bond"), (8, "vxlan")
    ),
    "span_kind": _members((0, "unspecified"), (1, "internal"), (2, "server"), (3, "client"), (4, "producer"), (5, "consumer")),
    "role": _members((0, "client"), (1, "server")),
    "auto_type": _members(
        (0, "internet"),
        (1, "chost"),
        (6, "host"),
        (10, "pod"),
        (11, "pod_service"),
        (14, "pod_node"),
        (101, "pod_group"),
        (102, "custom_service"),
        (103, "pod_cluster"),
        (120, "gprocess"),
        (255, "ip"),
    ),
    "tag_source": _members(
        (1, "agent_ip", "Address known to the reporting agent's own machine."),
        (2, "vpc_ip"),
        (4, "mac"),
        (8, "cidr"),
        (16, "pod"),
        (32, "process"),
        (64, "loopback"),
    ),
}
