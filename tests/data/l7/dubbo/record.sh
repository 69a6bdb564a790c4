#!/bin/bash
# Records the captures of this folder: a stock Dubbo 2.7.23 provider called by its own consumer over loopback, with Hessian 2 and with Fastjson.
# Needs root, tcpdump, a JDK, and in $1 the jars org.apache.dubbo:dubbo and :dubbo-serialization-fastjson with what they depend on
# (mvn dependency:copy-dependencies). Then: UPDATE_GOLDEN=1 cargo test --test l7 (in native/), and read the difference.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
jars=$1
port=20881
classes=$(mktemp -d)
trap 'rm -r "$classes"' EXIT
javac -nowarn -cp "$jars/*" -d "$classes" "$here/Calls.java"
for serialization in hessian2 fastjson; do
  tcpdump -q -i lo -U --immediate-mode -s 0 -w "$here/$serialization.pcap" "tcp port $port" 2>/dev/null &
  dump=$!
  sleep 1
  java --add-opens java.base/java.lang=ALL-UNNAMED --add-opens java.base/java.math=ALL-UNNAMED --add-opens java.base/java.util=ALL-UNNAMED \
    -cp "$classes:$jars/*" Calls $port $serialization > /dev/null 2>&1
  sleep 0.5
  kill -INT $dump; wait $dump || true
done
