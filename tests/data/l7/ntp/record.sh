#!/bin/bash
# Records the captures of this folder: chronyd asked by ntpdate and by bytes of our own over loopback: run it in a network namespace of its own
# (unshare -n, then ip link set lo up), because of the port. Needs root, chrony, ntpsec-ntpdate, python3 and tcpdump.
# Then: UPDATE_GOLDEN=1 cargo test --test l7 (in native/), and read the difference.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
serve() { # options
  printf '%s\n' "$@" "bindaddress 127.0.0.1" "allow all" "cmdport 0" "pidfile $work/pid" "bindcmdaddress /" > "$work/chrony.conf"
  chronyd -d -x -u root -f "$work/chrony.conf" > /dev/null 2>&1 &
  server=$!
  sleep 1
}
trap 'rm -rf "$work"' EXIT
tcpdump -q -i lo -U --immediate-mode -s 0 -w "$here/questions.pcap" "udp port 123" 2>/dev/null &
dump=$!
sleep 0.7
serve "local stratum 3"; ntpdate -q 127.0.0.1 || true
kill $server; wait $server || true
serve "maxdistance 3"
python3 - <<'PY'
import os, socket
stream = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); stream.settimeout(0.5)
for first in (0x23, 0x1b):
    stream.sendto(bytes([first]) + bytes(39) + os.urandom(8), ("127.0.0.1", 123))
    try: stream.recv(1000)
    except TimeoutError: pass
PY
kill $server; wait $server || true
python3 - <<'PY'
import os, socket
stream = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
stream.sendto(bytes([0x23]) + bytes(39) + os.urandom(8), ("127.0.0.1", 123))
PY
sleep 0.5
kill -INT $dump; wait $dump || true
