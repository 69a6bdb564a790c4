"""The columns that several tables share: who is talking, where it was seen, and the L4 and L7 measures.

Definitions are fixed by packets and are the same in the log tables and in the metric tables.
"""

from __future__ import annotations

from typing import Final

from libs.tables.model import Column, Kind, Role

RESOURCE_IDS: Final = (
    ("region_id", "region"),
    ("az_id", "availability zone"),
    ("host_id", "hypervisor or physical host"),
    ("vpc_id", "VPC"),
    ("subnet_id", "subnet"),
    ("pod_cluster_id", "Kubernetes cluster"),
    ("pod_node_id", "Kubernetes node"),
    ("pod_ns_id", "Kubernetes namespace"),
    ("pod_group_id", "Kubernetes workload"),
    ("pod_id", "Kubernetes pod"),
    ("service_id", "Kubernetes service"),
    ("chost_id", "cloud host (vm) or legacy host"),
    ("gprocess_id", "process"),
)
"""(column, what it identifies), each a UInt32 with 0 for unknown."""


def end(suffix: str, what: str) -> tuple[Column, ...]:
    """The columns of one end of a flow; `suffix` is `_0` (client), `_1` (server) or nothing."""
    ids = tuple(Column(f"{name}{suffix}", Kind.U32, f"Id of the {noun} at {what}.", Role.ID, codec="T64, Default") for name, noun in RESOURCE_IDS)
    return (
        *ids,
        Column(f"auto_instance_id{suffix}", Kind.U32, f"Most specific known instance at {what}.", Role.ID, codec="T64, Default"),
        Column(f"auto_instance_type{suffix}", Kind.U8, f"Which kind of instance that is, at {what}.", enum="auto_type"),
        Column(f"auto_service_id{suffix}", Kind.U32, f"Most specific known service at {what}.", Role.ID, codec="T64, Default"),
        Column(f"auto_service_type{suffix}", Kind.U8, f"Which kind of service that is, at {what}.", enum="auto_type"),
        Column(f"tag_source{suffix}", Kind.U8, f"Bit set of the lookups that matched {what}.", enum="tag_source"),
    )


def addresses() -> tuple[Column, ...]:
    """Both addresses of a pair of ends."""
    return (
        Column("is_ipv4", Kind.U8, "1 where the addresses are in ip4_0 and ip4_1, 0 where they are in ip6_0 and ip6_1."),
        Column("ip4_0", Kind.IP4, "IPv4 address of the client.", otlp="source.address"),
        Column("ip4_1", Kind.IP4, "IPv4 address of the server.", otlp="destination.address"),
        Column("ip6_0", Kind.IP6, "IPv6 address of the client.", otlp="source.address"),
        Column("ip6_1", Kind.IP6, "IPv6 address of the server.", otlp="destination.address"),
    )


def address() -> tuple[Column, ...]:
    """The address of a single end."""
    return (
        Column("is_ipv4", Kind.U8, "1 where the address is in ip4, 0 where it is in ip6."),
        Column("ip4", Kind.IP4, "IPv4 address of this end."),
        Column("ip6", Kind.IP6, "IPv6 address of this end."),
    )


SEEN: Final = (
    Column("agent_id", Kind.U32, "Agent that saw it.", Role.ID),
    Column("capture_nic", Kind.LABEL, "Interface it was seen on."),
    Column("capture_nic_type", Kind.U8, "Kind of that interface.", enum="capture_nic_type"),
    Column("observation_point", Kind.LABEL, "Where on the way it was seen: c, s, c-nd, s-nd, local, rest, app …", enum="observation_point"),
    Column("signal_source", Kind.U8, "What it was derived from.", enum="signal_source"),
)

BATCH_ID: Final = Column(
    "batch_id",
    Kind.U64,
    "Hash of the OTLP request that carried this row; a repeated request is recognised by it, also after a restart.",
    Role.INTERNAL,
)

_DELAY_PARTS: Final = (("sum", Kind.U64, "sum of"), ("count", Kind.U32, "number of"), ("max", Kind.U32, "longest of"))


def delay(name: str, doc: str) -> tuple[Column, ...]:
    """A time measure in µs as its three columns `_sum`, `_count` and `_max`."""
    return tuple(
        Column(f"{name}_{part}", kind, f"{doc}: {words} the samples.", Role.DELAY, unit="" if part == "count" else "us") for part, kind, words in _DELAY_PARTS
    )


def counter(name: str, doc: str, unit: str = "", kind: Kind = Kind.U64) -> Column:
    """A measure that adds up."""
    return Column(name, kind, doc, Role.COUNTER, unit=unit)


def both_ways(name: str, doc: str, unit: str = "") -> tuple[Column, ...]:
    """A counter per direction: `_tx` is client to server, `_rx` server to client."""
    return (counter(f"{name}_tx", f"{doc}, client to server.", unit), counter(f"{name}_rx", f"{doc}, server to client.", unit))


TRAFFIC: Final = (
    *both_ways("packet", "Packets", "packet"),
    *both_ways("byte", "Bytes on the wire with the link header", "byte"),
    *both_ways("l3_byte", "Bytes of IP payload", "byte"),
    *both_ways("l4_byte", "Bytes of TCP or UDP payload", "byte"),
)

TCP: Final = (
    counter("syn_count", "SYN packets without ACK.", "packet", Kind.U32),
    counter("synack_count", "SYN-ACK packets.", "packet", Kind.U32),
    counter("fin_count", "FIN packets.", "packet", Kind.U32),
    counter("retrans_tx", "Retransmitted packets, client to server.", "packet", Kind.U32),
    counter("retrans_rx", "Retransmitted packets, server to client.", "packet", Kind.U32),
    counter("retrans_syn", "Repeated SYN packets.", "packet", Kind.U32),
    counter("retrans_synack", "Repeated SYN-ACK packets.", "packet", Kind.U32),
    counter("zero_win_tx", "Zero windows announced by the client.", "packet", Kind.U32),
    counter("zero_win_rx", "Zero windows announced by the server.", "packet", Kind.U32),
    counter("ooo_tx", "Out-of-order packets, client to server.", "packet", Kind.U32),
    counter("ooo_rx", "Out-of-order packets, server to client.", "packet", Kind.U32),
)

L4_DELAYS: Final = (
    *delay("rtt_client", "SYN-ACK to each handshake ACK"),
    *delay("rtt_server", "SYN to each SYN-ACK"),
    *delay("srt", "Data to the pure ACK of it"),
    *delay("art", "Last request byte to first response byte"),
    *delay("cit", "Handshake ACK or last response to the next request"),
)

L7_ERRORS: Final = (
    counter("client_error", "Responses that blame the client.", "", Kind.U32),
    counter("server_error", "Responses that blame the server.", "", Kind.U32),
    counter("timeout", "Requests that no response came for in time.", "", Kind.U32),
    counter("error", "Client errors and server errors.", "", Kind.U32),
)
