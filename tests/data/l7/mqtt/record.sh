#!/bin/bash
# Records the captures of this folder: a stock mosquitto asked by its own clients and by paho (`python3 -m pip install paho-mqtt`) over loopback: run it in
# a network namespace of its own (unshare -n, then ip link set lo up). Needs root, mosquitto, mosquitto-clients, python3 with paho-mqtt, and tcpdump.
# Then: UPDATE_GOLDEN=1 cargo test --test l7 (in native/), and read the difference.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
chmod 777 "$work"
mosquitto_passwd -b -c "$work/passwords" alice secret
printf 'user alice\ntopic readwrite allowed/#\n' > "$work/acl"
chmod 644 "$work/passwords" "$work/acl"
cat > "$work/conf" <<CONF
per_listener_settings true
listener 1883 127.0.0.1
allow_anonymous true
listener 1884 127.0.0.1
allow_anonymous false
password_file $work/passwords
acl_file $work/acl
CONF
mosquitto -c "$work/conf" > /dev/null 2>&1 &
server=$!
trap 'kill $server; rm -rf "$work"' EXIT
sleep 0.7

record() { # name, then a function that makes the traffic
  tcpdump -q -i lo -U --immediate-mode -s 0 -w "$here/$1.pcap" "tcp port 1883 or tcp port 1884" 2>/dev/null &
  dump=$!
  sleep 0.7
  "$2" > /dev/null 2>&1 || true
  sleep 0.5
  kill -INT $dump; wait $dump || true
}
clients() {
  for version in 31 311 5; do
    mosquitto_sub -V mqttv$version -i "sub-$version" -q 2 -t 'news/#' -t 'sport/+' -C 4 &
    sub=$!
    sleep 0.3
    for qos in 0 1 2; do mosquitto_pub -V mqttv$version -i "pub-$version" -q $qos -t news/today -m "hello $qos"; done
    head -c 3000 /dev/zero | mosquitto_pub -V mqttv$version -i "pub-$version" -q 1 -t sport/long -r -s
    wait $sub
    mosquitto_pub -V mqttv$version -i "pub-$version" -q 1 -t sport/long -r -n
  done
}
refused() {
  for version in 311 5; do
    mosquitto_pub -p 1884 -V mqttv$version -i thief -u alice -P wrong -t a -m x || true
    mosquitto_pub -p 1884 -V mqttv$version -i alice -u alice -P secret -q 1 -t forbidden -m x || true
    timeout 1 mosquitto_sub -p 1884 -V mqttv$version -i alice -u alice -P secret -t '#' -t allowed/x -C 1 || true
  done
}
properties() {
  python3 - <<PY
import time, paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="", protocol=mqtt.MQTTv5)
client.connect("127.0.0.1", 1883, keepalive=1); client.loop_start(); time.sleep(0.3)
client.subscribe([("answers/1", 1), ("orders/#", 0)]); time.sleep(0.2)
def properties(**values):
    made = Properties(PacketTypes.PUBLISH)
    for name, value in values.items(): setattr(made, name, value)
    return made
client.publish("orders/new", b"1", 1, properties=properties(ResponseTopic="answers/1", CorrelationData=b"c-1",
    UserProperty=[("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), ("X-Request-ID", "r-1")]))
time.sleep(0.2)
client.publish("orders/a/long/topic", b"2", 1, properties=properties(TopicAlias=3)); time.sleep(0.1)
client.publish("orders/none/matching", b"3", 2, properties=properties(TopicAlias=4)); time.sleep(0.1)
client.publish("", b"4", 0, properties=properties(TopicAlias=3)); time.sleep(1.6)
client.unsubscribe(["answers/1", "never/asked"]); time.sleep(0.2)
client.publish("nobody/listens", b"5", 1); time.sleep(0.2)
client.disconnect(); time.sleep(0.2)
# The same name twice: the first is sent away.
pair = [mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="twin", protocol=mqtt.MQTTv5) for _ in "ab"]
pair[0].connect("127.0.0.1", 1883); pair[0].loop_start(); time.sleep(0.2)
pair[1].connect("127.0.0.1", 1883); pair[1].loop_start(); time.sleep(0.2); pair[0].loop_stop(); pair[1].disconnect(); time.sleep(0.1)
PY
}
record clients clients
record refused refused
record properties properties
