#!/bin/bash
# Records the capture of this folder: the example server of @tars/rpc called by a client of ours over loopback. Needs root, tcpdump, node, and in $1 the
# folder `node_modules` with @tars/rpc and @tars/stream. Then: UPDATE_GOLDEN=1 cargo test --test l7 (in native/), and read the difference.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
export NODE_PATH=$1
example=$1/@tars/rpc/examples/rpc-tars/demo.1
(cd "$example/server.node.1" && exec node main.js > /dev/null) &
server=$!
trap 'kill $server' EXIT
sleep 2
tcpdump -q -i lo -U --immediate-mode -s 0 -w "$here/calls.pcap" "tcp port 14002" 2>/dev/null &
dump=$!
sleep 1
(cd "$example/client.node.proxy" && node "$here/client.js" "$example" > /dev/null)
sleep 0.5
kill -INT $dump; wait $dump || true
