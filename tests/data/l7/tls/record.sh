#!/bin/bash
# Records the captures of this folder: openssl s_server asked by openssl s_client and curl over loopback: run it in a network namespace of its own
# (unshare -n, then ip link set lo up). Needs root, openssl, curl and tcpdump.
# Then: UPDATE_GOLDEN=1 cargo test --test l7 (in native/), and read the difference.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
cd "$work"
trap 'rm -rf "$work"' EXIT
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj "/C=DE/O=Example GmbH/CN=shop.example.org" \
  -keyout key.pem -out cert.pem 2>/dev/null
openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=client" -keyout ckey.pem -out ccert.pem 2>/dev/null

record() { # name, then a function that makes the traffic
  tcpdump -q -i lo -U --immediate-mode -s 0 -w "$here/$1.pcap" "portrange 4430-4439" 2>/dev/null &
  dump=$!
  sleep 0.7
  "$2" > /dev/null 2>&1 || true
  sleep 0.5
  kill -INT $dump; wait $dump || true
}
serve() { # port, options
  local port=$1; shift
  openssl s_server -accept "$port" -cert cert.pem -key key.pem -quiet "$@" &
  servers+=($!)
  sleep 0.3
}
servers=()
stop() { kill "${servers[@]}"; servers=(); }
ask() { # port, options
  local port=$1; shift
  { sleep 0.2; echo hello; sleep 0.2; } | timeout 5 openssl s_client -connect "127.0.0.1:$port" -servername shop.example.org "$@" || true
}
versions() {
  serve 4430 -alpn h2,http/1.1
  ask 4430 -alpn h2,http/1.1
  ask 4430 -tls1_2 -alpn http/1.1
  ask 4430 -tls1_2 -sess_out twelve; ask 4430 -tls1_2 -sess_in twelve
  ask 4430 -sess_out thirteen; ask 4430 -sess_in thirteen
  ask 4430 -noservername -ciphersuites TLS_CHACHA20_POLY1305_SHA256
  stop
  serve 4431 -groups P-384; ask 4431 -groups X25519:P-384; stop
  serve 4432 -tls1 -cipher DEFAULT:@SECLEVEL=0; ask 4432 -tls1 -cipher DEFAULT:@SECLEVEL=0; stop
  serve 4433 -www -tls1_3; curl -sk --resolve shop.example.org:4433:127.0.0.1 https://shop.example.org:4433/; stop
  serve 4434 -early_data -ciphersuites TLS_AES_128_GCM_SHA256; ask 4434 -sess_out early; echo early > early.txt
  ask 4434 -sess_in early -early_data early.txt; stop
}
failures() {
  serve 4430 -tls1_2 -alpn h2 -cipher ECDHE-ECDSA-AES128-GCM-SHA256
  ask 4430 -tls1_3
  ask 4430 -cipher ECDHE-ECDSA-AES256-GCM-SHA384
  ask 4430 -alpn smtp
  ask 4430 -verify_return_error
  stop
  serve 4431; ask 4431 -tls1_3 -verify_return_error; stop
  serve 4432 -tls1_2 -Verify 1 -verify_return_error; ask 4432; ask 4432 -cert ccert.pem -key ckey.pem; stop
  serve 4433 -servername other.example.org -servername_fatal -cert2 cert.pem -key2 key.pem; ask 4433; stop
}
datagrams() {
  serve 4430 -dtls -alpn h2,coap; ask 4430 -dtls -alpn coap; stop
  serve 4431 -dtls -listen; ask 4431 -dtls1_2 -mtu 400; stop
  serve 4432 -dtls1 -cipher DEFAULT:@SECLEVEL=0; ask 4432 -dtls1 -cipher DEFAULT:@SECLEVEL=0; stop
  serve 4433 -dtls1_2 -cipher ECDHE-ECDSA-AES128-GCM-SHA256; ask 4433 -dtls1_2 -cipher ECDHE-ECDSA-AES256-GCM-SHA384; stop
}
record versions versions
record failures failures
record datagrams datagrams
