"""Rows that only the store refuses cost themselves and nobody else."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse

from tests.integration.ingester.processes import Body, Ingester, Make, Store


def refuse(bare_store: Store, condition: str) -> None:
    bare_store.ask(f"ALTER TABLE flow_log.l7_flow_log ADD CONSTRAINT test CHECK NOT ({condition})")


def with_parent(body: bytes, *rows: int) -> bytes:
    request = ExportTraceServiceRequest.FromString(body)
    for row in rows:
        request.resource_spans[0].scope_spans[0].spans[row].parent_span_id = b"badbadba"
    return bytes(request.SerializeToString())


def until_stored(ingester: Ingester, body: bytes) -> httpx.Response:
    """As an exporter does: where finding the bad rows takes longer than a client waits (a busy machine), the answer is 503, and it asks again."""
    deadline = time.monotonic() + 60
    while (answer := ingester.post(body)).status_code == 503 and time.monotonic() < deadline:
        time.sleep(0.5)
    return answer


BAD = "parent_span_id = lower(hex('badbadba'))"


def test_one_refused_row_of_a_request_is_found(make_ingester: Make, bare_store: Store, body: Body) -> None:
    ingester = make_ingester()
    refuse(bare_store, BAD)
    answer = ingester.post(with_parent(body(), 37))
    partial = ExportTraceServiceResponse.FromString(answer.content).partial_success
    assert (answer.status_code, partial.rejected_spans) == (200, 1)
    assert "refused by store" in partial.error_message
    assert bare_store.batches("01020304") == {0: (99, 99)}
    assert ingester.metric("weir_rows_dropped_total", reason="refused_by_store_code_469") == 1
    ingester.assert_ledger_balances()


def test_innocent_requests_of_the_same_block_are_stored_whole(make_ingester: Make, bare_store: Store, body: Body) -> None:
    ingester = make_ingester()
    refuse(bare_store, BAD)
    bodies = [with_parent(body(number), 5, 90) if number % 8 == 3 else body(number) for number in range(24)]
    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(lambda one: until_stored(ingester, one), bodies))
    assert {answer.status_code for answer in answers} == {200}
    rejected = [ExportTraceServiceResponse.FromString(answer.content).partial_success.rejected_spans for answer in answers]
    assert rejected == [2 if number % 8 == 3 else 0 for number in range(24)]
    assert bare_store.batches("01020304") == {number: (98, 98) if number % 8 == 3 else (100, 100) for number in range(24)}
    ingester.assert_ledger_balances()


def test_request_of_which_every_row_is_refused_is_answered_in_bounded_time(make_ingester: Make, bare_store: Store, body: Body) -> None:
    ingester = make_ingester()
    refuse(bare_store, BAD)
    answer = ingester.post(with_parent(body(), *range(100)))
    assert ExportTraceServiceResponse.FromString(answer.content).partial_success.rejected_spans == 100
    assert bare_store.count() == 0
    assert ingester.post(body(1)).status_code == 200


def test_repeat_of_a_request_with_a_refused_row_after_a_restart_stores_nothing_twice(make_ingester: Make, bare_store: Store, body: Body) -> None:
    ingester, one = make_ingester(), with_parent(body(), 37)
    refuse(bare_store, BAD)
    assert ingester.post(one).status_code == 200
    ingester.kill()
    ingester.start()
    assert ExportTraceServiceResponse.FromString(ingester.post(one).content).partial_success.rejected_spans == 1
    assert bare_store.batches("01020304") == {0: (99, 99)}
