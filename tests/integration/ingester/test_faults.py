"""Things die under load; every acknowledged batch is there, whole and once."""

from __future__ import annotations

import signal
import time

from tests.bench.load import Load, Tally, Template
from tests.integration.ingester.processes import Body, Ingester, Make, Store, Wire


def load(ingester: Ingester, small: Template, connections: int = 6) -> Load:
    made = Load("127.0.0.1", ingester.port, small, connections=connections, timeout_s=15)
    made.start()
    return made


def assert_exact(store: Store, tally: Tally) -> None:
    """Each acknowledged batch whole and once; one that was never acknowledged whole, once, or not at all."""
    there = store.batches(tally.run)
    assert len(tally.acknowledged) > 20
    wrong = {number: there.get(number) for number in tally.acknowledged if there.get(number) != (tally.batch_spans, tally.batch_spans)}
    assert wrong == {}
    assert set(there) <= {*tally.acknowledged, *tally.unanswered}


def test_killed_ingester_under_load(make_ingester: Make, store: Store, small: Template) -> None:
    ingester = make_ingester()
    sending = load(ingester, small)
    for _ in range(3):
        time.sleep(1.5)
        ingester.kill()
        ingester.start()
    time.sleep(1)
    assert_exact(store, sending.stop())
    ingester.assert_ledger_balances()


def test_killed_store_under_load(make_ingester: Make, store: Store, small: Template) -> None:
    ingester = make_ingester()
    sending = load(ingester, small)
    for _ in range(2):
        time.sleep(1.5)
        store.kill()
        time.sleep(1)
        store.start()
    time.sleep(2)
    assert_exact(store, sending.stop())
    ingester.assert_ledger_balances()


def test_frozen_store_under_load(make_ingester: Make, store: Store, small: Template) -> None:
    """The store reads what was sent before it froze only when it wakes, after the ingester has given up on it and sent it again."""
    ingester = make_ingester(insert_timeout_s=1.5, answer_timeout_s=3)
    sending = load(ingester, small)
    for _ in range(2):
        time.sleep(1.5)
        store.signal(signal.SIGSTOP)
        time.sleep(4)
        store.signal(signal.SIGCONT)
    time.sleep(2)
    assert_exact(store, sending.stop())
    ingester.assert_ledger_balances()


def test_answers_of_the_store_lost_under_load(make_ingester: Make, store: Store, wire: Wire, small: Template) -> None:
    ingester = make_ingester(through=wire)
    sending = load(ingester, small)
    for _ in range(5):
        time.sleep(0.5)
        wire.lose_answers = 1
    time.sleep(0.5)
    tally = sending.stop()
    assert wire.lost >= 3
    assert_exact(store, tally)
    ingester.assert_ledger_balances()


def test_ingester_and_wire_fail_together(make_ingester: Make, store: Store, wire: Wire, small: Template) -> None:
    ingester = make_ingester(through=wire)
    sending = load(ingester, small)
    for _ in range(2):
        time.sleep(1)
        wire.lose_answers = 1
        time.sleep(0.3)
        ingester.kill()
        ingester.start()
    time.sleep(1)
    assert_exact(store, sending.stop())


def test_orderly_stop_under_load(make_ingester: Make, store: Store, small: Template) -> None:
    ingester = make_ingester()
    sending = load(ingester, small)
    time.sleep(1.5)
    assert ingester.stop() == 0
    ingester.start()
    time.sleep(1)
    assert_exact(store, sending.stop())


def test_store_that_is_away_at_the_start_is_waited_for(make_ingester: Make, store: Store, body: Body) -> None:
    store.kill()
    ingester = make_ingester(wait_for="/healthz")
    refused = ingester.post(body())
    assert refused.status_code == 503
    assert int(refused.headers["retry-after"]) >= 1
    assert ingester._http.get(ingester.url + "/readyz").json()["waiting_for"]["store"].startswith("The store at ")
    store.start()
    ingester.wait_for("/readyz")
    assert ingester.post(body()).status_code == 200
    assert store.count() == 100


def test_store_that_is_away_is_told_before_the_body_and_by_readyz(make_ingester: Make, store: Store, body: Body) -> None:
    ingester, one = make_ingester(answer_timeout_s=2), body(1)
    assert ingester.post(body(0)).status_code == 200
    store.kill()
    assert ingester.post(one).status_code == 503
    began = time.monotonic()
    assert ingester.post(body(2)).status_code == 503
    assert time.monotonic() - began < 0.5
    assert ingester._http.get(ingester.url + "/readyz").status_code == 503
    store.start()
    ingester.wait_for("/readyz")
    assert ingester.post(one).status_code == 200
    assert store.batches("01020304") == {0: (100, 100), 1: (100, 100)}
