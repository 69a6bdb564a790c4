#!/bin/bash
# Records the captures of version 1.0 in this folder: Qpid Proton's client (`python3 -m pip install python-qpid-proton`) over loopback with a stock
# rabbitmq-server and its plugin rabbitmq_amqp1_0, and with ActiveMQ 5.16.7 (in $1 the jars org.apache.activemq:activemq-broker and :activemq-amqp with
# what they depend on). Run it in a network namespace of its own. Needs root, tcpdump and a JDK.
# Then: UPDATE_GOLDEN=1 cargo test --test l7 (in native/), and read the difference.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
jars=$1
python=${PYTHON:-python3}
work=$(mktemp -d)
chmod 777 "$work"
export RABBITMQ_NODENAME=rabbit@localhost RABBITMQ_MNESIA_BASE="$work/mnesia" RABBITMQ_LOG_BASE="$work/log" RABBITMQ_ENABLED_PLUGINS_FILE="$work/plugins"
export HOME="$work" RABBITMQ_PID_FILE="$work/pid"
echo '[rabbitmq_amqp1_0].' > "$work/plugins"
rabbitmq-server > "$work/out" 2>&1 &
server=$!
javac -nowarn -cp "$jars/*" -d "$work/classes" "$here/Broker.java"
java -cp "$work/classes:$jars/*" Broker 5673 > "$work/said" 2>&1 &
broker=$!
trap 'kill $broker $server $(pgrep -P $server) 2>/dev/null; sleep 2; rm -rf "$work"' EXIT
for port in 5672 5673; do
  for _ in $(seq 90); do (exec 3<>/dev/tcp/127.0.0.1/$port) 2>/dev/null && break; sleep 1; done
done
sleep 2

record() { # name, port
  tcpdump -q -i lo -U --immediate-mode -s 0 -w "$here/$1.pcap" "tcp port $2" 2>/dev/null &
  dump=$!
  sleep 0.7
  timeout 60 "$python" - "$2" <<'PY' || true
import sys
from proton import Message
from proton.reactor import AtMostOnce
from proton.utils import BlockingConnection
url = f"amqp://127.0.0.1:{sys.argv[1]}"
def connect(password): return BlockingConnection(url, timeout=5, user="guest", password=password, allowed_mechs="PLAIN", max_frame_size=4096, virtual_host="shop" if url.endswith("5673") else None)
def fails(what):
    try: what()
    except Exception as error: print(type(error).__name__, error)
fails(lambda: connect("wrong"))
connection = connect("guest")
sender = connection.create_sender("orders")
trace = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
sender.send(Message(id="m-1", subject="new", correlation_id="c-1", reply_to="answers", body="first", properties=trace))
sender.send(Message(id=2, body=b"x" * 9000))
for number in range(3): sender.send(Message(body="more"))
settled = connection.create_sender("orders", name="settled", options=AtMostOnce())
settled.send(Message(body="settled"))
receiver = connection.create_receiver("orders", credit=10, name="eater")
for end in (receiver.accept, receiver.accept, receiver.reject, receiver.release):
    message = receiver.receive(timeout=5)
    end()
fails(receiver.close)
fails(sender.close)
fails(lambda: connection.create_sender("/exchange/missing/key" if url.endswith("5672") else "topic://"))
fails(lambda: connection.close())
PY
  sleep 0.5
  kill -INT $dump; wait $dump || true
}
record v1_rabbitmq 5672
record v1_activemq 5673
