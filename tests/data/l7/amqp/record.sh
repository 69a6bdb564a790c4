#!/bin/bash
# Records the captures of this folder: a stock rabbitmq-server asked by pika (`python3 -m pip install pika`) over loopback: run it in a network namespace
# of its own (unshare -n, then ip link set lo up). Needs root, rabbitmq-server, python3 with pika, and tcpdump.
# Then: UPDATE_GOLDEN=1 cargo test --test l7 (in native/), and read the difference.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
chmod 777 "$work"
export RABBITMQ_NODENAME=rabbit@localhost RABBITMQ_MNESIA_BASE="$work/mnesia" RABBITMQ_LOG_BASE="$work/log" RABBITMQ_ENABLED_PLUGINS_FILE="$work/plugins"
export HOME="$work" RABBITMQ_PID_FILE="$work/pid"
rabbitmq-server > "$work/out" 2>&1 &
server=$!
trap 'kill $server $(pgrep -P $server) 2>/dev/null; sleep 2; rm -rf "$work"' EXIT
for _ in $(seq 90); do (exec 3<>/dev/tcp/127.0.0.1/5672) 2>/dev/null && break; sleep 1; done
sleep 2

record() { # name, then the program on stdin
  tcpdump -q -i lo -U --immediate-mode -s 0 -w "$here/$1.pcap" "tcp port 5672" 2>/dev/null &
  dump=$!
  sleep 0.7
  timeout 40 python3 - > "$work/said" 2>&1 || true
  sleep 0.5
  kill -INT $dump; wait $dump || true
}
record messages <<PY
import pika, time
connect = lambda **more: pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", 5672, **more))
service, client = connect(), connect()
served, asked = service.channel(), client.channel()
served.queue_declare("rpc_queue")
served.exchange_declare("orders", "topic")
queue = served.queue_declare("", exclusive=True).method.queue
served.queue_bind(queue, "orders", "orders.*")
served.basic_qos(prefetch_count=5)
def answer(channel, method, properties, body):
    channel.basic_publish("", properties.reply_to, b"answer to " + body, pika.BasicProperties(correlation_id=properties.correlation_id))
    channel.basic_ack(method.delivery_tag)
served.basic_consume("rpc_queue", answer)
served.basic_consume(queue, lambda *_: None, auto_ack=True)
replies = asked.queue_declare("", exclusive=True).method.queue
asked.basic_consume(replies, lambda *_: None, auto_ack=True)
for number in range(3):
    asked.basic_publish("", "rpc_queue", b"%d" % number, pika.BasicProperties(reply_to=replies, correlation_id="c-%d" % number, message_id="m-%d" % number,
        headers={"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "x-request-id": "r-1", "n": number}))
    service.process_data_events(0.1); client.process_data_events(0.1)
asked.basic_publish("orders", "orders.new", b"x" * 3000); asked.basic_publish("orders", "orders.empty", b"")
service.process_data_events(0.2)
asked.queue_declare("pulled"); asked.basic_publish("", "pulled", b"one")
print(asked.basic_get("pulled", auto_ack=True)); print(asked.basic_get("pulled", auto_ack=True))
asked.queue_purge("pulled"); asked.queue_unbind(queue, "orders", "orders.*"); asked.queue_delete("pulled"); asked.exchange_delete("orders")
second = client.channel(); second.confirm_delivery()
second.basic_publish("", "rpc_queue", b"confirmed")
second.tx_select() if False else None
third = client.channel(); third.tx_select(); third.basic_publish("", "rpc_queue", b"transacted"); third.tx_commit(); third.tx_rollback()
client.close(); service.close()
PY
record errors <<PY
import pika
def connect(**more): return pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", 5672, **more))
def attempt(work):
    try: work()
    except Exception as error: print(repr(error))
attempt(lambda: connect(virtual_host="/bad"))
attempt(lambda: connect(credentials=pika.PlainCredentials("guest", "wrong")))
connection = connect()
attempt(lambda: connection.channel().queue_declare("missing", passive=True))
channel = connection.channel(); channel.exchange_declare("kinds", "direct")
attempt(lambda: channel.exchange_declare("kinds", "fanout"))
channel = connection.channel()
channel.basic_publish("nowhere", "key", b"lost"); attempt(lambda: connection.process_data_events(0.3))
channel = connection.channel(); channel.confirm_delivery()
attempt(lambda: channel.basic_publish("kinds", "nobody", b"back", mandatory=True))
full = connection.channel(); full.queue_declare("full", arguments={"x-max-length": 1, "x-overflow": "reject-publish"}); full.confirm_delivery()
for _ in "abc": attempt(lambda: full.basic_publish("", "full", b"x"))
got = full.basic_get("full")[0]; full.basic_reject(got.delivery_tag, requeue=False)
connection.close()
PY
