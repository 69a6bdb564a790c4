from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from agent.send.halves import halves, pack
from agent.send.item import Encoding, Item
from agent.send.outcome import Delivered, Later, Refused, TooLarge, judge, parse_retry_after
from agent.send.wire import cut, parse_partial_success


def request(shape: list[list[int]]) -> ExportLogsServiceRequest:
    """Resources → scopes → number of records; every record has its own number."""
    made = ExportLogsServiceRequest()
    number = 0
    for scopes in shape:
        resource = made.resource_logs.add(schema_url="s")
        resource.resource.attributes.add(key="host.name").value.string_value = "h"
        for records in scopes:
            scope = resource.scope_logs.add()
            scope.scope.name = "weir"
            for _ in range(records):
                record = scope.log_records.add(time_unix_nano=number, event_name="weir.flow.l4")
                record.body.string_value = "x" * (number % 300)
                number += 1
    return made


def numbers(body: bytes) -> list[int]:
    found = ExportLogsServiceRequest.FromString(body)
    return [record.time_unix_nano for resource in found.resource_logs for scope in resource.scope_logs for record in scope.log_records]


@given(st.lists(st.lists(st.integers(min_value=0, max_value=30), max_size=4), max_size=4))
def test_a_cut_loses_and_doubles_no_record(shape: list[list[int]]) -> None:
    whole = request(shape).SerializeToString()
    total = len(numbers(whole))
    parts = cut(whole)
    if total < 2:
        assert parts is None
        return
    assert parts is not None
    (first, first_count), (second, second_count) = parts
    assert numbers(first) + numbers(second) == list(range(total))
    assert (len(numbers(first)), len(numbers(second))) == (first_count, second_count)
    for part in (first, second):
        for resource in ExportLogsServiceRequest.FromString(part).resource_logs:
            assert resource.schema_url == "s"
            assert resource.resource.attributes[0].value.string_value == "h"
            assert all(scope.scope.name == "weir" and scope.log_records for scope in resource.scope_logs)


def test_spans_are_cut_like_log_records() -> None:
    made = ExportTraceServiceRequest()
    scope = made.resource_spans.add().scope_spans.add()
    for n in range(5):
        scope.spans.add(name=str(n))
    parts = cut(made.SerializeToString())
    assert parts is not None
    found = [span.name for part, _ in parts for span in ExportTraceServiceRequest.FromString(part).resource_spans[0].scope_spans[0].spans]
    assert found == list("01234")


@given(st.binary(max_size=300))
def test_bytes_that_are_no_request_are_refused_not_fatal(body: bytes) -> None:
    with contextlib.suppress(ValueError):
        cut(body)
    parse_partial_success(body)
    judge(400, body, None)


@pytest.mark.parametrize("encoding", ["zstd", "gzip", "identity"])
def test_halves_keep_the_sum_by_stream_and_are_the_same_each_time(encoding: Encoding) -> None:
    whole = Item("logs", {"network.1s": 7, "network_map.1s": 4}, pack(request([[5, 6]]).SerializeToString(), encoding), encoding, 1)
    parts = halves(whole)
    assert parts is not None
    assert [part.rows for part in parts] == [{"network.1s": 5}, {"network.1s": 2, "network_map.1s": 4}]
    again = halves(whole)
    assert again is not None
    assert [part.body for part in again] == [part.body for part in parts]


def test_a_body_that_cannot_be_cut_has_no_halves() -> None:
    assert halves(Item("logs", {"a": 9}, b"nonsense", "zstd", 1)) is None
    assert halves(Item("logs", {"a": 1}, pack(request([[1]]).SerializeToString(), "zstd"), "zstd", 1)) is None


def test_partial_success_is_read_as_the_generated_code_wrote_it() -> None:
    body = ExportLogsServiceResponse(partial_success=ExportLogsPartialSuccess(rejected_log_records=300, error_message="zu früh")).SerializeToString()
    found = parse_partial_success(body)
    assert (found.rejected, found.message) == (300, "zu früh")
    assert parse_partial_success(b"").rejected == 0


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, Delivered), (204, Later), (302, Later), (400, Refused), (404, Refused), (408, Later), (413, TooLarge), (415, Refused),
        (429, Later), (500, Later), (502, Later), (503, Later), (504, Later),
    ],
)  # fmt: skip
def test_each_status_has_its_outcome(status: int, kind: type) -> None:
    assert isinstance(judge(status, b"", None), kind)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("3", 3.0), ("0.5", 0.5), ("-1", 0.0), ("99999", 300.0), ("soon", None), ("", None), (None, None), ("nan", None), ("Thu, 01 Jan 1970 00:01:40 GMT", 40.0)],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    assert parse_retry_after(value, now_s=60.0) == seconds
