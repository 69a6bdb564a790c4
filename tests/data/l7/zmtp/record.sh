#!/bin/bash
# Records the captures of this folder: pyzmq's sockets over loopback. Needs root, tcpdump and python3 with pyzmq.
# Then: UPDATE_GOLDEN=1 cargo test --test l7 (in native/), and read the difference.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-python3}
port=25555
record() { # name, then the program on stdin
  tcpdump -q -i lo -U --immediate-mode -s 0 -w "$here/$1.pcap" "tcp port $port" 2>/dev/null &
  dump=$!
  sleep 0.7
  "$python" - $port
  sleep 0.3
  kill -INT $dump; wait $dump || true
}
record request <<PY
import sys, time, zmq
context, at = zmq.Context(), f"tcp://127.0.0.1:{sys.argv[1]}"
rep = context.socket(zmq.REP); rep.bind(at)
req = context.socket(zmq.REQ); req.connect(at)
for words in ([b"hello"], [b"one", b"two", b"three"], [b"x" * 3000], [b""]):
    req.send_multipart(words); rep.recv_multipart(); time.sleep(0.01); rep.send_multipart([b"answer"] + words); req.recv_multipart()
PY
record publish <<PY
import sys, time, zmq
context, at = zmq.Context(), f"tcp://127.0.0.1:{sys.argv[1]}"
pub = context.socket(zmq.PUB); pub.bind(at)
sub = context.socket(zmq.SUB); sub.connect(at); sub.subscribe(b"sport"); time.sleep(0.3)
for n in range(3): pub.send_multipart([b"sport.tennis", b"set %d" % n]); time.sleep(0.01)
pub.send_multipart([b"news", b"nobody"]); sub.unsubscribe(b"sport"); time.sleep(0.2)
PY
record plain <<PY
import sys, threading, time, zmq, zmq.auth.thread
context, at = zmq.Context(), f"tcp://127.0.0.1:{sys.argv[1]}"
auth = zmq.auth.thread.ThreadAuthenticator(context); auth.start(); auth.configure_plain(passwords={"someone": "secret"})
pull = context.socket(zmq.PULL); pull.plain_server = True; pull.bind(at)
for password in (b"secret", b"wrong"):
    push = context.socket(zmq.PUSH); push.plain_username = b"someone"; push.plain_password = password; push.linger = 0; push.sndtimeo = 500; push.connect(at)
    try: push.send(b"work")
    except zmq.Again: pass
    time.sleep(0.3); push.close()
auth.stop()
PY
record curve <<PY
import sys, time, zmq, zmq.auth.thread
context, at = zmq.Context(), f"tcp://127.0.0.1:{sys.argv[1]}"
auth = zmq.auth.thread.ThreadAuthenticator(context); auth.start(); auth.configure_curve(location=zmq.auth.CURVE_ALLOW_ANY)
public, secret = zmq.curve_keypair()
pull = context.socket(zmq.PULL); pull.curve_server = True; pull.curve_secretkey, pull.curve_publickey = secret, public; pull.bind(at)
push = context.socket(zmq.PUSH); push.curve_serverkey = public; push.curve_publickey, push.curve_secretkey = zmq.curve_keypair(); push.connect(at)
for n in range(3): push.send(b"work"); pull.recv()
auth.stop()
PY
