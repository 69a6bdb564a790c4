#!/bin/bash
# Records the captures of this folder: an ActiveMQ 5.16.7 broker and its client over loopback, tight with numbered objects (as they do unless told
# otherwise), tight without, loose with and without, and version 1. Needs root, tcpdump, a JDK, and in $1 the jars
# org.apache.activemq:activemq-broker, :activemq-openwire-legacy and :activemq-jaas 5.16.7 with what they depend on (mvn dependency:copy-dependencies).
# Then: UPDATE_GOLDEN=1 cargo test --test l7 (in native/), and read the difference.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
jars=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
javac -nowarn -cp "$jars/*" -d "$work" "$here/Calls.java"
record() {
  tcpdump -q -i lo -U --immediate-mode -s 0 -w "$here/$1.pcap" "tcp port 31616" 2>/dev/null &
  dump=$!
  sleep 1
  (cd "$work" && timeout 60 java -cp "$work:$jars/*" Calls 31616 "$2") || true
  sleep 0.5
  kill -INT $dump; wait $dump || true
}
record tight ""
record tight_plain "&wireFormat.cacheEnabled=false"
record loose "&wireFormat.tightEncodingEnabled=false"
record loose_plain "&wireFormat.tightEncodingEnabled=false&wireFormat.cacheEnabled=false"
record version1 "&wireFormat.version=1"
