#!/bin/bash
# Records the capture of this folder: Oracle's own client for Python asks a listener of ours, which refuses as Oracle's does.
# Needs root, tcpdump and a python3 with oracledb. No server is in a registry, so that nothing behind the refusal is recorded.
# Then: UPDATE_GOLDEN=1 cargo test --test l7 (in native/), and read the difference.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
port=11521
tcpdump -q -i lo -U --immediate-mode -s 0 -w "$here/refused.pcap" "tcp port $port" 2>/dev/null &
dump=$!
sleep 1
python3 - $port <<'PY'
import socket, struct, sys, threading
import oracledb

text = b"(DESCRIPTION=(TMP=)(VSNNUM=318767104)(ERR=12514)(ERROR_STACK=(ERROR=(CODE=12514)(EMFI=4))))"
content = b"\x22\0" + struct.pack(">H", len(text)) + text
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))

def refuse():
    for _ in range(2):
        stream, _ = listener.accept()
        stream.recv(4096)
        stream.sendall(struct.pack(">HHBBH", len(content) + 8, 0, 4, 0, 0) + content)
        stream.close()

threading.Thread(target=refuse, daemon=True).start()
for service in ("shop", "s" * 200):
    try:
        oracledb.connect(user="u", password="secret", dsn=f"127.0.0.1:{sys.argv[1]}/{service}", retry_count=0, program="app", machine="client", osuser="u")
    except oracledb.Error as error:
        print(str(error).splitlines()[0][:100])
PY
sleep 1
kill -INT $dump; wait $dump || true
