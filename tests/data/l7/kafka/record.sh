#!/bin/bash
# Records the captures of this folder: a stock Kafka broker (KRaft, from Maven's org.apache.kafka:kafka_2.13:3.7.0 with its dependencies in the folder $LIB)
# asked by kafka-python and confluent-kafka (`python3 -m pip install kafka-python confluent-kafka`) over loopback: run it in a network namespace of its own
# (unshare -n, then ip link set lo up). Needs root, java, python3 with both, and tcpdump.
# Then: UPDATE_GOLDEN=1 cargo test --test l7 (in native/), and read the difference.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
cat > "$work/conf" <<CONF
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:9093
listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093
advertised.listeners=PLAINTEXT://127.0.0.1:9092
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs=$work/logs
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
CONF
java -Xmx384m -cp "$LIB/*" kafka.tools.StorageTool format -t AAAAAAAAAAAAAAAAAAAAAQ -c "$work/conf" > /dev/null
java -Xmx384m -cp "$LIB/*" kafka.Kafka "$work/conf" > "$work/log" 2>&1 &
broker=$!
trap 'kill $broker; sleep 1; rm -rf "$work"' EXIT
for _ in $(seq 60); do (exec 3<>/dev/tcp/127.0.0.1/9092) 2>/dev/null && break; sleep 1; done
sleep 2

record() { # name, then the program on stdin
  tcpdump -q -i lo -U --immediate-mode -s 0 -w "$here/$1.pcap" "tcp port 9092" 2>/dev/null &
  dump=$!
  sleep 0.7
  timeout 60 python3 - > /dev/null 2>&1 || true
  sleep 0.5
  kill -INT $dump; wait $dump || true
}
record python <<PY
import time
from kafka import KafkaProducer, KafkaConsumer, KafkaAdminClient, TopicPartition
from kafka.admin import NewTopic
admin = KafkaAdminClient(bootstrap_servers="127.0.0.1:9092", client_id="admin")
for _ in "ab":
    try: print(admin.create_topics([NewTopic("orders", 1, 1)]))
    except Exception as error: print(error)
producer = KafkaProducer(bootstrap_servers="127.0.0.1:9092", client_id="shop")
for number in range(3):
    producer.send("orders", b"order %d" % number, key=b"k", headers=[("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]).get(10)
quiet = KafkaProducer(bootstrap_servers="127.0.0.1:9092", client_id="quiet", acks=0, enable_idempotence=False)
quiet.send("orders", b"nobody says that this came"); quiet.flush(); time.sleep(0.3)
consumer = KafkaConsumer("orders", bootstrap_servers="127.0.0.1:9092", client_id="worker", group_id="workers", auto_offset_reset="earliest",
                         consumer_timeout_ms=1500)
for message in consumer: print(message.value)
consumer.commit(); consumer.close()
far = KafkaConsumer(bootstrap_servers="127.0.0.1:9092", client_id="far", auto_offset_reset="none", consumer_timeout_ms=500)
far.assign([TopicPartition("orders", 0)]); far.seek(TopicPartition("orders", 0), 999)
try: next(far)
except BaseException as error: print(repr(error))
try: print(admin.delete_topics(["missing"]))
except Exception as error: print(error)
for close in (producer, quiet, far, admin): close.close()
PY
record librdkafka <<PY
import time
from confluent_kafka import Producer, Consumer
producer = Producer({"bootstrap.servers": "127.0.0.1:9092", "client.id": "rd-shop", "transactional.id": "t-1", "compression.type": "lz4"})
producer.init_transactions(10); producer.begin_transaction()
for number in range(20): producer.produce("orders", b"transacted %d" % number)
producer.flush(10); producer.commit_transaction(10)
plain = Producer({"bootstrap.servers": "127.0.0.1:9092", "client.id": "rd-plain", "linger.ms": 0})
plain.produce("orders", b"x" * 3000, headers={"X-Request-ID": "r-1"}); plain.flush(10)
consumer = Consumer({"bootstrap.servers": "127.0.0.1:9092", "client.id": "rd-worker", "group.id": "rd-workers", "auto.offset.reset": "earliest",
                     "session.timeout.ms": 6000})
consumer.subscribe(["orders"])
end = time.time() + 6
while time.time() < end: consumer.poll(0.2)
consumer.commit(asynchronous=False) if consumer.assignment() else None
consumer.close()
PY
