#!/bin/bash
# Records the captures of this folder: a stock redis-server asked by redis-cli and by bytes of our own over loopback, on the usual port because of
# typed lines: run it in a network namespace of its own (unshare -n, then ip link set lo up). Needs root, redis and tcpdump.
# Then: UPDATE_GOLDEN=1 cargo test --test l7 (in native/), and read the difference.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
port=6379
redis-server --port $port --bind 127.0.0.1 --save "" --appendonly no --dir "$work" --enable-debug-command yes > /dev/null &
server=$!
trap 'kill $server; rm -rf "$work"' EXIT
sleep 0.7

record() { # name, then a function that makes the traffic
  tcpdump -q -i lo -U --immediate-mode -s 0 -w "$here/$1.pcap" "tcp port $port" 2>/dev/null &
  dump=$!
  sleep 0.7
  "$2" > /dev/null 2>&1 || true
  sleep 0.5
  kill -INT $dump; wait $dump || true
}
each() { # options, then a command a line on stdin, each by a redis-cli of its own: one that reads many asks for their documentation first
  while read -r line; do eval "redis-cli -p $port $* $line"; done
}
commands() {
  each <<CLI
FLUSHALL
SET user:1 "'some value'" EX 100
get user:1
GET missing
INCR counter
LPUSH list a b c
LRANGE list 0 -1
HSET hash field1 v1 field2 v2
HGETALL hash
LPUSH user:1 x
NOSUCH command
GET
AUTH secret
DEL user:1 list
EVAL "'return {1,2,{3,4}}'" 0
BLPOP nothing 0.2
CLI
  exec 3<>/dev/tcp/127.0.0.1/$port
  for line in MULTI "SET a 1" "LPUSH a 2" EXEC "CONFIG GET maxmemory"; do printf '%s\r\n' "$line" >&3; sleep 0.05; done
}
resp3() {
  each -3 <<CLI
HSET h f v
HGETALL h
GET missing
ZADD z 1.5 m
ZSCORE z m
SMEMBERS nothing
DEBUG PROTOCOL true
DEBUG PROTOCOL double
DEBUG PROTOCOL verbatim
DEBUG PROTOCOL attrib
DEBUG PROTOCOL push
DEBUG PROTOCOL bignum
CLI
}
pushes() {
  python3 - $port <<PY
import socket, sys, time
def connect():
    s = socket.create_connection(("127.0.0.1", int(sys.argv[1]))); s.settimeout(0.2); return s
def say(s, *words):
    s.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)); time.sleep(0.05)
    try: s.recv(65536)
    except TimeoutError: pass
two, three, monitor, other = connect(), connect(), connect(), connect()
say(two, b"SUBSCRIBE", b"news", b"sport"); say(two, b"PSUBSCRIBE", b"n*")
say(three, b"HELLO", b"3"); say(three, b"SUBSCRIBE", b"news"); say(three, b"CLIENT", b"TRACKING", b"ON"); say(three, b"GET", b"tracked")
say(monitor, b"MONITOR")
say(other, b"PUBLISH", b"news", b"hello"); say(other, b"PUBLISH", b"sport", b"1:0"); say(other, b"SET", b"tracked", b"new")
say(three, b"GET", b"tracked"); say(two, b"PING"); say(two, b"UNSUBSCRIBE"); say(two, b"PUNSUBSCRIBE"); say(two, b"GET", b"tracked")
say(monitor, b"RESET"); say(monitor, b"GET", b"tracked")
say(other, b"CLIENT", b"REPLY", b"OFF"); say(other, b"SET", b"quiet", b"1"); say(other, b"CLIENT", b"REPLY", b"ON"); say(other, b"GET", b"quiet")
say(other, b"CLIENT", b"REPLY", b"SKIP"); say(other, b"SET", b"quiet", b"2"); say(other, b"GET", b"quiet")
PY
}
pipelined() {
  python3 - $port <<PY
import socket, sys, time
s = socket.create_connection(("127.0.0.1", int(sys.argv[1]))); s.settimeout(0.5)
def say(*words): return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)
s.sendall(b"".join(say(b"SET", b"key:%d" % n, b"x" * n * 40) + say(b"GET", b"key:%d" % n) + say(b"LPUSH", b"key:1", b"wrong") for n in range(1, 16)))
time.sleep(0.2); s.recv(1 << 20)
for half in (b"PING\r\n", b"\r\nset typed one\r\nget typed\r\n", b"  \r\nEXISTS typed other\r\nnonsense\r\n"):
    s.sendall(half); time.sleep(0.1); s.recv(65536)
s.sendall(say(b"SET", b"large", b"y" * 20000)); time.sleep(0.2); s.recv(65536)
s.sendall(say(b"GET", b"large")); time.sleep(0.2); s.recv(65536)
s.sendall(b"QUIT\r\n"); s.recv(100)
PY
}
record commands commands
record resp3 resp3
record pushes pushes
record pipelined pipelined
