"""Thousands of requests through a stock NATS server in a namespace of its own: every message exactly one row on the connection that carries it."""

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

TIMED: Final = 800
PUBLISHED: Final = 3_000

pytestmark = pytest.mark.skipif(shutil.which("nats-server") is None, reason="needs nats-server")

# A service that answers, a client that times each of its requests, then many publications without waiting; the server's own count at the end.
CLIENT: Final = """
import json, socket, sys, threading, time, urllib.request
def connect(*lines):
    stream = socket.create_connection(("127.0.0.1", 4222))
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    stream.recv(4096)
    stream.sendall(b'CONNECT {"verbose":false,"name":"test"}\\r\\n' + b"".join(lines) + b"PING\\r\\n")
    got = b""
    while not got.endswith(b"PONG\\r\\n"):
        got += stream.recv(4096)
    return stream
timed, published = int(sys.argv[1]), int(sys.argv[2])
def serve(stream):
    for _ in range(timed):
        line = stream.recv(4096).split(b"\\r\\n")[0]
        stream.sendall(b"PUB %s 4\\r\\ndone\\r\\n" % line.split(b" ")[3])
service = connect(b"SUB serve.* 1\\r\\n")
thread = threading.Thread(target=serve, args=(service,))
thread.start()
client = connect(b"SUB _INBOX.test.* 1\\r\\n")
for number in range(timed):
    start = time.perf_counter()
    client.sendall(b"PUB serve.%d _INBOX.test.%d 5\\r\\nhello\\r\\n" % (number, number))
    answer = client.recv(4096)
    print(json.dumps(["serve.%d" % number, (time.perf_counter() - start) * 1e6]))
thread.join()
client.sendall(b"".join(b"PUB news.%d %d\\r\\n%s\\r\\n" % (number, number % 2000, b"x" * (number % 2000)) for number in range(published)) + b"PING\\r\\n")
while b"PONG" not in client.recv(4096): pass
print(json.load(urllib.request.urlopen("http://127.0.0.1:8222/varz"))["in_msgs"])
"""


def run(namespace: str, *command: str) -> str:
    return subprocess.run(["ip", "netns", "exec", namespace, *command], check=True, capture_output=True, text=True, timeout=60).stdout


def test_each_message_is_one_row_and_replies_take_as_long_as_the_client_says(make_namespace: Callable[[], str]) -> None:
    namespace = make_namespace()
    run(namespace, "ip", "link", "set", "lo", "up")
    words = ("nats-server", "-a", "127.0.0.1", "-p", "4222", "-m", "8222")
    server = subprocess.Popen(["ip", "netns", "exec", namespace, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    knock = "import socket; socket.create_connection(('127.0.0.1', 4222)).recv(10)"
    try:
        for _ in range(100):
            if subprocess.run(["ip", "netns", "exec", namespace, sys.executable, "-c", knock], check=False, capture_output=True).returncode == 0:
                break
            time.sleep(0.05)
        else:
            pytest.fail("nats-server does not answer")
        with watching(namespace, "NATS") as rows:
            *timed, count = map(orjson.loads, run(namespace, sys.executable, "-c", textwrap.dedent(CLIENT), str(TIMED), str(PUBLISHED)).splitlines())
    finally:
        server.terminate()
        server.wait(timeout=20)

    counted = Counter((row["request_type"], row["endpoint"], row["type"]) for row in rows)
    assert counted["PUB", "serve", 2] == counted["MSG", "serve", 2] == TIMED
    assert counted["PUB", "news", 0] == PUBLISHED
    # An answer is no row of its own, but a message to the server all the same.
    assert 2 * counted["PUB", "serve", 2] + counted["PUB", "news", 0] == count
    assert {row["response_status"] for row in rows if row["type"] == 2} == {0}

    by_subject = {row["request_resource"]: row for row in rows if (row["request_type"], row["endpoint"]) == ("PUB", "serve")}
    slack = [took_us - by_subject[subject]["response_duration"] for subject, took_us in timed]
    assert min(slack) > -1_000, "clocks differ by less than a millisecond"
    assert statistics.median(slack) < 2_000
