"""A client of ours against a stock Memcached in a namespace of its own: every command exactly one row."""

from __future__ import annotations

import shutil
import statistics
import subprocess
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from tests.kernel.l7.conftest import Watched

PORT: Final = 11211
TIMED: Final = 900
PIPELINED: Final = 1_000

pytestmark = pytest.mark.skipif(shutil.which("memcached") is None, reason="needs memcached")

# One command after the other, each timed; then many without waiting; then the server's own count.
CLIENT: Final = """
import json, socket, sys, time
s = socket.create_connection(("127.0.0.1", 11211))
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
def until(*ends):
    got = b""
    while not got.endswith(ends):
        got += s.recv(65536)
    return got
for number in range(int(sys.argv[1])):
    value = b"x" * (number * 13 % 4000)
    line = (b"set timed:%d 0 0 %d" % (number, len(value)), b"get timed:%d" % (number - 1), b"incr timed:%d 1" % (number - 2))[number % 3]
    start = time.perf_counter()
    s.sendall(line + b"\\r\\n" + (value + b"\\r\\n" if number % 3 == 0 else b""))
    answer = until(b"END\\r\\n") if number % 3 == 1 else until(b"\\r\\n")
    print(json.dumps([line.decode(), answer.startswith(b"CLIENT_ERROR"), (time.perf_counter() - start) * 1e6]))
for burst in range(0, int(sys.argv[2]), 100):
    s.sendall(b"".join(b"set piped:%d 0 0 5\\r\\nhello\\r\\n" % number for number in range(burst, burst + 100)))
    got = b""
    while got.count(b"STORED\\r\\n") < 100:
        got += s.recv(65536)
s.sendall(b"stats\\r\\n")
stats = dict(line.split(b" ")[1:3] for line in until(b"END\\r\\n").splitlines() if line.startswith(b"STAT"))
print(json.dumps([int(stats[b"cmd_set"]), int(stats[b"cmd_get"]), int(stats[b"incr_misses"]) + int(stats[b"incr_hits"])]))
"""


@pytest.fixture
def server(watched: Watched) -> Iterator[Watched]:
    process = subprocess.Popen([*watched.inside, "memcached", "-u", "nobody", "-l", "127.0.0.1", "-p", str(PORT), "-U", "0"])
    try:
        watched.wait_for_port(PORT)
        yield watched
    finally:
        process.terminate()
        process.wait(timeout=20)


def test_each_command_is_one_row_with_the_answer_and_the_time_of_the_client(server: Watched) -> None:
    *told, (sets, gets, _) = server.client(CLIENT, str(TIMED), str(PIPELINED))
    rows = [row for row in server.rows if row["l7_protocol_str"] == "Memcached"]
    assert {row["type"] for row in rows} == {2}, "each row has both sides"
    counted = Counter(row["request_type"].lower() for row in rows)
    assert (counted["set"], counted["get"]) == (sets, gets) == (TIMED // 3 + PIPELINED, TIMED // 3)
    assert counted["incr"] == TIMED // 3
    by_line = {row["request_resource"]: row for row in rows if "timed:" in row["request_resource"]}
    assert len(by_line) == TIMED
    slack = []
    for line, failed, took_us in told:
        row = by_line[line]
        assert (row["response_status"] == 4) == failed, line
        slack.append(took_us - row["response_duration"])
    assert min(slack) > -1_000, "clocks differ by less than a millisecond"
    assert statistics.median(slack) < 2_000
