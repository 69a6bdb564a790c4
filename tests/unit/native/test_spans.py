"""Spans of any OpenTelemetry SDK become rows: conventions, bad rows, broken bodies."""

from __future__ import annotations

import gzip
import json
import random
import time
from collections.abc import Mapping
from typing import Any

import pytest
import weir_native
import zstandard
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

NOW_NS = time.time_ns()
CLIENT, SERVER, INTERNAL = Span.SPAN_KIND_CLIENT, Span.SPAN_KIND_SERVER, Span.SPAN_KIND_INTERNAL


def any_value(value: object) -> AnyValue:
    out = AnyValue()
    match value:
        case bool():
            out.bool_value = value
        case int():
            out.int_value = value
        case float():
            out.double_value = value
        case str():
            out.string_value = value
        case bytes():
            out.bytes_value = value
        case list():
            out.array_value.values.extend(any_value(item) for item in value)
            out.array_value.SetInParent()
        case dict():
            out.kvlist_value.values.extend(KeyValue(key=key, value=any_value(item)) for key, item in value.items())
            out.kvlist_value.SetInParent()
    return out


def span(attributes: Mapping[str, object] | None = None, **fields: Any) -> Span:
    made = Span(trace_id=bytes(range(16)), span_id=bytes(range(8)), name="work", kind=SERVER)
    made.start_time_unix_nano, made.end_time_unix_nano = NOW_NS - 5_000_000, NOW_NS
    for key, value in fields.items():
        setattr(made, key, value)
    made.attributes.extend(KeyValue(key=key, value=any_value(value)) for key, value in (attributes or {}).items())
    return made


def request(*spans: Span, resource: dict[str, object] | None = None) -> ExportTraceServiceRequest:
    made = ExportTraceServiceRequest()
    group = made.resource_spans.add()
    group.resource.attributes.extend(KeyValue(key=key, value=any_value(value)) for key, value in (resource or {"service.name": "shop"}).items())
    scope = group.scope_spans.add()
    scope.scope.name = "tests"
    scope.spans.extend(spans)
    return made


def append(gather: weir_native.Gather, body: bytes, **options: Any) -> weir_native.Appended:
    settings: dict[str, Any] = {
        "signal": "traces",
        "content_type": "protobuf",
        "encoding": "identity",
        "batch_id": 42,
        "now_us": NOW_NS // 1000,
        "max_bytes": 1 << 24,
    }
    return gather.append(body, **(settings | options))


def rows_of(gather: weir_native.Gather) -> list[dict[str, Any]]:
    return [json.loads(line) for batch in gather.take() for line in batch.to_json_lines().splitlines()]


def rows(*spans: Span, **options: Any) -> list[dict[str, Any]]:
    gather = weir_native.Gather("flow_log")
    done = append(gather, request(*spans, **options).SerializeToString())
    assert (done.rows, done.rejected) == (len(spans), 0)
    return rows_of(gather)


def columns(made: Span, *names: str, **options: Any) -> tuple[Any, ...]:
    return tuple(rows(made, **options)[0][name] for name in names)


def test_every_span_keeps_its_identity_times_and_sender() -> None:
    (row,) = rows(span(parent_span_id=b"\xff" * 8), resource={"service.name": "shop", "service.instance.id": "shop-1", "host.cpus": 4})
    assert (row["trace_id"], row["span_id"], row["parent_span_id"]) == ("000102030405060708090a0b0c0d0e0f", "0001020304050607", "f" * 16)
    assert (row["app_service"], row["app_instance"], row["scope_name"], row["batch_id"]) == ("shop", "shop-1", "tests", 42)
    assert row["resource"] == {"service.name": "shop", "service.instance.id": "shop-1", "host.cpus": "4"}
    assert (row["response_duration"], row["signal_source"], row["span_kind"], row["type"]) == (5000, 4, 2, 2)
    assert row["time"] == row["end_time"][:19] + "Z"


def test_http_by_current_and_older_names_gives_the_same_columns() -> None:
    current = {
        "http.request.method": "POST", "url.path": "/orders", "url.query": "a=1", "url.scheme": "https", "http.response.status_code": 404,
        "http.route": "/orders", "server.address": "10.1.2.3", "server.port": 8443, "client.address": "10.9.9.9", "client.port": 5555,
        "network.protocol.version": "1.1", "user_agent.original": "curl/8",
    }  # fmt: skip
    older = {
        "http.method": "POST", "http.target": "/orders?a=1", "http.scheme": "https", "http.status_code": 404, "http.route": "/orders",
        "net.host.ip": "10.1.2.3", "net.host.port": 8443, "http.client_ip": "10.9.9.9", "net.peer.port": 5555, "http.flavor": "1.1",
        "http.user_agent": "curl/8", "http.host": "10.1.2.3",
    }  # fmt: skip
    names = (
        "l7_protocol", "l7_protocol_str", "request_type", "request_resource", "request_domain", "endpoint", "response_code", "response_status",
        "version", "user_agent", "is_tls", "is_ipv4", "ip4_0", "ip4_1", "client_port", "server_port", "protocol", "observation_point",
    )  # fmt: skip
    expected = (
        20, "HTTP", "POST", "/orders?a=1", "10.1.2.3", "/orders", 404, 4, "1.1", "curl/8", 1, 1, "10.9.9.9", "10.1.2.3", 5555, 8443, 6, "s-app",
    )  # fmt: skip
    assert columns(span(current, name="POST /orders"), *names) == expected
    assert columns(span(older, name="POST /orders"), *names) == expected


def test_database_spans_name_statement_and_operation() -> None:
    names = ("l7_protocol", "request_type", "request_resource", "request_domain", "observation_point", "endpoint")
    for attributes in (
        {"db.system.name": "postgresql", "db.query.text": "select 1", "server.address": "db", "db.operation.name": "SELECT"},
        {"db.system": "postgresql", "db.statement": "select 1", "net.peer.name": "db", "db.operation": "SELECT"},
    ):
        assert columns(span(attributes, kind=CLIENT, name="SELECT orders"), *names) == (61, "SELECT", "select 1", "db", "c-app", "SELECT orders")
    assert columns(span({"db.system": "redis", "db.statement": "GET key:1"}, kind=CLIENT), "l7_protocol", "request_type") == (80, "GET")
    assert columns(span({"db.system": "cockroachdb"}), "l7_protocol", "l7_protocol_str") == (0, "cockroachdb")


def test_rpc_and_messaging_spans() -> None:
    rpc = span({"rpc.system": "grpc", "rpc.service": "shop.Cart", "rpc.method": "Add", "rpc.grpc.status_code": 4}, kind=CLIENT)
    assert columns(rpc, "l7_protocol", "request_type", "request_resource", "response_code", "response_status") == (41, "Add", "shop.Cart", 4, 2)
    sent = span({"messaging.system": "kafka", "messaging.destination.name": "orders", "messaging.operation.name": "send"}, kind=Span.SPAN_KIND_PRODUCER)
    assert columns(sent, "l7_protocol", "request_type", "request_resource", "observation_point") == (100, "send", "orders", "c-app")


def test_errors_come_from_the_code_and_else_from_the_status() -> None:
    names = ("response_status", "response_exception")
    failed = Status(code=Status.STATUS_CODE_ERROR, message="no stock")
    assert columns(Span(**_fields(span()), status=failed), *names) == (3, "no stock")
    assert columns(span({"http.request.method": "GET", "http.response.status_code": 500, "error.type": "Timeout"}), *names) == (3, "Timeout")
    assert columns(span({"http.request.method": "GET", "http.response.status_code": 200}), *names) == (0, "")


def _fields(made: Span) -> dict[str, Any]:
    return {field.name: value for field, value in made.ListFields()}


def test_addresses_of_ipv6_and_mapped_ones() -> None:
    six = span({"server.address": "2001:db8::1", "client.address": "2001:db8::2"})
    assert columns(six, "is_ipv4", "ip6_0", "ip6_1") == (0, "2001:db8::2", "2001:db8::1")
    assert columns(span({"server.address": "::ffff:10.0.0.1"}), "is_ipv4", "ip4_1") == (1, "10.0.0.1")


def test_the_own_address_comes_from_the_resource() -> None:
    resource: dict[str, object] = {"host.ip": ["127.0.0.1", "10.0.0.5"], "process.pid": 77}
    assert columns(span(), "ip4_1", "process_id_1", resource=resource) == ("10.0.0.5", 77)
    assert columns(span(kind=CLIENT), "ip4_0", "process_id_0", resource=resource) == ("10.0.0.5", 77)


def test_values_of_every_type_are_kept_as_text() -> None:
    values: dict[str, object] = {"s": "é", "b": True, "i": -7, "d": 1.5, "a": [1, "x"], "m": {"k": [None, False]}, "y": b"\x00\xff", "long": "x" * 500}
    (kept,) = columns(span(values), "attributes")
    assert kept == {"s": "é", "b": "true", "i": "-7", "d": "1.5", "a": '[1,"x"]', "m": '{"k":[null,false]}', "y": "AP8=", "long": "x" * 500}


def test_events_and_links_are_json_and_an_exception_explains_the_failure() -> None:
    made = span()
    event = made.events.add(name="exception", time_unix_nano=NOW_NS)
    event.attributes.append(KeyValue(key="exception.message", value=any_value('broken "pipe"')))
    made.links.add(trace_id=b"\x01" * 16, span_id=b"\x02" * 8)
    text, exception = columns(made, "events", "response_exception")
    assert json.loads(text) == [
        {"name": "exception", "time_unix_nano": NOW_NS, "attributes": {"exception.message": 'broken "pipe"'}},
        {"link": {"trace_id": "01" * 16, "span_id": "02" * 8, "attributes": {}}},
    ]
    assert exception == 'broken "pipe"'


def test_a_repeated_key_keeps_its_first_value() -> None:
    made = span({"http.request.method": "GET", "more": 1})
    made.attributes.append(KeyValue(key="http.request.method", value=any_value("PUT")))
    made.attributes.append(KeyValue(key="more", value=any_value(2)))
    assert columns(made, "attributes", "request_type") == ({"more": "1"}, "GET")


def test_attributes_are_what_no_column_holds() -> None:
    http = {
        "http.request.method": "GET", "url.path": "/a/7", "url.query": "b=?", "http.route": "/a/{id}", "http.response.status_code": 200, "server.port": 80,
        "server.address": "shop", "client.address": "10.0.0.1", "client.port": 5555, "network.protocol.version": "1.1", "user_agent.original": "curl/8",
        "http.request.body.size": 12, "enduser.id": "u", "url.scheme": "http",
    }  # fmt: skip
    assert columns(span(http, name="GET /a/{id}"), "attributes") == ({"enduser.id": "u", "url.scheme": "http"},)
    database = {"db.system.name": "postgresql", "db.query.text": "select 1", "db.operation.name": "SELECT", "server.address": "db", "db.namespace": "shop"}
    assert columns(span(database, kind=CLIENT), "attributes") == ({"db.namespace": "shop"},)


@pytest.mark.parametrize(
    "attributes",
    [
        {"http.method": "GET", "http.status_code": 200, "http.user_agent": "curl/8"},
        {"http.request.method": "GET", "http.method": "GET"},
        {"http.request.method": "", "http.response.status_code": 0},
        {"http.response.status_code": "0200", "server.port": "080"},
        {"client.address": "::ffff:10.0.0.1"},
        {"client.address": "someone", "network.peer.address": "10.0.0.1"},
        {"client.address": "10.0.0.1", "server.address": "2001:db8::1"},
        {"http.request.method": "GET", "network.protocol.version": "1", "url.path": "/a?b", "url.query": "c"},
        {"db.system.name": "cockroachdb", "db.query.text": "select 1"},
    ],
)
def test_an_attribute_that_a_column_cannot_give_back_is_kept(attributes: dict[str, object]) -> None:
    (kept,) = columns(span(attributes), "attributes")
    held = {"http.request.method": "GET", "network.protocol.version": "1"} if "url.path" in attributes else {}
    assert {**kept, **held} == {key: str(value) for key, value in attributes.items()}


def test_what_a_foreign_span_says_in_our_name_is_ignored() -> None:
    kept, protocol = columns(span({"weir.l7_protocol": 120, "a": "b"}), "attributes", "l7_protocol")
    assert (kept, protocol) == ({"a": "b"}, 0)


def test_bad_rows_cost_only_themselves() -> None:
    good = [span({"n": index}, name=f"good{index}") for index in range(3)]
    day = 86_400 * 10**9
    old = span(start_time_unix_nano=NOW_NS - 8 * day, end_time_unix_nano=NOW_NS - 8 * day)
    early = span(start_time_unix_nano=NOW_NS + 2 * day, end_time_unix_nano=NOW_NS + 2 * day)
    deep: object = "bottom"
    for _ in range(40):
        deep = [deep]
    body = request(good[0], old, span({"broken": "BROKEN"}), good[1], early, span({"deep": deep}), span(name="BROKEN"), span(trace_id=b"x" * 33), good[2])
    gather = weir_native.Gather("flow_log")
    done = append(gather, body.SerializeToString().replace(b"BROKEN", b"BR\xff\xfeEN"))
    assert done.rows == 3
    assert done.reasons == {"invalid_utf8": 2, "time_out_of_range": 2, "too_deep": 1, "invalid_id": 1}
    assert [(row["endpoint"], row["attributes"]) for row in rows_of(gather)] == [(f"good{index}", {"n": str(index)}) for index in range(3)]


def test_a_truncated_body_is_malformed_and_leaves_nothing() -> None:
    body = request(span({"a": "b", "n": 1}), span({"c": "d"})).SerializeToString()
    gather = weir_native.Gather("flow_log")
    assert append(gather, body).rows == 2
    for length in range(1, len(body)):
        with pytest.raises(weir_native.Malformed, match=r"at byte \d+"):
            append(gather, body[:length])
    assert gather.rows == 2
    assert len(rows_of(gather)) == 2


def test_a_broken_span_leaves_nothing_to_the_next_row() -> None:
    body = request(span({"a": "b", "n": 1, "url.path": "/p"})).SerializeToString()
    refused = 0
    for place in range(len(body)):
        gather = weir_native.Gather("flow_log")
        try:
            append(gather, body[:place] + b"\x07" + body[place + 1 :])
        except weir_native.Malformed:
            refused += 1
            assert append(gather, request(span({"c": "d"})).SerializeToString()).rows == 1
            assert [row["attributes"] for row in rows_of(gather)] == [{"c": "d"}]
    assert refused


def test_random_bytes_never_do_more_than_raise() -> None:
    dice = random.Random(7)
    body = request(span({"a": "b", "n": 1, "list": [1, {"x": "y"}]})).SerializeToString()
    gather = weir_native.Gather("flow_log")
    for _ in range(3000):
        broken = bytearray(body)
        for _ in range(dice.randrange(1, 6)):
            broken[dice.randrange(len(broken))] = dice.randrange(256)
        try:
            append(gather, bytes(broken))
        except weir_native.Malformed:
            continue
    for batch in gather.take():
        batch.to_json_lines().decode()
        assert batch.to_native()


def test_compressed_bodies_are_bounded_by_what_they_unfold_to() -> None:
    body = request(*(span({"a": "b"}) for _ in range(100))).SerializeToString()
    for encoding, packed in (("gzip", gzip.compress(body)), ("zstd", zstandard.compress(body))):
        gather = weir_native.Gather("flow_log")
        assert append(gather, packed, encoding=encoding, max_bytes=len(body)).rows == 100
        with pytest.raises(weir_native.TooLarge):
            append(gather, packed, encoding=encoding, max_bytes=len(body) - 1)
        with pytest.raises(weir_native.Malformed):
            append(gather, packed[:-5], encoding=encoding)
        assert gather.rows == 100
    bomb = zstandard.compress(bytes(1 << 28))
    with pytest.raises(weir_native.TooLarge):
        append(weir_native.Gather("flow_log"), bomb, encoding="zstd", max_bytes=1 << 20)


def test_huge_resources_are_not_repeated_without_end() -> None:
    resource: dict[str, object] = {f"key{index}": "v" for index in range(20_000)}
    made = request(*(span() for _ in range(2_000)), resource=resource)
    gather = weir_native.Gather("flow_log")
    done = append(gather, made.SerializeToString())
    assert done.reasons.keys() == {"too_many_attributes"}
    assert gather.nbytes < 20_000_000


def test_spans_do_not_belong_to_the_metrics_decoder() -> None:
    done = append(weir_native.Gather("flow_metrics"), request(span(), span()).SerializeToString())
    assert (done.rows, done.reasons) == (0, {"other_decoder": 2})


def test_any_buffer_is_a_body() -> None:
    body = request(span()).SerializeToString()
    assert weir_native.batch_hash(body) == weir_native.batch_hash(bytearray(body)) == weir_native.batch_hash(memoryview(body))
    assert weir_native.batch_hash(body) != weir_native.batch_hash(body + b"\x00")
    for form in (bytearray(body), memoryview(body)):
        assert append(weir_native.Gather("flow_log"), form).rows == 1  # type: ignore[arg-type]


def test_the_hash_of_a_body_is_the_same_for_ever() -> None:
    assert weir_native.batch_hash(b"weir") == 13593083343209684313
