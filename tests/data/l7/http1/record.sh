#!/bin/bash
# Records the captures of this folder: a stock nginx asked by stock clients over loopback. Needs root, nginx, curl, python3 and tcpdump.
# Then: UPDATE_GOLDEN=1 cargo test --test l7 (in native/), and read the difference.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
port=18080
cat > "$work/nginx.conf" <<CONF
daemon off; pid $work/pid; error_log /dev/null;
events {}
http {
  access_log off; client_body_temp_path $work/body; keepalive_requests 1000;
  proxy_temp_path $work/proxy; fastcgi_temp_path $work/fastcgi; uwsgi_temp_path $work/uwsgi; scgi_temp_path $work/scgi;
  types { text/plain txt; }
  server {
    listen 127.0.0.1:$port; root $work/www;
    location /gzip { gzip on; gzip_min_length 1; gzip_types text/plain; alias $work/www/; }
    location = /empty { return 204; }
    location = /moved { return 301 http://example.org/; }
    location = /error { return 503 "busy"; }
    location = /id { add_header X-Request-ID \$request_id; return 200 "ok"; }
  }
}
CONF
chmod 755 "$work"
mkdir "$work/www"
printf 'hello\n' > "$work/www/small.txt"
seq 1 8000 > "$work/www/large.txt"
nginx -p "$work" -c "$work/nginx.conf" &
nginx=$!
trap 'kill $nginx; rm -rf "$work"' EXIT
sleep 0.5
url=http://127.0.0.1:$port

record() { # name, then a function that makes the traffic
  tcpdump -q -i lo -U --immediate-mode -s 0 -w "$here/$1.pcap" "tcp port $port or tcp port $((port + 1))" 2>/dev/null &
  dump=$!
  sleep 0.7
  "$2" > /dev/null 2>&1 || true
  sleep 0.5
  kill -INT $dump; wait $dump || true
}
keep_alive() { curl -s "$url/small.txt" "$url/none?x=1" "$url/empty" "$url/moved" "$url/error" -H "X-Forwarded-For: 10.1.1.1" "$url/id"; }
bodies() {
  curl -s -I "$url/large.txt" --next -s "$url/gzip/large.txt" -H "Accept-Encoding: gzip" --next -s "$url/large.txt" -r 100-200
  curl -s -X POST -H "Transfer-Encoding: chunked" --data-binary "@$work/www/small.txt" "$url/none"
  head -c 3000 "$work/www/large.txt" | curl -s -H "Expect: 100-continue" --data-binary @- "$url/id"
}
versions() { curl -s --http1.0 "$url/small.txt"; curl -s -x "$url" http://example.org/small.txt?proxied; exec 3<>/dev/tcp/127.0.0.1/$port; printf 'GET /small.txt HTTP/1.1\nhost: lf\n\n' >&3; timeout 1 cat <&3; }
pipelined() {
  python3 - $port <<PY
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
s.sendall(b"".join(b"GET /%s HTTP/1.1\r\nHost: h\r\ntraceparent: 00-%032x-%016x-01\r\n\r\n" % (p, n, n) for n, p in enumerate([b"small.txt", b"none", b"empty", b"id"] * 5, 1)))
s.settimeout(1)
try:
    while s.recv(65536): pass
except TimeoutError: pass
PY
}
websocket() { # needs the Python package websockets
  python3 - $port <<PY
import asyncio, sys, websockets
async def serve(stream):
    async for message in stream:
        if message == "fail": await stream.close(1011, "broken")
        else: await stream.send(message)
async def main():
    port = int(sys.argv[1]) + 1
    async with websockets.serve(serve, "127.0.0.1", port, subprotocols=["chat"]):
        async with websockets.connect(f"ws://127.0.0.1:{port}/rooms/7/live?user=ann", subprotocols=["chat"]) as one:
            await one.send("hello"); await one.recv()
            await one.send(["in ", "several ", "pieces"]); await one.recv()
            await one.send(b"x" * 70000 + bytes(range(256))); await one.recv()
            await (await one.ping())
        async with websockets.connect(f"ws://127.0.0.1:{port}/rooms/8", compression=None, subprotocols=["chat"]) as two:
            await two.send("y" * 2000); await two.recv()
            await two.send("fail")
            try: await two.recv()
            except websockets.ConnectionClosed: pass
asyncio.run(main())
PY
}
tunnel() { # a proxy of a few lines, because nginx is none: CONNECT, then TLS through it
  cd "$work"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj "/CN=inner.example.org" -keyout key.pem -out cert.pem
  openssl s_server -accept 18082 -cert cert.pem -key key.pem -www & inner=$!
  python3 - $port <<PY & proxy=$!
import socket, sys, threading
server = socket.create_server(("127.0.0.1", int(sys.argv[1]) + 1))
client, _ = server.accept(); client.recv(4096)
target = socket.create_connection(("127.0.0.1", 18082))
client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
def copy(one, other):
    while data := one.recv(65536): other.sendall(data)
    other.shutdown(socket.SHUT_WR)
threading.Thread(target=copy, args=(client, target)).start(); copy(target, client)
PY
  sleep 0.7
  curl -sk --proxytunnel -x http://127.0.0.1:$((port + 1)) https://inner.example.org/ --connect-timeout 3 -m 3 || true
  kill $inner $proxy
}
record keep_alive keep_alive
record bodies bodies
record versions versions
record pipelined pipelined
record websocket websocket
record tunnel tunnel
