"""aioquic with itself: each connection one row with the name asked for, what was agreed on, and the time of the hellos."""

from __future__ import annotations

import statistics
import subprocess
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kernel.l7.conftest import Watched

pytest.importorskip("aioquic")

CONNECTIONS: Final = 15
REFUSED: Final = 120
"""TLS's alert `no_application_protocol`."""

# Each from a port of its own: who comes again from a port whose flow still lives is not read.
CLIENT: Final = """
import asyncio, json, ssl, sys, time
from aioquic.asyncio import connect, serve
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.packet import QuicProtocolVersion
two = QuicProtocolVersion.VERSION_2
async def main(folder, count):
    server = QuicConfiguration(is_client=False, alpn_protocols=["h3"])
    server.load_cert_chain(folder + "/cert", folder + "/key")
    await serve("127.0.0.1", 4433, configuration=server)
    await serve("127.0.0.1", 4434, configuration=server, retry=True)
    for number in range(count):
        more = dict(original_version=two, supported_versions=[two]) if number % 3 == 1 else {}
        client = QuicConfiguration(is_client=True, server_name="shop%d.example" % number, verify_mode=ssl.CERT_NONE,
            alpn_protocols=["smtp" if number % 5 == 4 else "h3"], **more)
        start = time.perf_counter()
        try:
            async with asyncio.timeout(10), connect("127.0.0.1", 4433 + number % 2, configuration=client, local_port=20000 + number) as one:
                await one.ping()
                took = time.perf_counter() - start
        except ConnectionError:
            took = time.perf_counter() - start
        print(json.dumps(took * 1e6))
asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


def test_each_connection_is_one_row_with_the_name_that_was_asked_for(watched: Watched, tmp_path: Path) -> None:
    words = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=shop.example")
    subprocess.run(["openssl", *words, "-keyout", str(tmp_path / "key"), "-out", str(tmp_path / "cert")], check=True, capture_output=True)
    told = watched.client(CLIENT, str(tmp_path), str(CONNECTIONS))
    rows = watched.rows
    assert [(row["l7_protocol_str"], row["request_domain"]) for row in rows] == [("QUIC", f"shop{number}.example") for number in range(CONNECTIONS)]
    slack = []
    for number, (row, took_us) in enumerate(zip(rows, told, strict=True)):
        is_refused = number % 5 == 4
        assert (row["type"], row["server_port"]) == (2, 4433 + number % 2)
        assert (row["response_code"], row["response_status"]) == ((REFUSED, 4) if is_refused else (0, 0))
        assert row["attributes"]["tls.client.alpn"] == ("smtp" if is_refused else "h3")
        assert row["version"] == ("2" if number % 3 == 1 else "1")
        slack.append(took_us - row["response_duration"])
    assert min(slack) > -1_000, "clocks differ by less than a millisecond"
    assert statistics.median(slack) < 50_000, "certificates, and a ping"
