"""Thousands of commands by stock clients to a stock Redis in a namespace of its own: every command exactly one row."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

import orjson
import pytest

from tests.kernel.l7.watching import watching

PROGRAMS: Final = ("redis-server", "redis-cli", "redis-benchmark")
PORT: Final = 6379
TIMED: Final = 1_200
PIPELINED: Final = 2_000
BENCHMARK: Final = 5_000

pytestmark = pytest.mark.skipif(any(shutil.which(program) is None for program in PROGRAMS), reason="needs redis-server")

# One command after the other, each timed by the client itself; then many without waiting.
CLIENT: Final = """
import json, socket, sys, time
def say(*words):
    return b"*%d\\r\\n" % len(words) + b"".join(b"$%d\\r\\n%s\\r\\n" % (len(word), word) for word in words)
stream = socket.create_connection(("127.0.0.1", 6379))
stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
for number in range(int(sys.argv[1])):
    key = b"timed:%d" % number
    command = ((b"SET", key, b"v"), (b"GET", key), (b"INCR", key + b"n"), (b"LPUSH", b"list", key), (b"LPUSH", b"text", key))[number % 5]
    start = time.perf_counter()
    stream.sendall(say(*command))
    answer = stream.recv(4096)
    print(json.dumps([b" ".join(command).decode(), answer[:1] == b"-", (time.perf_counter() - start) * 1e6]))
answers = 0
for burst in range(0, int(sys.argv[2]), 100):
    stream.sendall(b"".join(say(b"SET", b"piped:%d" % number, b"x" * (number % 3000)) for number in range(burst, burst + 100)))
    got = b""
    while got.count(b"+OK") < 100:
        got += stream.recv(65536)
"""


def run(namespace: str, *command: str) -> str:
    return subprocess.run(["ip", "netns", "exec", namespace, *command], check=True, capture_output=True, text=True, timeout=60).stdout


def test_each_command_is_one_row_with_the_answer_and_the_time_of_the_client(make_namespace: Callable[[], str], tmp_path: Path) -> None:
    namespace = make_namespace()
    run(namespace, "ip", "link", "set", "lo", "up")
    words = ("redis-server", "--port", str(PORT), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(tmp_path))
    server = subprocess.Popen(["ip", "netns", "exec", namespace, *words], stdout=subprocess.DEVNULL)
    try:
        for _ in range(100):
            if subprocess.run(["ip", "netns", "exec", namespace, "redis-cli", "SET", "text", "t"], check=False, capture_output=True).stdout == b"OK\n":
                break
            time.sleep(0.05)
        else:
            pytest.fail("redis-server does not answer")
        with watching(namespace, "Redis") as rows:
            run(namespace, "redis-cli", "CONFIG", "RESETSTAT")
            timed = [orjson.loads(line) for line in run(namespace, sys.executable, "-c", textwrap.dedent(CLIENT), str(TIMED), str(PIPELINED)).splitlines()]
            run(namespace, "redis-benchmark", "-q", "-t", "get", "-n", str(BENCHMARK), "-c", "4", "-P", "8")
            stats = run(namespace, "redis-cli", "INFO", "COMMANDSTATS")
    finally:
        server.terminate()
        server.wait(timeout=20)

    assert {row["type"] for row in rows} == {2}, "each row has both sides"
    # The server's own count by command.
    told: Counter[str] = Counter()
    for name, _, rest in _lines(stats):
        told[name.removeprefix("cmdstat_").upper().partition("|")[0]] += int(rest.split("calls=")[1].split(",")[0])
    counted = Counter(row["endpoint"] for row in rows)
    assert counted.pop("INFO") == 1, "which the server counts only behind its answer"
    assert counted == told
    assert told["GET"] == TIMED // 5 + BENCHMARK
    assert told["SET"] == TIMED // 5 + PIPELINED

    by_command = {row["request_resource"]: row for row in rows if "timed:" in row["request_resource"]}
    assert len(by_command) == TIMED
    slack = []
    for command, is_error, took_us in timed:
        row = by_command[command]
        assert (row["response_status"] == 3) == is_error
        slack.append(took_us - row["response_duration"])
    assert min(slack) > -1_000, "clocks differ by less than a millisecond"
    assert statistics.median(slack) < 2_000


def _lines(text: str) -> list[tuple[str, str, str]]:
    return [line.strip().partition(":") for line in text.splitlines() if line.startswith("cmdstat_")]
