"""Database flow_log: one row per flow, one row per request."""

from __future__ import annotations

from typing import Final

from libs.tables.model import Column, Kind, Role, Table
from libs.tables.universal import BATCH_ID, L4_DELAYS, SEEN, TCP, TRAFFIC, addresses, both_ways, counter, end

_TIME: Final = "Delta, Default"

TIMES: Final = (
    Column("time", Kind.TIME_S, "Second in which it ended; the tables' time axis.", Role.TIME, codec=_TIME),
    Column("start_time", Kind.TIME_US, "When it began.", Role.TIME, unit="us", codec=_TIME),
    Column("end_time", Kind.TIME_US, "When it ended, or when this row was made.", Role.TIME, unit="us", codec=_TIME),
)

PORTS: Final = (
    Column("client_port", Kind.U16, "Port of the client.", otlp="source.port"),
    Column("server_port", Kind.U16, "Port of the server.", otlp="destination.port"),
    Column("protocol", Kind.U8, "IP protocol number: 1 ICMP, 6 TCP, 17 UDP, 58 ICMPv6.", enum="protocol"),
)

TUNNEL: Final = (
    Column("tunnel_tier", Kind.U8, "Encapsulations that were taken off, 0 for none."),
    Column("tunnel_type", Kind.U8, "Outermost encapsulation, 0 for none.", enum="tunnel_type"),
    Column("tunnel_id", Kind.U32, "Id of the outermost encapsulation: VNI, GRE key, ERSPAN session, MPLS label, NSH path, TEID, PPPoE session."),
    Column("tunnel_inner_type", Kind.U8, "The encapsulation inside that one, 0 for none.", enum="tunnel_type"),
    Column("tunnel_inner_id", Kind.U32, "Id of that one."),
    Column("tunnel_ip_0", Kind.LABEL, "Address of the outermost tunnel's end on the client's side."),
    Column("tunnel_ip_1", Kind.LABEL, "Address of the outermost tunnel's end on the server's side."),
    Column("vlan", Kind.U16, "Outer VLAN id, 0 for none."),
    Column("vlan_inner", Kind.U16, "Second VLAN id (QinQ), 0 for none."),
)

L4_FLOW_LOG: Final = Table(
    database="flow_log",
    name="l4_flow_log",
    layout="L4FlowLog",
    doc="One TCP, UDP or ICMP flow: a row each minute while it lives and one at its end.",
    columns=(
        *TIMES,
        Column("duration", Kind.U64, "end_time - start_time.", Role.GAUGE, unit="us"),
        Column("flow_id", Kind.U64, "The same in every row of one flow."),
        *end("_0", "the client"),
        *end("_1", "the server"),
        *addresses(),
        *PORTS,
        *SEEN,
        Column("mac_0", Kind.U64, "MAC address of the client's side, 48 bits."),
        Column("mac_1", Kind.U64, "MAC address of the server's side, 48 bits."),
        *TUNNEL,
        Column("direction_score", Kind.U8, "How sure it is which end is the client, 0 to 255."),
        Column("process_id_0", Kind.U32, "Operating-system process id at the client, where the agent saw it."),
        Column("process_id_1", Kind.U32, "Operating-system process id at the server, where the agent saw it."),
        Column("process_kname_0", Kind.LABEL, "Kernel's name of that process."),
        Column("process_kname_1", Kind.LABEL, "Kernel's name of that process."),
        Column("l7_protocol", Kind.U8, "Application protocol seen in it.", enum="l7_protocol"),
        Column("is_new_flow", Kind.U8, "1 in the first row of a flow."),
        counter("merged_flow", "Flows besides this one that the row tells of: health checks, merged on request.", "flow", Kind.U32),
        Column("close_type", Kind.U8, "How it ended.", enum="close_type"),
        Column("status", Kind.U8, "Whether that is well.", enum="response_status"),
        Column("tcp_flags_bit_0", Kind.U16, "Every TCP flag the client sent, or-ed."),
        Column("tcp_flags_bit_1", Kind.U16, "Every TCP flag the server sent, or-ed."),
        Column("history", Kind.LABEL, "What each end did for the first time, in order, in Zeek's letters: ShADadFf; capital for the client."),
        Column("syn_seq", Kind.U32, "Sequence number of the SYN."),
        Column("syn_ack_seq", Kind.U32, "Sequence number of the SYN-ACK."),
        *TRAFFIC,
        *both_ways("total_packet", "Packets since the flow began", "packet"),
        *both_ways("total_byte", "Bytes since the flow began", "byte"),
        *TCP,
        counter("icmp_unreachable", "ICMP errors about its packets: the destination, or its port, cannot be reached.", "packet", Kind.U32),
        Column("icmp_unreachable_code", Kind.U8, "Code of the last one: of ICMP 1 host, 3 port, 13 forbidden; of ICMPv6 1 forbidden, 3 address, 4 port."),
        counter("icmp_time_exceeded", "ICMP errors about its packets: too many hops, or fragments that came too late.", "packet", Kind.U32),
        counter("icmp_too_big", "ICMP errors about its packets: too big, and not to be fragmented.", "packet", Kind.U32),
        Column("icmp_mtu", Kind.U32, "Smallest size that those told, 0 for none.", Role.GAUGE, unit="byte"),
        counter("icmp_other", "Other ICMP errors about its packets, and redirects.", "packet", Kind.U32),
        Column("rtt", Kind.U32, "First SYN to the last handshake ACK.", Role.GAUGE, unit="us"),
        Column("tls_rtt", Kind.U32, "Client hello to the first application data.", Role.GAUGE, unit="us"),
        *L4_DELAYS,
        counter("l7_request", "Application requests."),
        counter("l7_response", "Application responses."),
        counter("l7_parse_failed", "Application messages that could not be read."),
        counter("l7_client_error", "Application responses that blame the client."),
        counter("l7_server_error", "Application responses that blame the server."),
        counter("l7_timeout", "Application requests without a response in time."),
        BATCH_ID,
    ),
    order_by=("auto_service_id_1", "server_port", "time"),
)

L7_FLOW_LOG: Final = Table(
    database="flow_log",
    name="l7_flow_log",
    layout="L7FlowLog",
    doc="One request with its response, or one OTLP span.",
    columns=(
        *TIMES,
        Column("flow_id", Kind.U64, "The L4 flow that carried it, 0 for a span."),
        *end("_0", "the client"),
        *end("_1", "the server"),
        *addresses(),
        *PORTS,
        *SEEN,
        *TUNNEL,
        Column("process_id_0", Kind.U32, "Operating-system process id at the client, where the agent saw it."),
        Column("process_id_1", Kind.U32, "Operating-system process id at the server, where the agent saw it."),
        Column("process_kname_0", Kind.LABEL, "Kernel's name of that process."),
        Column("process_kname_1", Kind.LABEL, "Kernel's name of that process."),
        Column("l7_protocol", Kind.U8, "Application protocol.", enum="l7_protocol"),
        Column("l7_protocol_str", Kind.LABEL, "Application protocol in words."),
        Column("version", Kind.LABEL, "Its version.", otlp="network.protocol.version"),
        Column("type", Kind.U8, "Request alone, response alone, or both.", enum="l7_type"),
        Column("is_tls", Kind.U8, "1 where it travelled encrypted."),
        Column("is_async", Kind.U8, "1 where responses do not follow the order of requests."),
        Column("request_type", Kind.LABEL, "Method, command or query type."),
        Column("request_domain", Kind.LABEL, "Host, database server or zone asked."),
        Column("request_resource", Kind.TEXT, "Path, statement, key or name asked for."),
        Column("endpoint", Kind.LABEL, "The resource with its parameters taken out."),
        Column("request_id", Kind.U64, "Id that pairs request and response where the protocol has one."),
        Column("response_status", Kind.U8, "How it ended.", enum="response_status"),
        Column("response_code", Kind.I32, "The protocol's own code."),
        Column("response_exception", Kind.TEXT, "What went wrong, in words."),
        Column("response_result", Kind.TEXT, "What was answered, in short."),
        Column(
            "response_duration", Kind.U64, "First request byte to first response byte; for a span, its length.", Role.GAUGE, unit="us", codec="T64, Default"
        ),
        Column("request_length", Kind.I64, "Declared length of the request body, -1 where unknown.", Role.GAUGE, unit="byte"),
        Column("response_length", Kind.I64, "Declared length of the response body, -1 where unknown.", Role.GAUGE, unit="byte"),
        Column("captured_request_byte", Kind.U32, "Bytes of the request that were seen.", Role.COUNTER, unit="byte"),
        Column("captured_response_byte", Kind.U32, "Bytes of the response that were seen.", Role.COUNTER, unit="byte"),
        Column("sql_affected_rows", Kind.U64, "Rows a statement changed.", Role.COUNTER),
        Column("trace_id", Kind.TEXT, "Trace id, lower-case hexadecimal for OpenTelemetry."),
        Column("span_id", Kind.TEXT, "Span id."),
        Column("parent_span_id", Kind.TEXT, "Parent's span id."),
        Column("span_kind", Kind.U8, "OpenTelemetry span kind.", enum="span_kind"),
        Column("x_request_id_0", Kind.TEXT, "X-Request-ID of the request."),
        Column("x_request_id_1", Kind.TEXT, "X-Request-ID of the response."),
        Column("http_proxy_client", Kind.TEXT, "Client address that a proxy reports."),
        Column("user_agent", Kind.LABEL, "User-Agent of the request.", otlp="user_agent.original"),
        Column("referer", Kind.TEXT, "Referer of the request."),
        Column("app_service", Kind.LABEL, "service.name that the program gave itself.", otlp="service.name"),
        Column("app_instance", Kind.LABEL, "service.instance.id that the program gave itself.", otlp="service.instance.id"),
        Column("req_tcp_seq", Kind.U32, "TCP sequence number of the request."),
        Column("resp_tcp_seq", Kind.U32, "TCP sequence number of the response."),
        Column("syscall_trace_id_request", Kind.U64, "Implicit trace id from system calls, request side."),
        Column("syscall_trace_id_response", Kind.U64, "Implicit trace id from system calls, response side."),
        Column("syscall_thread_0", Kind.U32, "Thread that sent the request."),
        Column("syscall_thread_1", Kind.U32, "Thread that answered."),
        Column("syscall_coroutine_0", Kind.U64, "Coroutine that sent the request."),
        Column("syscall_coroutine_1", Kind.U64, "Coroutine that answered."),
        Column("attributes", Kind.TEXT_MAP, "Every other attribute."),
        Column("resource", Kind.LABEL_MAP, "Attributes of the resource that reported it."),
        Column("scope_name", Kind.LABEL, "Instrumentation scope."),
        Column("events", Kind.TEXT, "Span events and links as a JSON array, empty for none."),
        BATCH_ID,
    ),
    # start_time last: neighbours then differ by microseconds, which halves what the times take.
    order_by=("auto_service_id_1", "app_service", "l7_protocol", "time", "start_time"),
)

FLOW_LOG: Final = (L4_FLOW_LOG, L7_FLOW_LOG)
