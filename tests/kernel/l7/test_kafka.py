"""A stock Kafka broker: no request is missing or told twice, each message that is sent is one row with the time that its sender waited."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from tests.kernel.l7.conftest import Watched

LIB: Final = Path(os.environ.get("WEIR_TEST_KAFKA_LIB", Path(__file__).parents[3] / "build" / "kafka"))
"""Kafka's jars with what they need; `make test` puts them there where it has mvn."""
PORT: Final = 9092
TIMED: Final = 150
PIPED: Final = 3_000

pytest.importorskip("kafka")
pytestmark = pytest.mark.skipif(
    shutil.which("java") is None or not list(LIB.glob("kafka_*.jar")), reason="needs java and Kafka's jars: in build/kafka, or where WEIR_TEST_KAFKA_LIB says"
)

KAFKA: Final = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:9093
listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={work}/logs
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
"""

CLIENT: Final = """
import json, sys, time
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import NewTopic
timed, piped = map(int, sys.argv[1:])
where = dict(bootstrap_servers="127.0.0.1:9092")
admin = KafkaAdminClient(client_id="admin", **where)
admin.create_topics([NewTopic("orders", 1, 1), NewTopic("piped", 1, 1)])
admin.close()
producer = KafkaProducer(client_id="timed", **where)
producer.send("orders", b"first").get(60)
for number in range(timed):
    start = time.perf_counter()
    sent = producer.send("orders", b"x" * (number * 71 % 9000)).get(60)
    print(json.dumps([sent.offset, (time.perf_counter() - start) * 1e6]))
producer.close()
producer = KafkaProducer(client_id="piped", linger_ms=5, **where)
for number in range(piped):
    producer.send("piped", b"message %d" % number)
producer.flush()
producer.close()
consumer = KafkaConsumer("piped", client_id="worker", group_id="workers", auto_offset_reset="earliest", **where)
for number in range(piped):
    assert next(consumer).value == b"message %d" % number
consumer.commit()
consumer.close()
"""


@pytest.fixture
def broker(watched: Watched, tmp_path: Path) -> Iterator[Watched]:
    conf = tmp_path / "conf"
    conf.write_text(KAFKA.format(work=tmp_path))
    java = ("java", "-Xmx384m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", f"{LIB}/*")
    subprocess.run([*java, "kafka.tools.StorageTool", "format", "-t", "AAAAAAAAAAAAAAAAAAAAAQ", "-c", str(conf)], check=True, capture_output=True)
    with watched.serving(*java, "kafka.Kafka", str(conf), port=PORT):
        yield watched


def test_each_request_is_one_row_and_each_message_has_the_time_of_its_sender(broker: Watched) -> None:
    told = broker.client(CLIENT, str(TIMED), str(PIPED))
    rows = [row for row in broker.rows if row["l7_protocol_str"] == "Kafka" and row["server_port"] == PORT]
    # A client numbers its requests, from 1 on in each connection.
    connections: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        connections[row["client_port"]].append(row)
    for asked in connections.values():
        assert [row["request_id"] for row in asked] == list(range(asked[0]["request_id"], asked[0]["request_id"] + len(asked)))
        assert asked[0]["request_type"] == "ApiVersions"
        # Whoever leaves waits for nothing.
        assert [row["request_type"] for row in asked if row["type"] != 2][1:] == []

    sent = {name: [row for row in rows if row["request_type"] == "Produce" and row["attributes"]["messaging.client.id"] == name] for name in ("timed", "piped")}
    assert {row["response_status"] for both in sent.values() for row in both} == {0}
    assert sum(int(row["attributes"]["messaging.batch.message_count"]) for row in sent["piped"]) == PIPED
    by_offset = {row["request_resource"]: row for row in sent["timed"]}
    assert by_offset.keys() == {"orders-0:0"} | {f"orders-0:{offset}" for offset, _ in told}
    slack = [took_us - by_offset[f"orders-0:{offset}"]["response_duration"] for offset, took_us in told]
    assert min(slack) > -1_000, "clocks differ by less than a millisecond"
    assert statistics.median(slack) < 10_000
    said = {row["request_type"] for row in rows if row["attributes"].get("messaging.client.id") == "worker"}
    assert {"Metadata", "FindCoordinator", "JoinGroup", "SyncGroup", "OffsetFetch", "Fetch", "OffsetCommit", "LeaveGroup"} <= said
