#!/bin/bash
# Records the captures of this folder: a stock Cassandra asked by DataStax's driver for Python over loopback.
# Needs root, tcpdump, a Cassandra that listens at 127.0.0.1:$1 (5.0.2, org.apache.cassandra:cassandra-all, Java 17) and a python3 with
# cassandra-driver and lz4. Then: UPDATE_GOLDEN=1 cargo test --test l7 (in native/), and read the difference.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
port=$1

record() { # name, protocol version, compression
  tcpdump -q -i lo -B 16384 -U --immediate-mode -s 0 -w "$here/$1.pcap" "tcp port $port" 2>/dev/null &
  dump=$!
  sleep 1
  python3 - "$port" "$2" "$3" <<'PY' || true
import sys
from cassandra.cluster import Cluster, ExecutionProfile, EXEC_PROFILE_DEFAULT
from cassandra.query import BatchStatement, SimpleStatement
from cassandra.policies import RoundRobinPolicy

port, version, compression = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
profile = ExecutionProfile(load_balancing_policy=RoundRobinPolicy(), request_timeout=20)
cluster = Cluster(["127.0.0.1"], port=port, protocol_version=version, compression=compression or False, schema_metadata_enabled=False,
                  token_metadata_enabled=False, execution_profiles={EXEC_PROFILE_DEFAULT: profile}, monitor_reporting_enabled=False)
session = cluster.connect()
session.execute("create keyspace if not exists shop with replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
session.set_keyspace("shop")
session.execute("drop table if exists people")
session.execute("create table people (id int primary key, name text, tags map<text, frozen<list<int>>>)")
insert = session.prepare("insert into people (id, name, tags) values (?, ?, ?)")
futures = []
for number in range(40):
    futures.append(session.execute_async(insert, (number, f"name {number} " + "x" * 30, {"a": [number]})))
    if version == 5 and compression:
        # Segments with several messages share their bytes in a way that hangs on how they came.
        futures[-1].result()
for future in futures:
    future.result()
session.execute("select * from people where id = 7", custom_payload={"traceparent": b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"})
print(len(list(session.execute("select id, name from people"))))
batch = BatchStatement()
batch.add(insert, (100, "batched", None))
batch.add(SimpleStatement("delete from people where id = 3"))
session.execute(batch)
for wrong in ("select * from missing", "selekt 1", "insert into people (id, name) values ('x', 1)"):
    try:
        session.execute(wrong)
    except Exception as error:
        print(type(error).__name__)
cluster.shutdown()
PY
  sleep 1
  kill -INT $dump; wait $dump || true
}
record version4 4 ''
record version4_snappy 4 snappy
record version5 5 ''
record version5_lz4 5 lz4
