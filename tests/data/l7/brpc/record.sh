#!/bin/bash
# Records the capture of this folder: brpc-java 3.0.5 called by its own client over loopback. Needs root, tcpdump, a JDK, and in $1
# the jar com.baidu:brpc-java:3.0.5 with what it depends on (mvn dependency:copy-dependencies).
# Then: UPDATE_GOLDEN=1 cargo test --test l7 (in native/), and read the difference.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
jars=$1
port=28000
classes=$(mktemp -d)
trap 'rm -r "$classes"' EXIT
javac -nowarn -cp "$jars/*" -d "$classes" "$here/Calls.java"
tcpdump -q -i lo -U --immediate-mode -s 0 -w "$here/echo.pcap" "tcp port $port" 2>/dev/null &
dump=$!
sleep 1
java --add-opens java.base/java.lang=ALL-UNNAMED --add-opens java.base/java.math=ALL-UNNAMED --add-opens java.base/java.util=ALL-UNNAMED \
  -cp "$classes:$jars/*" Calls $port > /dev/null 2>&1
sleep 0.5
kill -INT $dump; wait $dump || true
