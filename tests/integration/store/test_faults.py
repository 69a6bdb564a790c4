"""The store is killed, starved and started twice."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest


def test_acknowledged_inserts_survive_kill_9(start_store: Any, tmp_path: Path) -> None:
    store = start_store(tmp_path / "kept")
    store.ok("CREATE TABLE kept (worker UInt8, n UInt32) ENGINE = MergeTree ORDER BY n")
    acknowledged: list[tuple[int, int]] = []

    def insert(worker: int) -> None:
        for n in range(10_000):
            try:
                if store.post(f"INSERT INTO kept VALUES ({worker}, {n})", timeout=5).status_code == 200:
                    acknowledged.append((worker, n))
            except httpx.TransportError:
                return

    workers = [threading.Thread(target=insert, args=(index,)) for index in range(3)]
    for worker in workers:
        worker.start()
    time.sleep(2)
    store.process.send_signal(signal.SIGKILL)
    for worker in workers:
        worker.join(20)
    store.process.wait(10)
    again = start_store(tmp_path / "kept")
    rows = {tuple(map(int, line.split("\t"))) for line in again.ok("SELECT worker, n FROM kept").splitlines()}
    assert len(acknowledged) > 10
    assert set(acknowledged) <= rows
    assert len(rows) <= len(acknowledged) + 3
    assert again.ok("SELECT count() - uniqExact(worker, n) FROM kept") == "0\n"


def test_a_second_store_on_the_same_files_says_whose_they_are(start_store: Any, tmp_path: Path) -> None:
    first = start_store(tmp_path / "one")
    second = start_store(tmp_path / "one")
    assert second.process.wait(20) == 3
    assert f"in use by process {first.process.pid}" in second.log.read_text()
    assert first.ok("SELECT 1") == "1\n"


@pytest.mark.parametrize(("name", "value"), [("users", "[]x"), ("no_such_setting", "1"), ("max_memory_mib", "1"), ("users_file", "/nowhere/users.json")])
def test_a_wrong_setting_is_one_sentence(start_store: Any, name: str, value: str) -> None:
    store = start_store(**{name: value})
    assert store.process.wait(30) != 0
    told = store.log.read_text()
    assert "Traceback" not in told
    assert name in told.lower() or value in told


def test_a_graceful_stop_lets_queries_finish_and_keeps_the_data(start_store: Any, tmp_path: Path) -> None:
    store = start_store(tmp_path / "graceful")
    store.ok("CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a")
    store.ok("INSERT INTO t VALUES (1)")
    answers: list[httpx.Response] = []
    running = threading.Thread(target=lambda: answers.append(store.post("SELECT sleep(2) FROM t")))
    running.start()
    time.sleep(0.7)
    store.process.send_signal(signal.SIGTERM)
    assert store.process.wait(20) == 0
    running.join()
    assert answers[0].text == "0\n"
    assert start_store(tmp_path / "graceful").ok("SELECT * FROM t") == "1\n"


def test_a_stop_does_not_wait_for_ever(start_store: Any) -> None:
    store = start_store(stop_timeout_s="4")
    threading.Thread(target=lambda: _ignore(store)).start()
    time.sleep(1)
    began = time.monotonic()
    store.process.send_signal(signal.SIGTERM)
    store.process.wait(30)
    assert time.monotonic() - began < 15


def _ignore(store: Any) -> None:
    with contextlib.suppress(httpx.TransportError):
        store.post("SELECT sum(sipHash64(number)) FROM numbers(100000000000)")


def test_little_free_space_is_told_before_it_is_none(start_store: Any) -> None:
    store = start_store(min_free_mib="100000000")
    ready = httpx.get(store.url + "readyz")
    assert ready.status_code == 503
    assert "MiB are free" in ready.json()["waiting_for"]["disk"]
    store.ok("CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a")
    refused = store.post("INSERT INTO t VALUES (1)")
    assert refused.headers["x-clickhouse-exception-code"] == "243"
    assert store.ok("SELECT count() FROM t") == "0\n"


def test_a_full_disk_is_an_error_and_the_store_lives(start_store: Any, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(disk)], check=False, capture_output=True).returncode:
        pytest.skip("a small file system cannot be mounted here")
    try:
        store = start_store(disk / "data", min_free_mib="0")
        store.ok("CREATE TABLE full (a UInt64, s String CODEC(NONE)) ENGINE = MergeTree ORDER BY a")
        stored = 0
        for _ in range(40):
            answer = store.post("INSERT INTO full SELECT number, randomString(100) FROM numbers(20000)")
            if answer.status_code != 200:
                break
            stored += 20_000
        assert answer.headers["x-clickhouse-exception-code"] == "243" or "No space left" in answer.text, answer.text
        assert store.ok("SELECT count() FROM full") == f"{stored}\n"
        store.ok("DROP TABLE full SYNC")
        store.ok("CREATE TABLE small (a UInt8) ENGINE = MergeTree ORDER BY a")
        store.ok("INSERT INTO small VALUES (1)")
        store.process.kill()
        store.process.wait(10)
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False)
