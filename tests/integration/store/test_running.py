"""Several queries at once: parallel, bounded, listed, killed."""

from __future__ import annotations

import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

_ENDLESS = "SELECT sum(sipHash64(number)) FROM numbers(100000000000)"


def _wait_for(store: Any, query_id: str, seconds: float = 10) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if store.ok("SELECT count() FROM system.processes WHERE query_id = {id:String}", param_id=query_id) == "1\n":
            return
        time.sleep(0.05)
    message = f"{query_id} does not run"
    raise AssertionError(message)


def test_kill_query_ends_the_query_of_that_id(store: Any) -> None:
    answers: list[httpx.Response] = []
    thread = threading.Thread(target=lambda: answers.append(store.post(_ENDLESS, query_id="to-kill")))
    thread.start()
    _wait_for(store, "to-kill")
    shown = store.ok("SELECT user, query FROM system.processes AS p WHERE p.query_id = 'to-kill'")
    assert shown.startswith("default\tSELECT sum(sipHash64(number))")
    assert "\tto-kill\t" in store.ok("SHOW PROCESSLIST")
    assert store.post("KILL QUERY WHERE query_id = 'to-kill' SYNC", user="reader").text == ""
    told = store.ok("KILL QUERY WHERE query_id = 'to-kill' SYNC")
    assert told.startswith("finished\tto-kill\tdefault\t")
    thread.join(10)
    assert answers[0].headers["x-clickhouse-exception-code"] == "394"
    assert store.ok("KILL QUERY WHERE query_id = 'to-kill'") == ""


def test_kill_query_async_and_by_user_and_with_parameters(store: Any) -> None:
    answers: list[httpx.Response] = []
    thread = threading.Thread(target=lambda: answers.append(store.post(_ENDLESS, query_id="async", user="reader")))
    thread.start()
    _wait_for(store, "async")
    assert store.ok("KILL QUERY WHERE user = 'reader' AND query_id = {id:String} TEST", param_id="async").startswith("unknown_status\tasync\treader")
    assert store.ok("KILL QUERY WHERE user = 'reader' AND query_id = {id:String} ASYNC FORMAT JSONCompact", param_id="async").count('"async"') == 1
    thread.join(10)
    assert answers[0].headers["x-clickhouse-exception-code"] == "394"


def test_a_client_that_leaves_ends_its_query(store: Any) -> None:
    with contextlib.suppress(httpx.ReadTimeout):
        store.post(_ENDLESS, query_id="left", timeout=1)
    until = time.monotonic() + 10
    while time.monotonic() < until and store.ok("SELECT count() FROM system.processes WHERE query_id = 'left'") != "0\n":
        time.sleep(0.1)
    assert store.ok("SELECT count() FROM system.processes WHERE query_id = 'left'") == "0\n"


def test_time_and_memory_limits_hold(store: Any) -> None:
    began = time.monotonic()
    late = store.post(_ENDLESS, max_execution_time="1")
    assert late.headers["x-clickhouse-exception-code"] == "159"
    assert time.monotonic() - began < 8
    big = store.post("SELECT groupArray(toString(number)) FROM numbers(50000000)", max_memory_usage="50000000")
    assert big.headers["x-clickhouse-exception-code"] == "241"
    assert store.ok("SELECT 1") == "1\n"


def test_reads_and_writes_run_beside_each_other(store: Any) -> None:
    store.ok("CREATE OR REPLACE TABLE busy (w UInt8, n UInt32) ENGINE = MergeTree ORDER BY n")

    def write(worker: int) -> int:
        return sum(store.post(f"INSERT INTO busy SELECT {worker}, number FROM numbers(1000)").status_code == 200 for _ in range(10))

    def read(_: int) -> int:
        return sum(store.post("SELECT w, count(), uniq(n) FROM busy GROUP BY w").status_code == 200 for _ in range(10))

    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(write, range(4))) + list(pool.map(read, range(4)))
    assert done == [10] * 8
    assert store.ok("SELECT count() FROM busy") == "40000\n"


def test_one_query_too_many_is_refused_and_kill_still_gets_through(start_store: Any) -> None:
    store = start_store(max_concurrent_queries="2")
    threads = [threading.Thread(target=store.post, args=(_ENDLESS,), kwargs={"query_id": f"full-{index}"}) for index in range(2)]
    for thread in threads:
        thread.start()
    time.sleep(1)
    refused = store.post("SELECT 1")
    assert refused.headers["x-clickhouse-exception-code"] == "202"
    for index in range(2):
        assert store.ok(f"KILL QUERY WHERE query_id = 'full-{index}' SYNC") != ""
    for thread in threads:
        thread.join(10)
    assert store.ok("SELECT 1") == "1\n"


def test_a_client_that_leaves_a_stream_finds_its_session_free(store: Any) -> None:
    endless = {"query": "SELECT number FROM numbers(100000000000)", "session_id": "left-a-stream", "wait_end_of_query": "0"}
    for _ in range(5):
        with httpx.stream("POST", store.url, params=endless, timeout=10) as answer:
            next(answer.iter_raw())
        assert store.ok("SELECT 1", session_id="left-a-stream") == "1\n"
