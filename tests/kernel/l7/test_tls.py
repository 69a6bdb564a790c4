"""Hundreds of handshakes with a stock OpenSSL server in a namespace of its own: every one exactly one row, with the client's own time."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import orjson
import pytest

from tests.kernel.l7.watching import watching

PORT: Final = 14433
ROUNDS: Final = 60

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")

# Four ways to shake hands, again and again, each timed by the client itself: 1.3, 1.2, 1.2 taken up again, and a client that trusts nobody.
CLIENT: Final = """
import json, socket, ssl, sys, time
def context(version, verify=ssl.CERT_NONE):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname, made.verify_mode = False, verify
    made.minimum_version = made.maximum_version = version
    made.set_alpn_protocols(["http/1.1"])
    return made
three, two = context(ssl.TLSVersion.TLSv1_3), context(ssl.TLSVersion.TLSv1_2)
wary = context(ssl.TLSVersion.TLSv1_2, ssl.CERT_REQUIRED)
session = None
for number in range(int(sys.argv[1])):
    for kind, made in (("three", three), ("two", two), ("again", two), ("wary", wary)):
        plain = socket.create_connection(("127.0.0.1", int(sys.argv[2])))
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        name = f"{kind}-{number}.example.org"
        stream = made.wrap_socket(plain, server_hostname=name, do_handshake_on_connect=False, session=session if kind == "again" else None)
        start = time.perf_counter()
        try:
            stream.do_handshake()
            failed, cipher, reused = False, stream.cipher()[0], stream.session_reused
        except ssl.SSLError:
            failed, cipher, reused = True, "", False
        took = (time.perf_counter() - start) * 1e6
        if not failed:
            stream.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
            while stream.recv(65536):
                pass
            session = stream.session if kind == "two" else session
        stream.close()
        print(json.dumps([kind, name, failed, cipher, reused, took]))
"""


def run(namespace: str, *command: str) -> str:
    return subprocess.run(["ip", "netns", "exec", namespace, *command], check=True, capture_output=True, text=True, timeout=60).stdout


def serve(namespace: str, folder: Path) -> subprocess.Popen[bytes]:
    """A server that shows a page to whoever asks, and listens when this returns."""
    made = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/O=Example/CN=shop.example.org")
    subprocess.run(["openssl", *made, "-keyout", "key.pem", "-out", "cert.pem"], cwd=folder, check=True, capture_output=True)
    words = ("openssl", "s_server", "-accept", str(PORT), "-cert", "cert.pem", "-key", "key.pem", "-www", "-alpn", "http/1.1", "-quiet")
    server = subprocess.Popen(["ip", "netns", "exec", namespace, *words], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(100):
        if f":{PORT:04X} " in run(namespace, "sh", "-c", "cat /proc/net/tcp /proc/net/tcp6"):
            return server
        time.sleep(0.05)
    server.terminate()
    pytest.fail("openssl s_server does not listen")


def test_each_handshake_is_one_row_with_the_name_the_end_and_the_time_of_the_client(make_namespace: Callable[[], str], tmp_path: Path) -> None:
    namespace = make_namespace()
    run(namespace, "ip", "link", "set", "lo", "up")
    server = serve(namespace, tmp_path)
    try:
        with watching(namespace, "TLS") as rows:
            told = [orjson.loads(line) for line in run(namespace, sys.executable, "-c", textwrap.dedent(CLIENT), str(ROUNDS), str(PORT)).splitlines()]
    finally:
        server.terminate()
        server.wait(timeout=20)

    assert len(rows) == len(told) == 4 * ROUNDS
    by_name = {row["request_domain"]: row for row in rows}
    assert len(by_name) == len(rows), "each name was used once"
    slack = []
    for kind, name, failed, cipher, reused, took_us in told:
        row = by_name[name]
        assert (row["type"], row["is_tls"]) == (2, 1)
        assert row["version"] == ("1.3" if kind == "three" else "1.2")
        attributes = row["attributes"]
        assert attributes.get("tls.resumed") == ("true" if reused else None)
        assert attributes["tls.client.alpn"] == "http/1.1"
        assert attributes["tls.client.ja4"].startswith("t13d" if kind == "three" else "t12d")
        assert attributes.get("tls.server.subject") == (None if reused or kind == "three" else "O=Example, CN=shop.example.org")
        if failed:
            assert (kind, row["response_status"], row["response_exception"]) == ("wary", 3, "unknown_ca")
        else:
            assert row["response_status"] == 0
            assert _plain(row["response_result"]) == _plain(cipher)
            slack.append(took_us - row["response_duration"])
    assert {kind for kind, _, failed, *_ in told if failed} == {"wary"}
    assert any(reused for kind, *_, reused, _ in told if kind == "again")
    assert min(slack) > -1_000, "clocks differ by less than a millisecond"
    assert statistics.median(slack) < 2_000


def _plain(cipher: str) -> str:
    """A cipher's name without what OpenSSL and IANA write in different ways."""
    return cipher.removeprefix("TLS_").replace("_WITH", "").replace("AES_", "AES").replace("_", "-")
