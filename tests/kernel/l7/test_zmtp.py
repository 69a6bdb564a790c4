"""ZeroMQ's own library, by pyzmq: each question one row with the time that the client waited, as many messages as were pushed and published."""

from __future__ import annotations

import statistics
from collections import Counter
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from tests.kernel.l7.conftest import Watched

pytest.importorskip("zmq")

ROUNDS: Final = 600
PIPED: Final = 2_000

CLIENT: Final = """
import json, sys, threading, time, zmq
rounds, piped = map(int, sys.argv[1:])
context = zmq.Context()
def pair(one, other, port):
    first, second = context.socket(one), context.socket(other)
    first.bind("tcp://127.0.0.1:%d" % port)
    second.hwm = first.hwm = 0
    second.connect("tcp://127.0.0.1:%d" % port)
    return first, second
server, client = pair(zmq.REP, zmq.REQ, 5555)
def serve():
    for _ in range(rounds):
        server.send_multipart(server.recv_multipart())
thread = threading.Thread(target=serve)
thread.start()
for number in range(rounds):
    words = [b"w" * (number * 17 % 4000)] * (number % 3 + 1)
    start = time.perf_counter()
    client.send_multipart(words)
    assert client.recv_multipart() == words
    print(json.dumps((time.perf_counter() - start) * 1e6))
thread.join()
pull, push = pair(zmq.PULL, zmq.PUSH, 5556)
for number in range(piped):
    push.send(b"%d" % number * (number % 90))
for number in range(piped):
    pull.recv()
publish, subscribe = pair(zmq.PUB, zmq.SUB, 5557)
subscribe.subscribe(b"sport")
time.sleep(0.5)
for number in range(piped):
    publish.send_multipart([(b"sport", b"news")[number % 2], b"%d" % number])
for number in range(piped // 2):
    subscribe.recv_multipart()
context.destroy()
"""


def test_each_question_is_one_row_and_each_message_is_one(watched: Watched) -> None:
    told = watched.client(CLIENT, str(ROUNDS), str(PIPED))
    rows = [row for row in watched.rows if row["l7_protocol_str"] == "ZMTP"]
    counted = Counter((row["request_type"], row["server_port"], row["type"], row["request_resource"]) for row in rows)
    assert counted == {
        ("REQ", 5555, 2, ""): ROUNDS,
        ("MESSAGE", 5556, 0, ""): PIPED,
        ("SUBSCRIBE", 5557, 0, "sport"): 1,
        # Only what somebody wants is sent.
        ("PUB", 5557, 0, "sport"): PIPED // 2,
    }
    slack = [took_us - row["response_duration"] for row, took_us in zip((row for row in rows if row["request_type"] == "REQ"), told, strict=True)]
    assert min(slack) > -1_000, "clocks differ by less than a millisecond"
    assert statistics.median(slack) < 5_000
