#!/bin/bash
# Records the captures of this folder: aioquic asked by aioquic over loopback: run it in a network namespace of its own
# (unshare -n, then ip link set lo up). Needs root, a python3 with aioquic, openssl and tcpdump.
# Then: UPDATE_GOLDEN=1 cargo test --test l7 (in native/), and read the difference.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj "/CN=quic.example.org" -keyout "$work/key.pem" \
  -out "$work/cert.pem" 2>/dev/null
tcpdump -q -i lo -U --immediate-mode -s 0 -w "$here/hellos.pcap" "udp port 4433 or udp port 4434" 2>/dev/null &
dump=$!
sleep 0.7
python3 - "$work" <<'PY'
import asyncio, ssl, sys
from aioquic.asyncio import connect, serve
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.packet import QuicProtocolVersion

def client(**more):
    return QuicConfiguration(is_client=True, server_name="quic.example.org", verify_mode=ssl.CERT_NONE, **more)

async def ask(configuration, port=4433):
    try:
        async with asyncio.timeout(2), connect("127.0.0.1", port, configuration=configuration) as one:
            await one.ping()
    except (ConnectionError, TimeoutError):
        pass

async def main():
    server = QuicConfiguration(is_client=False, alpn_protocols=["h3", "hq-interop"])
    server.load_cert_chain(sys.argv[1] + "/cert.pem", sys.argv[1] + "/key.pem")
    await serve("127.0.0.1", 4433, configuration=server)
    await serve("127.0.0.1", 4434, configuration=server, retry=True)
    await ask(client(alpn_protocols=["h3"]))
    two = QuicProtocolVersion.VERSION_2
    await ask(client(alpn_protocols=["h3"], original_version=two, supported_versions=[two]))
    await ask(client(alpn_protocols=["h3"]), 4434)
    await ask(client(alpn_protocols=["smtp"]))
    # A hello that needs two packets.
    await ask(client(alpn_protocols=["h3"] + ["x" * 200 + str(n) for n in range(8)]))
asyncio.run(main())
PY
sleep 0.5
kill -INT $dump; wait $dump || true
