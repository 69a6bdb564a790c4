"""Database flow_metrics: what one end, or one pair of ends, did in a second or a minute."""

from __future__ import annotations

from typing import Final

from libs.tables.model import Column, Kind, Role, Table
from libs.tables.universal import BATCH_ID, L4_DELAYS, L7_ERRORS, SEEN, TCP, TRAFFIC, address, addresses, counter, delay, end

_TIME: Final = Column("time", Kind.TIME_S, "Beginning of the second or minute.", Role.TIME, codec="Delta, Default")
_ROLE: Final = Column("role", Kind.U8, "Whether this end was the client (0) or the server (1).", enum="role")
_SERVER_PORT: Final = Column("server_port", Kind.U16, "Port of the server.")
_PROTOCOL: Final = Column("protocol", Kind.U8, "IP protocol number.", enum="protocol")

L4_MEASURES: Final = (
    *TRAFFIC,
    counter("new_flow", "Flows that began.", "flow"),
    counter("closed_flow", "Flows that ended.", "flow"),
    Column("flow_load", Kind.U64, "Flows that were alive at the end of the interval.", Role.GAUGE, unit="flow"),
    *TCP,
    *delay("rtt", "First SYN to the last handshake ACK"),
    *L4_DELAYS,
    counter("client_establish_fail", "Connections not established because of the client.", "flow", Kind.U32),
    counter("server_establish_fail", "Connections not established because of the server.", "flow", Kind.U32),
    counter("tcp_transfer_fail", "Established connections that ended badly.", "flow", Kind.U32),
    counter("tcp_rst_fail", "Connections that a reset ended.", "flow", Kind.U32),
    counter("tcp_timeout", "Connections that fell silent.", "flow", Kind.U32),
)

L7_TAGS: Final = (
    Column("l7_protocol", Kind.U8, "Application protocol.", enum="l7_protocol"),
    Column("app_service", Kind.LABEL, "service.name that the program gave itself."),
    Column("app_instance", Kind.LABEL, "service.instance.id that the program gave itself."),
    Column("endpoint", Kind.LABEL, "The resource asked for with its parameters taken out."),
)

L7_MEASURES: Final = (
    counter("request", "Requests.", "request"),
    counter("response", "Responses.", "request"),
    *L7_ERRORS,
    *delay("rrt", "Request to response"),
)

_ONE: Final = (_TIME, *end("", "this end"), *address(), _ROLE, _SERVER_PORT, _PROTOCOL, *SEEN)
_PAIR: Final = (_TIME, *end("_0", "the client"), *end("_1", "the server"), *addresses(), _SERVER_PORT, _PROTOCOL, *SEEN)


def _family(name: str, layout: str, doc: str, columns: tuple[Column, ...], order_by: tuple[str, ...]) -> tuple[Table, ...]:
    return tuple(
        Table("flow_metrics", f"{name}.{interval}", layout, f"{doc}, per {word}.", (*columns, BATCH_ID), order_by, ttl_days=days)
        for interval, word, days in (("1s", "second", 1), ("1m", "minute", 7))
    )


FLOW_METRICS: Final = (
    *_family("network", "Network", "L4 measures of one end", (*_ONE, *L4_MEASURES), ("vpc_id", "ip4", "ip6", "server_port", "time")),
    *_family("network_map", "NetworkMap", "L4 measures of a pair of ends", (*_PAIR, *L4_MEASURES), ("vpc_id_1", "ip4_1", "ip6_1", "server_port", "time")),
    *_family("application", "Application", "L7 measures of one end", (*_ONE, *L7_TAGS, *L7_MEASURES), ("auto_service_id", "l7_protocol", "time")),
    *_family(
        "application_map", "ApplicationMap", "L7 measures of a pair of ends", (*_PAIR, *L7_TAGS, *L7_MEASURES), ("auto_service_id_1", "l7_protocol", "time")
    ),
)
