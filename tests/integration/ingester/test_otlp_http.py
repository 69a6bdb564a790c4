"""What comes in over HTTP, good and bad, and what is in the table afterwards."""

from __future__ import annotations

import gzip
import http.client
import json
import os
import random
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import zstandard
from google.rpc import status_pb2
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from tests.integration.ingester.processes import Body, Ingester, Make, Store

DAY_NS = 86_400 * 10**9


@pytest.fixture
def ingester(shared_ingester: Ingester, store: Store) -> Ingester:  # noqa: ARG001  its rows are taken away first
    return shared_ingester


@pytest.mark.parametrize(("encoding", "pack"), [("identity", bytes), ("gzip", gzip.compress), ("zstd", zstandard.compress)])
def test_every_encoding_is_stored_before_it_is_answered(ingester: Ingester, store: Store, body: Body, encoding: str, pack: Callable[[bytes], bytes]) -> None:
    answer = ingester.post(pack(body()), content_encoding=encoding)
    assert (answer.status_code, answer.content) == (200, b"")
    assert store.count() == 100
    assert store.ask("SELECT DISTINCT app_service, request_type FROM flow_log.l7_flow_log") == [["checkout", "GET"]]


def test_json_is_stored_as_protobuf_is(ingester: Ingester, store: Store) -> None:
    now = time.time_ns()
    span = {"traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331", "name": "GET /a", "kind": 2}
    times = {"startTimeUnixNano": str(now - 10**6), "endTimeUnixNano": str(now)}
    request = {"resourceSpans": [{"scopeSpans": [{"spans": [span | times]}]}]}
    answer = ingester.post(json.dumps(request).encode(), content_type="application/json")
    assert (answer.status_code, answer.json()) == (200, {})
    assert store.ask("SELECT trace_id, span_id, response_duration FROM flow_log.l7_flow_log") == [[span["traceId"], span["spanId"], "1000"]]


def test_row_that_is_years_away_costs_only_itself(ingester: Ingester, store: Store, body: Body) -> None:
    request = ExportTraceServiceRequest.FromString(body())
    far = request.resource_spans[0].scope_spans[0].spans[7]
    far.start_time_unix_nano -= 3000 * DAY_NS
    far.end_time_unix_nano -= 3000 * DAY_NS
    answer = ingester.post(request.SerializeToString())
    partial = ExportTraceServiceResponse.FromString(answer.content).partial_success
    assert (answer.status_code, partial.rejected_spans) == (200, 1)
    assert "1 " in partial.error_message
    assert store.count() == 99
    again = ingester.post(request.SerializeToString())
    assert ExportTraceServiceResponse.FromString(again.content).partial_success.rejected_spans == 1
    assert store.count() == 99
    ingester.assert_ledger_balances()


def test_spans_of_many_days_are_stored_in_one_request(ingester: Ingester, store: Store, body: Body) -> None:
    request = ExportTraceServiceRequest.FromString(body())
    for number, span in enumerate(request.resource_spans[0].scope_spans[0].spans):
        span.start_time_unix_nano -= (number % 2) * DAY_NS
        span.end_time_unix_nano -= (number % 2) * DAY_NS
    assert ingester.post(request.SerializeToString()).status_code == 200
    assert store.ask("SELECT uniq(toDate(time)), count() FROM flow_log.l7_flow_log") == [["2", "100"]]


def test_repeated_attribute_keys_and_deep_nesting_cost_at_most_their_row(ingester: Ingester, store: Store, body: Body) -> None:
    request = ExportTraceServiceRequest.FromString(body())
    spans = request.resource_spans[0].scope_spans[0].spans
    for _ in range(50):
        spans[0].attributes.append(KeyValue(key="twice", value=AnyValue(string_value="x")))
    value = spans[1].attributes.add(key="deep").value
    for _ in range(30):  # protobuf's own encoder takes no more than a hundred levels
        value = value.array_value.values.add()
    value.string_value = "deep"
    answer = ingester.post(request.SerializeToString())
    rejected = ExportTraceServiceResponse.FromString(answer.content).partial_success.rejected_spans
    assert answer.status_code == 200
    assert rejected <= 2
    assert store.count() == 100 - rejected


def test_unlimited_nesting_is_refused_and_hurts_nobody(ingester: Ingester, body: Body) -> None:
    content = b""
    for _ in range(20_000):
        length, size = b"", len(content)
        while size > 0x7F:
            length += bytes([size & 0x7F | 0x80])
            size >>= 7
        content = b"\x0a" + length + bytes([size]) + content
    assert ingester.post(content).status_code in (200, 400)
    deep = b'{"resourceSpans":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    assert ingester.post(deep, content_type="application/json").status_code == 400
    assert ingester.post(body()).status_code == 200


def test_random_and_truncated_bodies_are_400_and_never_500(ingester: Ingester, store: Store, body: Body) -> None:
    dice = random.Random(7)
    whole = body()
    tries = [dice.randbytes(dice.randrange(1, 300)) for _ in range(150)]
    tries += [whole[: dice.randrange(1, len(whole))] for _ in range(50)]
    statuses = {ingester.post(one).status_code for one in tries}
    statuses |= {ingester.post(one, content_encoding=encoding).status_code for one in tries[:40] for encoding in ("gzip", "zstd")}
    statuses |= {ingester.post(one, content_type="application/json").status_code for one in tries[:40]}
    assert statuses <= {200, 400, 413}
    before = store.count()
    assert ingester.post(whole).status_code == 200
    assert store.count() == before + 100
    ingester.assert_ledger_balances()


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("zstd", zstandard.compress)])
def test_zip_bomb_is_413_and_costs_no_memory(ingester: Ingester, encoding: str, pack: Callable[[bytes], bytes]) -> None:
    bomb = pack(bytes(300 << 20))
    before = ingester.rss_mib
    answers = [ingester.post(bomb, content_encoding=encoding) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {413}
    assert status_pb2.Status.FromString(answers[0].content).code == 3
    assert ingester.rss_mib < before + 150


def test_body_of_65_mib_is_413_declared_or_not(ingester: Ingester) -> None:
    assert ingester.post(bytes(65 << 20)).status_code == 413
    streamed = ingester._http.post(ingester.url + "/v1/traces", content=(bytes(1 << 20) for _ in range(65)), headers={"content-type": "application/x-protobuf"})
    assert streamed.status_code == 413


def test_connection_stays_usable_after_a_refusal_before_the_body(ingester: Ingester, body: Body) -> None:
    assert ingester.post(os.urandom(1 << 20), content_type="text/plain").status_code == 415
    assert ingester.post(body()).status_code == 200


def test_refused_large_body_is_not_read_and_the_sender_learns_why(ingester: Ingester) -> None:
    body = bytes(32 << 20)
    connection = http.client.HTTPConnection("127.0.0.1", int(ingester.url.rpartition(":")[2]), timeout=10)
    with pytest.raises(BrokenPipeError):
        connection.request("POST", "/v1/traces", body, {"content-type": "text/plain"})
    assert connection.sock is not None
    answer = http.client.HTTPResponse(connection.sock, method="POST")
    answer.begin()
    assert (answer.status, answer.headers["connection"]) == (415, "close")
    assert b"text/plain" in answer.read()
    connection.close()


def test_sender_that_looks_up_gets_its_refusal_before_it_has_sent_all(ingester: Ingester) -> None:
    with socket.create_connection(("127.0.0.1", int(ingester.url.rpartition(":")[2])), timeout=10) as sender:
        sender.sendall(b"POST /v1/traces HTTP/1.1\r\nhost: weir\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n")
        assert sender.recv(4096).startswith(b"HTTP/1.1 415 ")


def test_overload_is_refused_with_retry_after_and_nothing_is_lost(make_ingester: Make, store: Store, body: Body) -> None:
    ingester = make_ingester(max_requests=2, max_queued=2, queue_wait_s=0.05)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda number: (number, ingester.post(body(number))), range(64)))
    refused = [answer for _, answer in answers if answer.status_code != 200]
    assert refused
    assert {answer.status_code for answer in refused} == {429}
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
    acknowledged = {number for number, answer in answers if answer.status_code == 200}
    assert store.batches("01020304") == dict.fromkeys(acknowledged, (100, 100))


def test_log_record_of_another_kind_is_left_out_with_a_reason(ingester: Ingester, store: Store) -> None:
    request = ExportLogsServiceRequest()
    record = request.resource_logs.add().scope_logs.add().log_records.add()
    record.time_unix_nano = time.time_ns()
    record.event_name = "weir.flow.metrics"
    answer = ingester.post(request.SerializeToString(), path="/v1/logs")
    partial = ExportLogsServiceResponse.FromString(answer.content).partial_success
    assert (answer.status_code, partial.rejected_log_records) == (200, 1)
    assert "event" in partial.error_message or "decoder" in partial.error_message
    assert store.count("flow_log.l4_flow_log") == 0
