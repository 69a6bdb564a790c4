#!/bin/bash
# Records the captures of this folder: a stock PostgreSQL asked by psql and by asyncpg over loopback.
# Needs root, postgresql, openssl, tcpdump and a python3 with asyncpg.
# Then: UPDATE_GOLDEN=1 cargo test --test l7 (in native/), and read the difference.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
bin=$(echo /usr/lib/postgresql/*/bin)
port=15432
chown postgres "$work"; chmod 755 "$work"; cd "$work"
as() { setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; }
echo secret > "$work/secret"; chmod 644 "$work/secret"
as "$bin/initdb" -D "$work/data" -U u --pwfile="$work/secret" -A scram-sha-256 > /dev/null
as openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj "/O=Example GmbH/CN=db.example.org" \
  -keyout "$work/key.pem" -out "$work/cert.pem" 2> /dev/null
as "$bin/pg_ctl" -D "$work/data" -w -o "-p $port -c ssl=on -c ssl_cert_file=$work/cert.pem -c ssl_key_file=$work/key.pem -c listen_addresses=127.0.0.1 -c unix_socket_directories=$work -c shared_buffers=2MB" -l "$work/log" start > /dev/null
trap 'as "$bin/pg_ctl" -D "$work/data" -m immediate stop > /dev/null; rm -rf "$work"' EXIT
export PGPASSWORD=secret PGSSLMODE=disable PGGSSENCMODE=disable
sql() { psql -X -h 127.0.0.1 -p $port -U u -d postgres "$@"; }

record() { # name, then a function that makes the traffic
  tcpdump -q -i lo -U --immediate-mode -s 0 -w "$here/$1.pcap" "tcp port $port" 2>/dev/null &
  dump=$!
  sleep 0.7
  "$2" > /dev/null 2>&1 || true
  sleep 0.5
  kill -INT $dump; wait $dump || true
}
simple() {
  sql <<SQL
create table items (id int primary key, name text);
insert into items values (1, 'one'), (2, 'two'), (3, 'three');
select /* traceparent='00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' */ * from items where id < 3;
copy items from stdin;
4	four
5	five
\\.
copy items to stdout;
update items set name = 'x' where id > 3;
select * from missing;
insert into items values (1, 'again');
do \$\$ begin raise notice 'hello'; end \$\$;
drop table if exists nothing;
select 1 / (id - 3) from items;
SQL
  sql -c 'update items set id = id; delete from items where id = 5'
}
logins() { # by a server that has no certificate
  as "$bin/psql" -X -q -h "$work" -p $port -U u -d postgres -c 'alter system set ssl = off' -c 'select pg_reload_conf()'; sleep 0.3
  PGPASSWORD=wrong sql -c 'select 1'; PGSSLMODE=prefer sql -c 'select 1' -d nowhere
  as "$bin/psql" -X -q -h "$work" -p $port -U u -d postgres -c 'alter system reset ssl' -c 'select pg_reload_conf()'; sleep 0.3
}
handshake() {
  PGSSLMODE=require sql -c 'select 1'
  PGSSLMODE=require sql "sslmode=require ssl_max_protocol_version=TLSv1.2 dbname=postgres" -c 'select 1'
  PGSSLMODE=verify-full PGSSLROOTCERT=$work/cert.pem sql -c 'select 1'
}
extended() {
  python3 - $port <<PY
import asyncio, sys, asyncpg
async def main():
    c = await asyncpg.connect(host="127.0.0.1", port=int(sys.argv[1]), user="u", password="secret", database="postgres", ssl=False)
    s = await c.prepare("select id, name from items where id > \$1")
    for n in range(3): await s.fetch(n)
    await c.execute("insert into items values (\$1, \$2)", 500, "prepared")
    await c.executemany("insert into items values (\$1, \$2)", [(n, "many") for n in range(600, 605)])
    async with c.transaction():
        async for row in c.cursor("select * from items", prefetch=2): pass
    try: await c.execute("insert into items values (\$1, \$2)", 500, "again")
    except asyncpg.UniqueViolationError: pass
    try: await c.fetch("select nothing from items where id = \$1", 1)
    except asyncpg.UndefinedColumnError: pass
    heard = asyncio.Event()
    await c.add_listener("news", lambda *a: heard.set())
    d = await asyncpg.connect(host="127.0.0.1", port=int(sys.argv[1]), user="u", password="secret", database="postgres", ssl=False)
    await d.execute("notify news, 'hello'")
    await asyncio.wait_for(heard.wait(), 5)
    await d.close(); await c.close()
asyncio.run(main())
PY
}
record simple simple
record logins logins
record extended extended
record handshake handshake
