"""A stock RabbitMQ: each confirmed publication one row with the time that its publisher waited, as many deliveries as the consumer had."""

from __future__ import annotations

import shutil
import statistics
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from tests.kernel.l7.conftest import Watched

pytest.importorskip("pika")
pytestmark = pytest.mark.skipif(shutil.which("rabbitmq-server") is None, reason="needs rabbitmq-server")

PROGRAM: Final = "/usr/lib/rabbitmq/bin/rabbitmq-server"
"""Debian's own of this name in the path becomes another user, who may not write here."""
PORT: Final = 5672
ROUNDS: Final = 400
PIPED: Final = 3000
"""Unconfirmed at once: some 4,000 requests may wait in one flow; what was asked before is given up as unanswered."""
ACKNOWLEDGED_AT_ONCE: Final = 100

CLIENT: Final = """
import json, pika, sys, time
rounds, piped, at_once = map(int, sys.argv[1:])
where = pika.ConnectionParameters("127.0.0.1", 5672)
connection = pika.BlockingConnection(where)
channel = connection.channel()
channel.queue_declare("orders")
channel.queue_declare("full", arguments={"x-max-length": 1, "x-overflow": "reject-publish"})
channel.confirm_delivery()
def timed(kind, work):
    start, error = time.perf_counter(), ""
    try:
        work()
    except pika.exceptions.AMQPError as caught:
        error = type(caught).__name__
    print(json.dumps([kind, error, (time.perf_counter() - start) * 1e6]))
channel.basic_publish("", "full", b"x")
for number in range(rounds):
    timed("Basic.Publish", lambda: channel.basic_publish("", ("orders", "full")[number % 4 == 3], b"%d" % number * (number * 13 % 2000)))
for number in range(rounds // 4):
    timed("Basic.Get", lambda: channel.basic_get(("orders", "full")[number % 2], auto_ack=True))
for number in range(3):
    other = connection.channel()
    timed("Queue.Declare", lambda: other.queue_declare("missing", passive=True))
channel.queue_purge("orders")

# All at once: the broker confirms several with one word.
class Publisher:
    def __init__(self):
        self.confirmed, self.words = 0, 0
        pika.SelectConnection(where, on_open_callback=lambda connection: connection.channel(on_open_callback=self.begin)).ioloop.start()
    def begin(self, channel):
        self.channel = channel
        channel.confirm_delivery(self.heard, callback=self.publish)
    def publish(self, _):
        for number in range(piped):
            self.channel.basic_publish("", "orders", b"piped %d" % number)
    def heard(self, frame):
        self.words += 1
        self.confirmed = frame.method.delivery_tag if frame.method.multiple else self.confirmed + 1
        if self.confirmed >= piped:
            self.channel.connection.ioloop.stop()
Publisher()
assert channel.queue_declare("orders", passive=True).method.message_count == piped
for number, (method, _, body) in enumerate(channel.consume("orders"), 1):
    if number % at_once == 0:
        channel.basic_ack(method.delivery_tag, multiple=True)
    if number == piped:
        break
channel.cancel()
connection.close()
"""


@pytest.fixture
def broker(watched: Watched, tmp_path: Path) -> Iterator[Watched]:
    (tmp_path / "plugins").write_text("[].\n")
    told = {"NODENAME": "rabbit@localhost", "NODE_IP_ADDRESS": "127.0.0.1", "MNESIA_BASE": "mnesia", "LOG_BASE": "log", "PID_FILE": "pid"}
    told |= {"ENABLED_PLUGINS_FILE": "plugins", "CONFIG_FILE": "none", "SERVER_ADDITIONAL_ERL_ARGS": "+S 2:2 +sbwt none"}
    paths = {"MNESIA_BASE", "LOG_BASE", "PID_FILE", "ENABLED_PLUGINS_FILE", "CONFIG_FILE"}
    words = [f"RABBITMQ_{name}={tmp_path / value if name in paths else value}" for name, value in told.items()]
    with watched.serving("env", f"HOME={tmp_path}", *words, PROGRAM, port=PORT):
        yield watched


def test_each_publication_and_each_method_is_one_row_with_its_answer_and_the_time_of_the_client(broker: Watched) -> None:
    told = broker.client(CLIENT, str(ROUNDS), str(PIPED), str(ACKNOWLEDGED_AT_ONCE))
    rows = [row for row in broker.rows if row["l7_protocol_str"] == "AMQP"]
    counted = Counter((row["request_type"], row["endpoint"], row["type"], row["response_status"]) for row in rows)
    refused = ROUNDS // 4
    assert counted["Basic.Publish", "orders", 2, 0] == ROUNDS - refused + PIPED
    assert (counted["Basic.Publish", "full", 2, 3], counted["Basic.Publish", "full", 2, 0]) == (refused, 1)
    assert counted["Basic.Deliver", "orders", 0, 5] == PIPED
    assert counted["Basic.Ack", "", 0, 5] == PIPED // ACKNOWLEDGED_AT_ONCE, "of the consumer; those of the broker are answers"
    assert counted["Basic.Get", "orders", 2, 0] == counted["Basic.Get", "full", 2, 0] == ROUNDS // 8
    assert counted["Queue.Declare", "missing", 2, 4] == 3
    assert sum(count for (kind, *_), count in counted.items() if kind.startswith("Basic.")) == 2 * PIPED + ROUNDS + ROUNDS // 4 + 3 + PIPED // 100

    slack = []
    of_kind = {kind: [row for row in rows if row["request_type"] == kind] for kind in {kind for kind, *_ in told}}
    first = {"Basic.Publish": 1, "Basic.Get": 0, "Queue.Declare": 2}
    for kind, error, took_us in told:
        row = of_kind[kind][first[kind]]
        first[kind] += 1
        assert (row["type"], row["response_status"] != 0) == (2, error != ""), error
        slack.append(took_us - row["response_duration"])
    assert min(slack) > -1_000, "clocks differ by less than a millisecond"
    assert statistics.median(slack) < 5_000
