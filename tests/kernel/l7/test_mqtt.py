"""Thousands of publications to a stock Mosquitto in a namespace of its own: every acknowledged one exactly one row, as many as the broker counts."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

import orjson
import pytest

from tests.kernel.l7.watching import watching

PROGRAMS: Final = ("mosquitto", "mosquitto_pub", "mosquitto_sub")
TIMED: Final = 800
PIPED: Final = 2_000

pytestmark = pytest.mark.skipif(any(shutil.which(program) is None for program in PROGRAMS), reason="needs mosquitto and its clients")

# One publication after the other, each acknowledged and timed by the client itself.
CLIENT: Final = """
import json, socket, sys, time
stream = socket.create_connection(("127.0.0.1", 1883))
stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
stream.sendall(bytes([0x10, 17, 0, 4]) + b"MQTT" + bytes([4, 2, 0, 60, 0, 5]) + b"timed")
stream.recv(4)
for number in range(int(sys.argv[1])):
    topic, id = b"timed/%d" % number, (number + 1).to_bytes(2, "big")
    content = len(topic).to_bytes(2, "big") + topic + id + b"hello"
    start = time.perf_counter()
    stream.sendall(bytes([0x32, len(content)]) + content)
    answer = stream.recv(4)
    assert answer == b"\\x40\\x02" + id
    print(json.dumps([topic.decode(), (time.perf_counter() - start) * 1e6]))
stream.sendall(b"\\xe0\\x00")
"""


def run(namespace: str, *command: str, given: str = "") -> str:
    return subprocess.run(["ip", "netns", "exec", namespace, *command], check=True, input=given, capture_output=True, text=True, timeout=60).stdout


def test_each_publication_is_one_row_with_the_time_of_the_client(make_namespace: Callable[[], str]) -> None:
    namespace = make_namespace()
    run(namespace, "ip", "link", "set", "lo", "up")
    server = subprocess.Popen(["ip", "netns", "exec", namespace, "mosquitto", "-p", "1883"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            if subprocess.run(["ip", "netns", "exec", namespace, "mosquitto_pub", "-t", "a", "-n"], check=False, capture_output=True).returncode == 0:
                break
            time.sleep(0.05)
        else:
            pytest.fail("mosquitto does not answer")
        with watching(namespace, "MQTT") as rows:
            listener = subprocess.Popen(
                ["ip", "netns", "exec", namespace, "mosquitto_sub", "-q", "1", "-t", "piped", "-C", str(PIPED)], stdout=subprocess.PIPE, text=True
            )
            time.sleep(0.3)
            timed = [orjson.loads(line) for line in run(namespace, sys.executable, "-c", textwrap.dedent(CLIENT), str(TIMED)).splitlines()]
            run(namespace, "mosquitto_pub", "-V", "5", "-q", "2", "-t", "piped", "-l", given="".join(f"line {number}\n" for number in range(PIPED)))
            heard = listener.communicate(timeout=30)[0].splitlines()
    finally:
        server.terminate()
        server.wait(timeout=20)
    assert len(heard) == PIPED

    counted = Counter((row["request_type"], row["request_resource"].partition("/")[0], row["version"], row["type"]) for row in rows)
    assert counted["PUBLISH", "timed", "3.1.1", 2] == TIMED
    assert counted["PUBLISH", "piped", "5", 2] == counted["PUBREL", "", "5", 2] == PIPED, "to the broker"
    assert counted["PUBLISH", "piped", "3.1.1", 2] == PIPED, "from the broker"
    assert {row["response_status"] for row in rows if row["type"] == 2} == {0}

    by_topic = {row["request_resource"]: row for row in rows}
    slack = [took_us - by_topic[topic]["response_duration"] for topic, took_us in timed]
    assert min(slack) > -1_000, "clocks differ by less than a millisecond"
    assert statistics.median(slack) < 2_000
