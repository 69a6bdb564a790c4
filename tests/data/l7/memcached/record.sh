#!/bin/bash
# Records the captures of this folder: a stock memcached asked in text and in binary over loopback. Needs root, memcached, python3 and tcpdump.
# Then: UPDATE_GOLDEN=1 cargo test --test l7 (in native/), and read the difference.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
port=21211
memcached -u root -p $port -U 0 -l 127.0.0.1 -m 16 > /dev/null &
server=$!
trap 'kill $server' EXIT
sleep 0.5

record() { # name, then the client's program on stdin
  tcpdump -q -i lo -U --immediate-mode -s 0 -w "$here/$1.pcap" "tcp port $port" 2>/dev/null &
  dump=$!
  sleep 0.7
  python3 - $port > /dev/null 2>&1 || true
  sleep 0.5
  kill -INT $dump; wait $dump || true
}
record text <<PY
import socket, sys, time
s = socket.create_connection(("127.0.0.1", int(sys.argv[1]))); s.settimeout(0.2)
for line in (b"set a 0 0 3\r\none", b"add a 0 0 3\r\ntwo", b"get a", b"get missing", b"set b 5 60 10\r\n0123456789", b"get a b missing", b"gets a", b"append a 0 0 1\r\n!",
             b"cas a 0 0 1 999999\r\nx", b"incr a 1", b"set n 0 0 1\r\n7", b"incr n 5", b"decr n 1", b"touch a 10", b"gat 10 a", b"delete a", b"delete a",
             b"set q 0 0 1 noreply\r\nq\r\nget q", b"bogus", b"set big 0 0 2000000\r\n" + b"x" * 20, b"version", b"stats settings", b"verbosity 1", b"flush_all",
             b"ms m 2 T60\r\nhi", b"mg m v t", b"mg m s", b"mg none v", b"mg none v q k\r\nmg m v q k\r\nmn", b"ma counter N0 J5 v", b"ma counter v", b"md m", b"md m", b"get " + b"k" * 300):
    if b"2000000" in line: continue
    s.sendall(line + b"\r\n"); time.sleep(0.04)
    try: s.recv(65536)
    except TimeoutError: pass
s.sendall(b"".join(b"set p%d 0 0 %d\r\n%s\r\nget p%d\r\n" % (n, n * 20, b"y" * n * 20, n) for n in range(20))); time.sleep(0.2)
s.sendall(b"quit\r\n")
PY
record binary <<PY
import socket, struct, sys, time
s = socket.create_connection(("127.0.0.1", int(sys.argv[1]))); s.settimeout(0.2)
def say(opcode, key=b"", value=b"", extras=b"", opaque=0):
    return struct.pack(">BBHBBHIIQ", 0x80, opcode, len(key), len(extras), 0, 0, len(extras + key + value), opaque, 0) + extras + key + value
stored = struct.pack(">II", 0, 60)
for words in (say(1, b"a", b"one", stored, 1), say(0, b"a", opaque=2), say(0, b"missing", opaque=3), say(2, b"a", b"two", stored, 4), say(12, b"a", opaque=5),
              say(5, b"n", extras=struct.pack(">QQI", 1, 10, 0), opaque=6), say(5, b"a", extras=struct.pack(">QQI", 1, 10, 0), opaque=7), say(11, opaque=8), say(16, b"settings", opaque=9),
              say(13, b"missing", opaque=10) + say(13, b"a", opaque=11) + say(10, opaque=12), say(17, b"q", b"quiet", stored, 13) + say(0, b"q", opaque=14),
              say(4, b"a", opaque=15), say(8, opaque=16), say(0x1c, b"q", extras=struct.pack(">I", 5), opaque=17)):
    s.sendall(words); time.sleep(0.05)
    try: s.recv(65536)
    except TimeoutError: pass
s.sendall(say(7, opaque=99)); time.sleep(0.1)
PY
