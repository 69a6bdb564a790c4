#!/bin/bash
# Records the captures of this folder over loopback: a stock nginx asked by curl, nghttp and h2load, and calls.py with itself (PYTHON with grpcio).
# Needs root, nginx, curl, nghttp2-client and tcpdump. Then: UPDATE_GOLDEN=1 cargo test --test l7 (in native/), and read the difference.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
port=18082
cat > "$work/nginx.conf" <<CONF
daemon off; pid $work/pid; error_log /dev/null;
events {}
http {
  access_log off; client_body_temp_path $work/body;
  proxy_temp_path $work/proxy; fastcgi_temp_path $work/fastcgi; uwsgi_temp_path $work/uwsgi; scgi_temp_path $work/scgi;
  server {
    listen 127.0.0.1:$port http2; root $work/www;
    location = /empty { return 204; }
    location = /error { return 503 "busy"; }
    location = /id { add_header X-Request-ID \$request_id; return 200 "ok"; }
  }
}
CONF
chmod 755 "$work"
mkdir "$work/www"
seq 1 3000 > "$work/www/large.txt"
nginx -p "$work" -c "$work/nginx.conf" &
nginx=$!
"${PYTHON:-python3}" "$here/calls.py" server $((port + 1)) &
grpc=$!
trap 'kill $nginx $grpc; rm -rf "$work"' EXIT
sleep 1.5
url=http://127.0.0.1:$port

record() { # name, port, then a function that makes the traffic
  tcpdump -q -i lo -U --immediate-mode -s 0 -B 65536 -w "$here/$1.pcap" "tcp port $2" 2>/dev/null &
  dump=$!
  sleep 0.7
  "$3" > /dev/null 2>&1 || true
  sleep 1.5
  kill -INT $dump; wait $dump || true
}
in_turn() {
  for path in large.txt "none?x=1" empty error id; do curl -s --http2-prior-knowledge "$url/$path" -H "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"; done
  curl -s -I --http2-prior-knowledge "$url/large.txt"
  seq 1 1000 | curl -s --http2-prior-knowledge --data-binary @- "$url/id"
}
at_once() { nghttp -n -m 3 "$url/id?1" "$url/none" "$url/large.txt" "$url/id?2" "$url/empty"; h2load -n 30 -c 1 -m 10 "$url/id"; }
calls() { "${PYTHON:-python3}" "$here/calls.py" client 127.0.0.1:$((port + 1)) 12; }
record in_turn $port in_turn
record at_once $port at_once
record grpc $((port + 1)) calls
