"""Batches: the same columns as declared, in every form they are handed over in."""

from __future__ import annotations

import json
import time
from typing import Any, Literal

import pyarrow as pa
import pytest
import weir_native
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from libs.tables import TABLES, rust, table
from libs.tables.arrow import schema

NOW_S = int(time.time())
AGENT: dict[str, str | int] = {"service.name": "weir-agent", "host.name": "a", "weir.agent.id": 9, "weir.vpc.id": 3}


def set_value(pair: KeyValue, value: str | int) -> None:
    if isinstance(value, int):
        pair.value.int_value = value
    else:
        pair.value.string_value = value


def logs(event: str, *records: dict[str, str | int], seconds: int = NOW_S) -> bytes:
    request = ExportLogsServiceRequest()
    group = request.resource_logs.add()
    for key, value in AGENT.items():
        set_value(group.resource.attributes.add(key=key), value)
    scope = group.scope_logs.add()
    for record in records:
        log = scope.log_records.add(event_name=event, time_unix_nano=seconds * 10**9)
        for key, value in record.items():
            set_value(log.attributes.add(key=key), value)
    return request.SerializeToString()


def append(gather: weir_native.Gather, body: bytes, signal: Literal["traces", "logs"] = "logs", **options: Any) -> weir_native.Appended:
    settings: dict[str, Any] = {"content_type": "protobuf", "encoding": "identity", "batch_id": 5, "now_us": NOW_S * 10**6, "max_bytes": 1 << 24}
    return gather.append(body, signal=signal, **(settings | options))


def lines(batch: weir_native.Batch) -> list[dict[str, Any]]:
    return [json.loads(line) for line in batch.to_json_lines().splitlines()]


def batch_of(full_name: str) -> weir_native.Batch:
    """One row in which every column that OTLP can carry has a value of its own."""
    declared = table(full_name)
    database, name = full_name.split(".", 1)
    values: dict[str, str | int] = {"weir.table": name}
    for number, column in enumerate(declared.columns, start=2):
        match column.kind.value:
            case "IPv4":
                values[f"weir.{column.name}"] = f"10.0.0.{number}"
            case "IPv6":
                values[f"weir.{column.name}"] = f"2001:db8::{number:x}"
            case "LowCardinality(String)" | "String":
                values[f"weir.{column.name}"] = f"text {number}"
            case kind if "Int" in kind:
                values[f"weir.{column.name}"] = number
    gather = weir_native.Gather("flow_log" if database == "flow_log" else "flow_metrics")
    event = "weir.flow.l4" if database == "flow_log" else "weir.flow.metrics"
    if declared.layout != "L7FlowLog":
        done = append(gather, logs(event, values))
    else:
        traces = ExportTraceServiceRequest()
        group = traces.resource_spans.add()
        for key, value in AGENT.items():
            set_value(group.resource.attributes.add(key=key), value)
        span = group.scope_spans.add().spans.add(start_time_unix_nano=NOW_S * 10**9, end_time_unix_nano=NOW_S * 10**9)
        for key, value in (values | {"more": "kept", "weir.time": NOW_S}).items():
            set_value(span.attributes.add(key=key), value)
        done = append(gather, traces.SerializeToString(), "traces")
    assert (done.rows, done.reasons) == (1, {})
    (batch,) = gather.take()
    assert batch.table == full_name
    return batch


every_table = pytest.mark.parametrize("full_name", [declared.full_name for declared in TABLES])


@every_table
def test_a_batch_has_exactly_the_declared_columns(full_name: str) -> None:
    batch = batch_of(full_name)
    declared = [column.name for column in table(full_name).columns]
    assert pa.record_batch(batch).schema.equals(schema(table(full_name)))
    assert [*lines(batch)[0]] == ["table", *declared]
    assert set(batch.native_columns()) <= set(declared)


@every_table
def test_arrow_and_json_lines_say_the_same(full_name: str) -> None:
    batch = batch_of(full_name)
    record = pa.record_batch(batch)
    record.validate(full=True)
    (from_arrow,), (from_json,) = record.to_pylist(), lines(batch)
    for column in table(full_name).columns:
        value = from_arrow[column.name]
        if isinstance(value, int | str) and column.kind.value != "IPv4":
            assert value == from_json[column.name], column.name


@every_table
def test_a_batch_comes_back_from_otlp(full_name: str) -> None:
    batch = batch_of(full_name)
    for encoding in ("identity", "gzip", "zstd"):
        gather = weir_native.Gather("flow_log" if full_name.startswith("flow_log") else "flow_metrics")
        body = batch.to_otlp(AGENT, encoding)
        done = append(gather, body, "traces" if "l7" in full_name else "logs", encoding=encoding)
        assert (done.rows, done.reasons) == (1, {})
        (again,) = gather.take()
        assert again.to_json_lines() == batch.to_json_lines()


def test_a_batch_outlives_what_it_came_from() -> None:
    record = pa.record_batch(batch_of("flow_log.l7_flow_log"))
    assert record.column("attributes").to_pylist() == [[("more", "kept")]]


def test_generated_columns_are_current() -> None:
    assert rust.TARGET.read_text() == rust.render(), "run `make gen`"


def test_a_collector_finds_valid_spans_in_what_agents_send() -> None:
    request = ExportTraceServiceRequest.FromString(batch_of("flow_log.l7_flow_log").to_otlp(AGENT))
    (span,) = request.resource_spans[0].scope_spans[0].spans
    assert (len(span.trace_id), len(span.span_id)) == (16, 8)
    assert any(span.trace_id)
    assert span.name
    assert {pair.key: pair.value.string_value for pair in request.resource_spans[0].resource.attributes}["service.name"] == "weir-agent"


def test_agents_rows_carry_the_agent_and_no_resource() -> None:
    gather = weir_native.Gather("flow_metrics")
    append(gather, logs("weir.flow.metrics", {"weir.table": "network.1s", "weir.ip4": "10.0.0.1", "weir.packet_tx": 3}))
    (batch,) = gather.take()
    (row,) = lines(batch)
    assert (row["agent_id"], row["ip4"], row["is_ipv4"], row["packet_tx"], row["batch_id"]) == (9, "10.0.0.1", 1, 3, 5)


def test_records_that_are_no_rows_are_counted_by_reason() -> None:
    gather = weir_native.Gather("flow_metrics")
    good: dict[str, str | int] = {"weir.table": "network.1s", "weir.packet_tx": 1}
    reasons: dict[str, int] = {}
    for body in (
        logs("weir.flow.metrics", good, {"weir.table": "nothing.1s"}, {}, good | {"weir.protocol": 256}, good | {"weir.protocol": "tcp"}),
        logs("weir.flow.l4", {"weir.packet_tx": 1}),
        logs("something.else", {}),
        logs("weir.flow.metrics", good, seconds=NOW_S - 8 * 86_400),
    ):
        reasons |= append(gather, body).reasons
    assert reasons == {"unknown_table": 2, "out_of_range": 1, "wrong_type": 1, "other_decoder": 1, "unknown_event": 1, "time_out_of_range": 1}
    assert gather.rows == 1


def test_a_gather_is_empty_after_it_was_taken() -> None:
    gather = weir_native.Gather("flow_metrics")
    for name in ("network.1s", "application_map.1m"):
        append(gather, logs("weir.flow.metrics", {"weir.table": name, "weir.server_port": 1}))
    assert (gather.rows, gather.nbytes > 0) == (2, True)
    assert {batch.table for batch in gather.take()} == {"flow_metrics.network.1s", "flow_metrics.application_map.1m"}
    assert (gather.rows, gather.take()) == (0, [])


def test_unknown_choices_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="decoder"):
        weir_native.Gather("profile")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="encoding"):
        append(weir_native.Gather("flow_log"), b"", encoding="brotli")
