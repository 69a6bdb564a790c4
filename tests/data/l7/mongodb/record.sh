#!/bin/bash
# Records the captures of this folder: FerretDB, which keeps documents in SQLite, asked by pymongo over loopback.
# Needs root, tcpdump, ferretdb 1.24 in the PATH (go build ./cmd/ferretdb in its module) and a python3 with pymongo.
# Then: UPDATE_GOLDEN=1 cargo test --test l7 (in native/), and read the difference.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
port=17017
mkdir "$work/data"
ferretdb --handler=sqlite --sqlite-url="file:$work/data/" --listen-addr=127.0.0.1:$port --debug-addr=- --telemetry=disable --state-dir="$work" > "$work/log" 2>&1 &
server=$!
trap 'kill $server; wait $server || true; rm -rf "$work"' EXIT
sleep 3

record() { # name, then a function that makes the traffic
  tcpdump -q -i lo -U --immediate-mode -s 0 -w "$here/$1.pcap" "tcp port $port" 2>/dev/null &
  dump=$!
  sleep 1
  "$2" || true
  sleep 1
  kill -INT $dump; wait $dump || true
}
commands() {
  python3 - "mongodb://127.0.0.1:$port/?directConnection=true" <<'PY'
import sys

import pymongo
from pymongo.errors import OperationFailure

client = pymongo.MongoClient(sys.argv[1], serverMonitoringMode="poll", heartbeatFrequencyMS=600_000)
shop = client["shop"]
people = shop["people"]
people.insert_many([{"_id": number, "name": f"name {number}", "tags": ["a", {"b": None}]} for number in range(180)])
people.find_one({"name": "name 7"}, comment="traceparent='00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'")
print(len(list(people.find({"_id": {"$gte": 10}}))))
people.update_many({"_id": {"$lt": 5}}, {"$set": {"age": 2.5}})
people.delete_one({"_id": 1})
people.count_documents({})
for wrong in (
    lambda: people.insert_one({"_id": 2}),
    lambda: shop.command("nonsense", 1),
    lambda: list(people.find({"$wrong": 1})),
):
    try:
        wrong()
    except OperationFailure as error:
        print(error.code)
people.drop()
client.close()
PY
}
record commands commands
