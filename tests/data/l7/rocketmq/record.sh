#!/bin/bash
# Records the captures of this folder: a RocketMQ 4.9.7 name server, broker, producer and consumer over loopback, with headers in JSON and in binary.
# Needs root, tcpdump, a JDK, and in $1 the jars org.apache.rocketmq:rocketmq-broker and :rocketmq-namesrv with what they depend on
# (mvn dependency:copy-dependencies). Then: UPDATE_GOLDEN=1 cargo test --test l7 (in native/), and read the difference.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
jars=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
javac -nowarn -cp "$jars/*" -d "$work/classes" "$here/Calls.java"
for kind in json rocketmq; do
  export ROCKETMQ_HOME=$work/$kind
  mkdir -p "$ROCKETMQ_HOME/conf"
  tcpdump -q -i lo -U --immediate-mode -s 0 -w "$here/$kind.pcap" "tcp port 29876 or tcp port 30911" 2>/dev/null &
  dump=$!
  sleep 1
  timeout 60 java -Duser.home="$ROCKETMQ_HOME" "-Drocketmq.serialize.type=${kind^^}" --add-opens java.base/java.nio=ALL-UNNAMED \
    --add-opens java.base/sun.nio.ch=ALL-UNNAMED --add-opens java.base/java.lang=ALL-UNNAMED -cp "$work/classes:$jars/*" \
    Calls 29876 30911 "$ROCKETMQ_HOME" > /dev/null 2>&1 || true
  sleep 0.5
  kill -INT $dump; wait $dump || true
done
