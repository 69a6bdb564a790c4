"""Measures: what is added up, averaged and compared. Columns give most; the rows below are computed from them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sqlglot import exp

from libs.tables import Column, Role, Table
from services.querier.language.dialect import parse_words, tokenise


class MeasureType(StrEnum):
    """How a measure adds up; decides which functions fit."""

    COUNTER = "counter"
    """Adds up."""
    GAUGE = "gauge"
    """Does not add up over time."""
    DELAY = "delay"
    """Sum, count and maximum of samples, in three columns."""
    PERCENTAGE = "percentage"
    """100 * one measure / another, made after adding up."""
    QUOTIENT = "quotient"
    """One measure / another, made after adding up."""


@dataclass(frozen=True, slots=True)
class Row:
    """A computed measure. Formulas are of column and measure names; it exists in every table that has them all."""

    name: str
    type: MeasureType
    formula: str
    unit: str
    doc: str
    over: str = ""
    """What a percentage or quotient is divided by."""


_C, _P, _Q = MeasureType.COUNTER, MeasureType.PERCENTAGE, MeasureType.QUOTIENT

MEASURES: Final = (
    Row("row", _C, "1", "row", "Rows."),
    Row("log_count", _C, "1", "row", "Rows."),
    Row("byte", _C, "byte_tx + byte_rx", "byte", "Bytes on the wire with the link header, both ways."),
    Row("packet", _C, "packet_tx + packet_rx", "packet", "Packets, both ways."),
    Row("l3_byte", _C, "l3_byte_tx + l3_byte_rx", "byte", "Bytes of IP payload, both ways."),
    Row("l4_byte", _C, "l4_byte_tx + l4_byte_rx", "byte", "Bytes of TCP or UDP payload, both ways."),
    Row("total_byte", _C, "total_byte_tx + total_byte_rx", "byte", "Bytes since the flow began, both ways."),
    Row("total_packet", _C, "total_packet_tx + total_packet_rx", "packet", "Packets since the flow began, both ways."),
    Row("retrans", _C, "retrans_tx + retrans_rx", "packet", "Retransmitted packets, both ways."),
    Row("zero_win", _C, "zero_win_tx + zero_win_rx", "packet", "Zero windows, both ways."),
    Row("ooo", _C, "ooo_tx + ooo_rx", "packet", "Out-of-order packets, both ways."),
    Row("bpp", _Q, "byte", "byte", "Bytes per packet.", "packet"),
    Row("bpp_tx", _Q, "byte_tx", "byte", "Bytes per packet, client to server.", "packet_tx"),
    Row("bpp_rx", _Q, "byte_rx", "byte", "Bytes per packet, server to client.", "packet_rx"),
    Row("retrans_ratio", _P, "retrans", "%", "Retransmitted packets of all packets.", "packet"),
    Row("retrans_tx_ratio", _P, "retrans_tx", "%", "Retransmitted packets of all packets, client to server.", "packet_tx"),
    Row("retrans_rx_ratio", _P, "retrans_rx", "%", "Retransmitted packets of all packets, server to client.", "packet_rx"),
    Row("retrans_syn_ratio", _P, "retrans_syn", "%", "Repeated SYN of all SYN packets.", "syn_count"),
    Row("retrans_synack_ratio", _P, "retrans_synack", "%", "Repeated SYN-ACK of all SYN-ACK packets.", "synack_count"),
    Row("zero_win_ratio", _P, "zero_win", "%", "Zero windows of all packets.", "packet"),
    Row("tcp_establish_fail", _C, "client_establish_fail + server_establish_fail", "flow", "Connections not established."),
    Row("tcp_establish_fail_ratio", _P, "tcp_establish_fail", "%", "Connections not established of all that ended.", "closed_flow"),
    Row("client_establish_fail_ratio", _P, "client_establish_fail", "%", "Not established because of the client, of all that ended.", "closed_flow"),
    Row("server_establish_fail_ratio", _P, "server_establish_fail", "%", "Not established because of the server, of all that ended.", "closed_flow"),
    Row("tcp_transfer_fail_ratio", _P, "tcp_transfer_fail", "%", "Ended badly, of all that ended.", "closed_flow"),
    Row("tcp_rst_fail_ratio", _P, "tcp_rst_fail", "%", "Ended by a reset, of all that ended.", "closed_flow"),
    Row("new_flow", _C, "is_new_flow + merged_flow", "flow", "Flows that began."),
    Row("closed_flow", _C, "(close_type NOT IN (0, 5)) * (merged_flow + 1)", "flow", "Flows that ended."),
    Row("l7_error", _C, "l7_client_error + l7_server_error", "", "Application errors."),
    Row("l7_error_ratio", _P, "l7_error", "%", "Application errors of all application responses.", "l7_response"),
    Row("l7_client_error_ratio", _P, "l7_client_error", "%", "Errors that blame the client of all application responses.", "l7_response"),
    Row("l7_server_error_ratio", _P, "l7_server_error", "%", "Errors that blame the server of all application responses.", "l7_response"),
    Row("request", _C, "type IN (0, 2)", "request", "Requests."),
    Row("response", _C, "type IN (1, 2)", "request", "Responses."),
    Row("client_error", _C, "response_status = 4", "", "Responses that blame the client."),
    Row("server_error", _C, "response_status = 3", "", "Responses that blame the server."),
    Row("error", _C, "response_status IN (3, 4)", "", "Client errors and server errors."),
    Row("timeout", _C, "response_status = 2", "", "Requests that no response came for in time."),
    Row("error_ratio", _P, "error", "%", "Errors of all responses.", "response"),
    Row("client_error_ratio", _P, "client_error", "%", "Client errors of all responses.", "response"),
    Row("server_error_ratio", _P, "server_error", "%", "Server errors of all responses.", "response"),
    Row("timeout_ratio", _P, "timeout", "%", "Requests without a response in time, of all requests.", "request"),
    Row("rrt", MeasureType.GAUGE, "response_duration", "us", "Request to response."),
    Row("captured_byte", _C, "captured_request_byte + captured_response_byte", "byte", "Bytes of request and response that were seen."),
)

SAMPLED: Final = {
    "rtt": "rtt > 0",
    "tls_rtt": "tls_rtt > 0",
    "response_duration": "response_duration > 0",
    "rrt": "response_duration > 0",
    "request_length": "request_length >= 0",
    "response_length": "response_length >= 0",
}
"""Gauges that are not measured in every row, and the condition under which they are."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure of one table. Trees are syntax trees of the language over stored columns; a delay's are its sum, count and maximum."""

    name: str
    type: MeasureType
    unit: str
    doc: str
    value: Any = None
    over: Any = None
    longest: Any = None
    sampled: Any = None


def formula(text: str) -> Any:  # noqa: ANN401  sqlglot is not typed
    """The syntax tree of a formula of a row above."""
    sql = f"SELECT {text}"
    return parse_words(tokenise(sql), sql).expressions[0]


def _of_column(column: Column) -> list[Measure]:
    value = formula(column.name)
    if column.role is Role.COUNTER:
        return [Measure(column.name, MeasureType.COUNTER, column.unit, column.doc, value)]
    if column.role is Role.GAUGE:
        sampled = formula(SAMPLED[column.name]) if column.name in SAMPLED else None
        return [Measure(column.name, MeasureType.GAUGE, column.unit, column.doc, value, sampled=sampled)]
    if column.role is not Role.DELAY:
        return []
    base, _, part = column.name.rpartition("_")
    if part == "max":
        return [Measure(column.name, MeasureType.GAUGE, column.unit, column.doc, value, sampled=formula(f"{base}_count > 0"))]
    whole = Measure(base, MeasureType.DELAY, "us", f"{column.doc.partition(':')[0]}.", value, over=formula(f"{base}_count"), longest=formula(f"{base}_max"))
    counted = Measure(column.name, MeasureType.COUNTER, column.unit, column.doc, value)
    return [whole, counted] if part == "sum" else [counted]


def measures_of(table: Table) -> dict[str, Measure]:
    """Every measure of a declared table by its name. A computed one gives way to a column of the same name."""
    measures = {measure.name: measure for column in table.columns for measure in _of_column(column)}
    columns = {column.name for column in table.columns}
    for row in MEASURES:
        trees = [formula(text) for text in (row.formula, row.over) if text]
        needed = {column.name for tree in trees for column in tree.find_all(exp.Column)}
        if row.name in measures or row.name in columns or not needed <= columns | measures.keys():
            continue
        resolved = [_resolved(tree, measures) for tree in trees]
        sampled = formula(SAMPLED[row.name]) if row.name in SAMPLED else None
        measures[row.name] = Measure(row.name, row.type, row.unit, row.doc, resolved[0], over=resolved[1] if row.over else None, sampled=sampled)
    return measures


def _resolved(tree: Any, measures: dict[str, Measure]) -> Any:  # noqa: ANN401  sqlglot is not typed
    """The formula with measures it names replaced by their own trees, so that only stored columns are left."""

    def replace(node: Any) -> Any:  # noqa: ANN401
        measure = measures.get(node.name) if isinstance(node, exp.Column) else None
        if measure is None or measure.value is None or isinstance(measure.value, exp.Column):
            return node
        return exp.Paren(this=measure.value.copy())

    return tree.transform(replace)
