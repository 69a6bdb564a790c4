"""The walker against the generated parser: the same messages, read both ways, for anything a sender may say."""

from __future__ import annotations

import base64
import json
import time
from typing import Any, Final

import weir_native
from google.protobuf.json_format import MessageToJson
from google.protobuf.message import DecodeError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

NOW_NS: Final = time.time_ns()
_RARELY: Final = [HealthCheck.too_slow, HealthCheck.data_too_large]

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=150)
keys = st.one_of(
    st.sampled_from(
        [
            "http.request.method",
            "http.method",
            "http.response.status_code",
            "http.status_code",
            "http.route",
            "url.path",
            "url.query",
            "url.full",
            "http.request.body.size",
            "user_agent.original",
            "network.protocol.version",
            "server.address",
            "server.port",
            "client.address",
            "client.port",
            "network.peer.address",
            "net.peer.port",
            "db.system.name",
            "db.system",
            "db.query.text",
            "db.statement",
            "db.operation.name",
            "db.response.status_code",
            "rpc.system",
            "rpc.service",
            "rpc.method",
            "messaging.system",
            "messaging.destination.name",
            "messaging.operation.name",
            "dns.question.name",
            "weir.time",
        ]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
)
scalars = st.one_of(
    texts.map(lambda value: AnyValue(string_value=value)),
    st.sampled_from(
        ["GET", "/a", "/a?b", "1", "01", "200", "2", "10.0.0.1", "::ffff:10.0.0.1", "2001:db8::1", "0.0.0.0", "mysql", "PostgreSQL", "kafka", "grpc", ""]
    ).map(lambda value: AnyValue(string_value=value)),
    st.integers(-1, 600).map(lambda value: AnyValue(int_value=value)),
    st.booleans().map(lambda value: AnyValue(bool_value=value)),
    st.integers(-(2**63), 2**63 - 1).map(lambda value: AnyValue(int_value=value)),
    st.floats(allow_nan=False, allow_infinity=False).map(lambda value: AnyValue(double_value=value)),
    st.binary(max_size=20).map(lambda value: AnyValue(bytes_value=value)),
    st.just(AnyValue()),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: AnyValue(array_value=ArrayValue(values=items))),
        st.lists(st.tuples(keys, inner), max_size=3).map(
            lambda items: AnyValue(kvlist_value=KeyValueList(values=[KeyValue(key=key, value=value) for key, value in items]))
        ),
    ),
    max_leaves=6,
)
attributes = st.lists(st.builds(KeyValue, key=keys, value=values), max_size=9)
times = st.integers(NOW_NS - 6 * 86_400 * 10**9, NOW_NS + 10**9)
spans = st.builds(
    Span,
    trace_id=st.one_of(st.just(b""), st.binary(min_size=16, max_size=16)),
    span_id=st.one_of(st.just(b""), st.binary(min_size=8, max_size=8), st.binary(max_size=5)),
    parent_span_id=st.one_of(st.just(b""), st.binary(min_size=8, max_size=8)),
    name=texts,
    kind=st.integers(0, 5),
    start_time_unix_nano=times,
    end_time_unix_nano=times,
    attributes=attributes,
    status=st.builds(Status, code=st.integers(0, 2), message=texts),
    events=st.lists(st.builds(Span.Event, time_unix_nano=times, name=keys, attributes=attributes), max_size=2),
    links=st.lists(st.builds(Span.Link, trace_id=st.binary(min_size=16, max_size=16), attributes=attributes), max_size=1),
    trace_state=texts,
    flags=st.integers(0, 3),
    dropped_attributes_count=st.integers(0, 9),
)
requests = st.builds(
    ExportTraceServiceRequest,
    resource_spans=st.lists(
        st.builds(
            ResourceSpans,
            resource=st.builds(Resource, attributes=attributes),
            scope_spans=st.lists(st.builds(ScopeSpans, spans=st.lists(spans, max_size=3), schema_url=texts), max_size=2),
        ),
        max_size=2,
    ),
)


def plain(value: AnyValue) -> Any:
    """The value as its JSON text reads back."""
    match value.WhichOneof("value"):
        case None:
            return None
        case "bytes_value":
            return base64.b64encode(value.bytes_value).decode()
        case "array_value":
            return [plain(item) for item in value.array_value.values]
        case "kvlist_value":
            return {pair.key: plain(pair.value) for pair in value.kvlist_value.values}
        case kind:
            return getattr(value, kind)


def same_text(kept: str, value: AnyValue) -> bool:
    kind = value.WhichOneof("value")
    if kind in ("string_value", "bytes_value", None):
        return kept == (plain(value) or "")
    return bool(json.loads(kept) == plain(value))


def first_of_each(pairs: list[KeyValue]) -> dict[str, AnyValue]:
    return {pair.key: pair.value for pair in reversed(pairs) if not pair.key.startswith("weir.")}


def batches(body: bytes, content_type: Any = "protobuf") -> tuple[weir_native.Appended, list[weir_native.Batch]]:
    gather = weir_native.Gather("flow_log")
    done = gather.append(body, signal="traces", content_type=content_type, encoding="identity", batch_id=1, now_us=NOW_NS // 1000, max_bytes=1 << 26)
    return done, gather.take()


def decode(body: bytes, content_type: Any = "protobuf") -> tuple[weir_native.Appended, list[dict[str, Any]]]:
    done, made = batches(body, content_type)
    return done, [json.loads(line) for batch in made for line in batch.to_json_lines().splitlines()]


def told_again(batch: weir_native.Batch) -> list[dict[str, AnyValue]]:
    """Each row's attributes when it is encoded again."""
    request = ExportTraceServiceRequest.FromString(batch.to_otlp({"service.name": "weir-agent"}))
    return [{pair.key: pair.value for pair in span.attributes} for group in request.resource_spans for scope in group.scope_spans for span in scope.spans]


@settings(max_examples=250, deadline=None, suppress_health_check=_RARELY)
@given(requests)
def test_every_span_reads_as_the_generated_parser_reads_it(request: ExportTraceServiceRequest) -> None:
    done, made = batches(request.SerializeToString())
    rows = [json.loads(line) for batch in made for line in batch.to_json_lines().splitlines()]
    again = [told for batch in made for told in told_again(batch)]
    expected = [(group, span) for group in request.resource_spans for scope in group.scope_spans for span in scope.spans]
    assert (done.rows, done.rejected) == (len(expected), 0)
    for row, told, (group, span) in zip(rows, again, expected, strict=True):
        assert (row["trace_id"], row["span_id"], row["parent_span_id"]) == (span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex())
        assert row["span_kind"] == span.kind
        assert row["response_duration"] == max(span.end_time_unix_nano, span.start_time_unix_nano) // 1000 - span.start_time_unix_nano // 1000
        if span.status.message:
            assert row["response_exception"] == span.status.message
        kept = {key: value for key, value in row["attributes"].items() if key != "span.name"}
        said = first_of_each(list(span.attributes))
        assert kept.keys() <= said.keys()
        assert all(same_text(kept[key], said[key]) for key in kept)
        # What is not kept is held by a column, which says the same.
        assert all(same_text(told[key].string_value or str(told[key].int_value), said[key]) for key in said.keys() - kept.keys() - {"span.name"})
        sender = first_of_each(list(group.resource.attributes))
        assert row["resource"].keys() == sender.keys()
        assert all(same_text(row["resource"][key], sender[key]) for key in sender)
        events = json.loads(row["events"] or "[]")
        assert [event["name"] for event in events if "name" in event] == [event.name for event in span.events]
        assert len(events) == len(span.events) + len(span.links)


@settings(max_examples=100, deadline=None, suppress_health_check=_RARELY)
@given(requests)
def test_json_reads_as_the_protobuf_it_stands_for(request: ExportTraceServiceRequest) -> None:
    # protobuf's own JSON has base64 ids where OTLP's has hexadecimal ones; everything else is the same.
    text = json.loads(MessageToJson(request))
    for group in text.get("resourceSpans", []):
        for span in [span for scope in group.get("scopeSpans", []) for span in scope.get("spans", [])]:
            for named in [span, *span.get("links", [])]:
                for key in ("traceId", "spanId", "parentSpanId"):
                    if key in named:
                        named[key] = base64.b64decode(named[key]).hex()
    assert decode(json.dumps(text).encode(), "json")[1] == decode(request.SerializeToString())[1]


def test_a_number_of_ten_bytes_is_its_lower_64_bits() -> None:
    span = Span(name="a", attributes=[KeyValue(key="server.port", value=AnyValue(int_value=-1))])
    request = ExportTraceServiceRequest(resource_spans=[ResourceSpans(scope_spans=[ScopeSpans(spans=[span])])])
    body = request.SerializeToString()
    longest = b"\xff" * 9
    assert body.count(longest + b"\x01") == 1
    changed = body.replace(longest + b"\x01", longest + b"\x6b")
    assert ExportTraceServiceRequest.FromString(changed) == request
    assert decode(changed)[1] == decode(body)[1]


@settings(max_examples=400, deadline=None, suppress_health_check=_RARELY)
@given(requests, st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 255)), min_size=1, max_size=4))
def test_what_the_generated_parser_accepts_the_walker_accepts(request: ExportTraceServiceRequest, changes: list[tuple[int, int]]) -> None:
    body = bytearray(request.SerializeToString())
    for place, byte in changes:
        if body:
            body[place % len(body)] = byte
    try:
        parsed = ExportTraceServiceRequest.FromString(bytes(body))
    except DecodeError:
        parsed = None
    try:
        done, rows = decode(bytes(body))
    except weir_native.Malformed:
        assert parsed is None
        return
    assert len(rows) == done.rows
    if parsed is not None:
        assert done.rows + done.rejected == sum(len(scope.spans) for group in parsed.resource_spans for scope in group.scope_spans)
