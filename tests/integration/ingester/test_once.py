"""A request is stored once: however often it is sent, whatever dies in between."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.integration.ingester.processes import Body, Make, Store, Wire

DAY_NS = 86_400 * 10**9


def two_days(body: bytes) -> bytes:
    request = ExportTraceServiceRequest.FromString(body)
    for number, span in enumerate(request.resource_spans[0].scope_spans[0].spans):
        span.start_time_unix_nano -= (number % 2) * DAY_NS
        span.end_time_unix_nano -= (number % 2) * DAY_NS
    return bytes(request.SerializeToString())


def test_repeat_is_acknowledged_and_not_stored_again(make_ingester: Make, store: Store, body: Body) -> None:
    ingester, one = make_ingester(), body()
    assert [ingester.post(one).status_code for _ in range(3)] == [200] * 3
    assert store.count() == 100
    assert ingester.metric("weir_rows_duplicate_total") == 200
    ingester.assert_ledger_balances()


def test_repeats_at_the_same_time_are_one(make_ingester: Make, store: Store, body: Body) -> None:
    ingester, one = make_ingester(), body()
    with ThreadPoolExecutor(16) as pool:
        assert {answer.status_code for answer in pool.map(ingester.post, [one] * 32)} == {200}
    assert store.count() == 100


def test_repeat_after_kill_and_restart_is_recognised(make_ingester: Make, store: Store, body: Body) -> None:
    ingester, fresh, old = make_ingester(), body(1), body(2, time.time_ns() - 3600 * 10**9)
    assert ingester.post(fresh).status_code == ingester.post(old).status_code == 200
    ingester.kill()
    ingester.start()
    assert ingester.post(fresh).status_code == ingester.post(old).status_code == 200
    assert store.batches("01020304") == {1: (100, 100), 2: (100, 100)}
    assert ingester.metric("weir_rows_duplicate_total") == 200
    ingester.assert_ledger_balances()


def test_fresh_requests_after_a_restart_are_not_looked_up(make_ingester: Make, store: Store, body: Body) -> None:
    ingester = make_ingester()
    for number in range(5):
        assert ingester.post(body(number)).status_code == 200
    assert ingester.metric("weir_ingester_store_checks_total") == 0
    assert store.count() == 500


def test_sender_that_says_again_is_looked_up(make_ingester: Make, store: Store, body: Body) -> None:
    first, second, one = make_ingester(), make_ingester(), body()
    assert first.post(one).status_code == second.post(one, weir_attempt="2").status_code == 200
    assert store.count() == 100


def test_forgotten_request_is_looked_up(make_ingester: Make, store: Store, body: Body) -> None:
    ingester = make_ingester(remembered_requests=1)
    bodies = [body(number, time.time_ns() - (10 - number) * 2 * 10**9) for number in range(5)]
    for one in [*bodies, *bodies]:
        assert ingester.post(one).status_code == 200
    assert store.batches("01020304") == dict.fromkeys(range(5), (100, 100))


def test_half_stored_request_is_completed(make_ingester: Make, store: Store, body: Body) -> None:
    ingester, one = make_ingester(), two_days(body())
    assert ingester.post(one).status_code == 200
    ingester.kill()
    day = store.ask("SELECT min(_partition_id) FROM flow_log.l7_flow_log")[0][0]
    store.ask(f"ALTER TABLE flow_log.l7_flow_log DROP PARTITION ID '{day}'")
    assert store.count() == 50
    ingester.start()
    assert ingester.post(one).status_code == 200
    assert store.batches("01020304") == {0: (100, 100)}
    assert (ingester.metric("weir_rows_out_total"), ingester.metric("weir_rows_duplicate_total")) == (50, 50)


def test_share_that_is_stored_in_part_is_made_whole(make_ingester: Make, store: Store, body: Body) -> None:
    ingester, one = make_ingester(), two_days(body())
    assert ingester.post(one).status_code == 200
    ingester.kill()
    store.ask("DELETE FROM flow_log.l7_flow_log WHERE time < now() - 3600 AND rand() % 2 SETTINGS lightweight_deletes_sync = 2")
    assert 50 < store.count() < 100
    ingester.start()
    assert ingester.post(one).status_code == 200
    assert store.batches("01020304") == {0: (100, 100)}


def test_lost_answer_of_the_store_neither_loses_nor_doubles(make_ingester: Make, store: Store, wire: Wire, body: Body) -> None:
    ingester = make_ingester(through=wire)
    wire.lose_answers = 3
    for number in range(4):
        assert ingester.post(two_days(body(number))).status_code == 200
    assert wire.lost == 3
    assert store.batches("01020304") == dict.fromkeys(range(4), (100, 100))
    ingester.assert_ledger_balances()


def test_answer_to_the_sender_may_be_lost_while_the_store_is_away(make_ingester: Make, store: Store, wire: Wire, body: Body) -> None:
    ingester = make_ingester(through=wire, answer_timeout_s=0.5)
    one = body()
    wire.lose_answers = 2
    answers = []
    end = time.monotonic() + 30
    while time.monotonic() < end:
        answers.append(ingester.post(one))
        if answers[-1].status_code == 200:
            break
        time.sleep(0.2)
    assert answers[0].status_code == 503
    assert int(answers[0].headers["retry-after"]) >= 1
    assert answers[-1].status_code == 200
    assert store.batches("01020304") == {0: (100, 100)}
