#!/bin/bash
# Records the captures of this folder: a stock MariaDB asked by its own client and by Oracle's for Python over loopback.
# Needs root, mariadb-server, mariadb-client, openssl, tcpdump and a python3 with mysql-connector-python.
# Then: UPDATE_GOLDEN=1 cargo test --test l7 (in native/), and read the difference.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
port=13306
mariadb-install-db --no-defaults --datadir="$work/data" --auth-root-authentication-method=normal --skip-test-db --user=root > /dev/null 2>&1
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj "/O=Example GmbH/CN=db.example.org" \
  -keyout "$work/key.pem" -out "$work/cert.pem" 2> /dev/null
mariadbd --no-defaults --ssl-cert="$work/cert.pem" --ssl-key="$work/key.pem" --datadir="$work/data" --socket="$work/sock" --port=$port --bind-address=127.0.0.1 --user=root --local-infile=1 \
  --innodb-buffer-pool-size=8M --skip-log-bin --skip-name-resolve > "$work/log" 2>&1 &
server=$!
trap 'kill $server; wait $server || true; rm -rf "$work"' EXIT
for _ in $(seq 100); do mariadb --no-defaults -S "$work/sock" -e 'select 1' > /dev/null 2>&1 && break; sleep 0.1; done
mariadb --no-defaults -S "$work/sock" -e "create database shop; create user u@'127.0.0.1' identified by 'secret'; grant all on shop.* to u@'127.0.0.1'"
sql() { mariadb --no-defaults -h 127.0.0.1 -P $port -u u -psecret "$@"; }

record() { # name, then a function that makes the traffic
  tcpdump -q -i lo -U --immediate-mode -s 0 -w "$here/$1.pcap" "tcp port $port" 2>/dev/null &
  dump=$!
  sleep 0.7
  "$2" > /dev/null 2>&1 || true
  sleep 0.5
  kill -INT $dump; wait $dump || true
}
session() {
  printf 'a\tb\n1\t2\n3\t4\n' > "$work/rows.tsv"
  sql --local-infile=1 --comments shop <<SQL
create table items (id int primary key, name varchar(20));
insert into items values (1, 'one'), (2, 'two'), (3, 'three');
select /* traceparent='00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' */ * from items where id < 3;
load data local infile '$work/rows.tsv' ignore into table items;
update items set name = 'x';
select * from items where id > 1000;
SQL
  sql shop -e 'select * from missing'
  sql shop -e 'insert into items values (1, 2)'
  sql shop --delimiter=// -e "select 1; select seq from seq_1_to_300//"
}
logins() { sql -pwrong -e 'select 1'; sql nowhere -e 'select 1'; sql shop -e 'use elsewhere'; }
prepared() {
  python3 - $port <<PY
import sys, mysql.connector
c = mysql.connector.connect(host="127.0.0.1", port=int(sys.argv[1]), user="u", password="secret", database="shop", use_pure=True, ssl_disabled=True)
k = c.cursor(prepared=True)
for n in range(3): k.execute("select id, name from items where id > %s", (n,)); k.fetchall()
k.execute("insert into items values (%s, %s)", (500, "prepared"))
k.close(); c.ping(); c.reset_session(); c.close()
PY
}
encrypted() {
  python3 - $port <<PY
import socket, struct, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1]))); s.recv(4096)
s.sendall(b"\x20\0\0\1" + struct.pack("<IIB23x", 0x80a00 | 0x200 | 0x8000, 1 << 24, 45) + b"\x16\x03\x01\0\x05hello")
s.recv(100)
PY
}
compressed() { sql --compress shop -e "select * from items; select seq, 'a text that is always the same' from seq_1_to_300; select 1; insert into items values (700, '$(printf 'x%.0s' $(seq 18))'); select * from missing"; }
handshake() {
  sql --ssl shop -e 'select 1'
  sql --ssl --tls-version=TLSv1.2 shop -e 'select 1'
  sql --ssl --ssl-verify-server-cert shop -e 'select 1' || true
}
record session session
record logins logins
record prepared prepared
record encrypted encrypted
record compressed compressed
record handshake handshake
