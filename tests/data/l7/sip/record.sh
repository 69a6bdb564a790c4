#!/bin/bash
# Records the captures of this folder: SIPp calling SIPp over loopback, and bytes of our own: run it in a network namespace of its own
# (unshare -n, then ip link set lo up). Needs root, sip-tester, python3 and tcpdump.
# Then: UPDATE_GOLDEN=1 cargo test --test l7 (in native/), and read the difference.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$(mktemp -d)"
record() { # name, then a function that makes the traffic
  tcpdump -q -i lo -U --immediate-mode -s 0 -w "$here/$1.pcap" "port 5080 or port 5081" 2>/dev/null &
  dump=$!
  sleep 0.7
  "$2" > /dev/null 2>&1 || true
  sleep 0.5
  kill -INT $dump; wait $dump || true
}
calls() { # transport
  timeout 20 sipp -sn uas -i 127.0.0.1 -p 5080 -t "$1" -m 3 -nostdin &
  sleep 0.7
  timeout 20 sipp -sn uac 127.0.0.1:5080 -i 127.0.0.1 -p 5081 -t "$1" -m 3 -r 10 -d 100 -nostdin
  wait $!
}
over_udp() { calls u1; }
over_tcp() {
  calls t1
  python3 - <<'PY'
import socket, threading
server = socket.create_server(("127.0.0.1", 5080))
def answer():
    stream, _ = server.accept()
    stream.recv(5000)
    stream.sendall(b"SIP/2.0 401 Unauthorized\r\nv: SIP/2.0/TCP 127.0.0.1\r\nf: <sip:ann@example.org>;tag=1\r\nt: <sip:ann@example.org>;tag=2\r\n"
                   b"i: abc@laptop\r\nCSeq: 1 REGISTER\r\nl: 0\r\n\r\n"
                   b"SIP/2.0 503 Service Unavailable\r\nv: SIP/2.0/TCP 127.0.0.1\r\ni: abc@laptop\r\nCSeq: 2 MESSAGE\r\nl: 0\r\n\r\n")
threading.Thread(target=answer, daemon=True).start()
client = socket.create_connection(("127.0.0.1", 5080))
client.sendall(b"REGISTER sip:example.org SIP/2.0\r\nv: SIP/2.0/TCP 127.0.0.1\r\nf: <sip:ann@example.org>;tag=1\r\nt: <sip:ann@example.org>\r\n"
               b"i: abc@laptop\r\nCSeq: 1 REGISTER\r\nUser-Agent: phone/1\r\nl: 0\r\n\r\n"
               b"MESSAGE sip:bob@example.org;transport=tcp SIP/2.0\r\nv: SIP/2.0/TCP 127.0.0.1\r\nf: <sip:ann@example.org>;tag=1\r\n"
               b"t: <sip:bob@example.org>\r\ni: abc@laptop\r\nCSeq: 2 MESSAGE\r\nl: 5\r\n\r\nhello")
client.recv(5000); client.recv(5000)
PY
}
record over_udp over_udp
record over_tcp over_tcp
