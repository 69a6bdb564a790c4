"""10 000 requests by stock clients against a stock server, across two network namespaces: exactly 10 000 rows, each right."""

from __future__ import annotations

import os
import shutil
import signal
import statistics
import subprocess
import sys
import textwrap
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson
import pytest
from weir_native import Batch, Engine

from tests.kernel.l7.watching import wait_until_open

PROGRAMS: Final = {"ip": "iproute2", "nginx": "nginx-light", "curl": "curl", "ab": "apache2-utils", "tcpdump": "tcpdump"}
SERVER: Final = "10.99.7.1"
CLIENT: Final = "10.99.7.2"
ROWS: Final = 10_000
CURL_REQUESTS: Final = 2_500
PYTHON_REQUESTS: Final = 1_000
PIPELINED_REQUESTS: Final = 500
AB_KEPT_REQUESTS: Final = 4_000
AB_FRESH_REQUESTS: Final = 2_000

NGINX: Final = """
daemon off; worker_processes 1; pid {work}/pid; error_log {work}/error.log;
events {{ worker_connections 512; }}
http {{
  log_format exact '$request_method $request_uri $status $bytes_sent';
  access_log {work}/access.log exact; keepalive_requests 100000; keepalive_timeout 60;
  client_body_temp_path {work}/body; proxy_temp_path {work}/proxy; fastcgi_temp_path {work}/fastcgi;
  uwsgi_temp_path {work}/uwsgi; scgi_temp_path {work}/scgi;
  server {{
    listen {server}:80; root {work}/www;
    location /ok/ {{ return 200 "fine"; }}
    location /moved/ {{ return 302 http://{server}/ok/; }}
    location /empty/ {{ return 204; }}
    location /refused/ {{ return 403; }}
    location /broken/ {{ return 503; }}
    location /file/ {{ alias {work}/www/; }}
  }}
}}
"""

# One connection, one request after the other, each timed by the client itself; then many requests without waiting.
PYTHON_CLIENT: Final = """
import http.client, json, socket, sys, time
host, count, pipelined = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
connection = http.client.HTTPConnection(host)
connection.connect()
for number in range(count):
    method = ("GET", "POST", "HEAD", "PUT")[number % 4]
    path = "/%s/py-%d?q=%d" % (("ok", "broken", "missing", "empty")[number // 4 % 4], number, number)
    start = time.perf_counter()
    connection.request(method, path, body=b"x" * (number % 5000) if method in ("POST", "PUT") else None)
    answer = connection.getresponse()
    took = time.perf_counter() - start
    answer.read()
    print(json.dumps([path, method, answer.status, took * 1e6]))
connection.close()
for burst in range(0, pipelined, 50):
    stream = socket.create_connection((host, 80))
    paths = ["/ok/pipe-%d" % number for number in range(burst, burst + 50)]
    stream.sendall(b"".join(b"GET %s HTTP/1.1\\r\\nHost: %s\\r\\n\\r\\n" % (path.encode(), host.encode()) for path in paths))
    stream.shutdown(socket.SHUT_WR)
    while stream.recv(65536):
        pass
"""


def reason_to_skip() -> str:
    if os.geteuid() != 0:
        return "network namespaces and captures need root"
    missing = sorted(package for program, package in PROGRAMS.items() if shutil.which(program) is None)
    return f"needs {', '.join(missing)}" if missing else ""


pytestmark = pytest.mark.skipif(bool(reason_to_skip()), reason=reason_to_skip())


@dataclass(frozen=True, slots=True)
class Link:
    """Two namespaces joined by a veth pair."""

    client: str
    server: str
    server_nic: str

    def run(self, namespace: str, *command: str) -> str:
        done = subprocess.run(["ip", "netns", "exec", namespace, *command], check=True, capture_output=True, text=True, timeout=90)
        return done.stdout

    @contextmanager
    def running(self, namespace: str, *command: str) -> Iterator[subprocess.Popen[str]]:
        process = subprocess.Popen(["ip", "netns", "exec", namespace, *command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            process.wait(timeout=20)


@pytest.fixture
def link() -> Iterator[Link]:
    name = uuid.uuid4().hex[:8]
    made = Link(client=f"weir-c{name}", server=f"weir-s{name}", server_nic=f"s{name}")
    ends = {made.client: (f"c{name}", CLIENT), made.server: (f"s{name}", SERVER)}

    def ip(*arguments: str) -> None:
        subprocess.run(["ip", *arguments], check=True, capture_output=True)

    try:
        for namespace in ends:
            ip("netns", "add", namespace)
        ip("link", "add", f"c{name}", "netns", made.client, "type", "veth", "peer", f"s{name}", "netns", made.server)
        for namespace, (nic, address) in ends.items():
            ip("-n", namespace, "address", "add", f"{address}/24", "dev", nic)
            ip("-n", namespace, "link", "set", nic, "up")
            ip("-n", namespace, "link", "set", "lo", "up")
        yield made
    finally:
        for namespace in ends:
            subprocess.run(["ip", "netns", "del", namespace], check=False, capture_output=True)


@contextmanager
def nginx(link: Link, work: Path) -> Iterator[None]:
    (work / "www").mkdir()
    (work / "www" / "large").write_bytes(b"large file\n" * 20_000)
    (work / "nginx.conf").write_text(NGINX.format(work=work, server=SERVER))
    for folder in (work, *work.parents):
        # nginx's worker is not root.
        if folder.stat().st_mode & 0o001 == 0 and folder.is_relative_to(work.parents[2]):
            folder.chmod(folder.stat().st_mode | 0o011)
    with link.running(link.server, "nginx", "-p", str(work), "-c", str(work / "nginx.conf")) as process:
        for _ in range(100):
            if subprocess.run(["ip", "netns", "exec", link.client, "curl", "-s", "-o", "/dev/null", f"http://{SERVER}:80/ok/"], check=False).returncode == 0:
                break
            time.sleep(0.05)
        else:
            pytest.fail(f"nginx does not answer: {process.stderr and process.stderr.read()}")
        (work / "access.log").write_text("")
        yield


@contextmanager
def recorded(link: Link, work: Path) -> Iterator[list[Batch]]:
    """tcpdump writes a file, the engine reads it; the batches are there at the end."""
    path = work / "traffic.pcap"
    options = ("-n", "-s", "0", "-B", "65536", "-U", "-Z", "root")
    batches: list[Batch] = []
    with link.running(link.server, "tcpdump", "-i", link.server_nic, *options, "-w", str(path), "tcp", "port", "80") as process:
        while not path.exists() or path.stat().st_size < 24:
            assert process.poll() is None, "tcpdump ended"
            time.sleep(0.02)
        yield batches
        # tcpdump is given packets by the block, at the latest after a second.
        time.sleep(1.5)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=20)
    assert "\n0 packets dropped by kernel" in told, told
    batches += Engine({}).replay(path)


@contextmanager
def live(link: Link, _work: Path) -> Iterator[list[Batch]]:
    """The engine captures in the server's namespace."""
    engine = Engine({})
    batches: list[Batch] = []
    engine.start(ring_mib=64, netns=[(link.server, f"/run/netns/{link.server}")])
    try:
        wait_until_open(engine)
        yield batches
        time.sleep(1.5)
        stats = engine.stats()
    finally:
        batches += engine.stop()
    assert {name: count for name, count in stats.items() if "dropped" in name and count} == {}


def curl(link: Link, work: Path) -> dict[str, tuple[str, int, float]]:
    """One kept connection; by path: method, status, µs from taking up the request to the first byte of the answer."""
    kinds = ("ok", "moved", "empty", "refused", "missing")
    paths = [f"/file/large?curl={number}" if number % 50 == 0 else f"/{kinds[number % 5]}/curl-{number}" for number in range(CURL_REQUESTS)]
    (work / "curl.conf").write_text("".join(f'url = "http://{SERVER}{path}"\noutput = "/dev/null"\n' for path in paths))
    told = "%{method} %{url_effective} %{response_code} %{time_starttransfer}\\n"
    lines = link.run(link.client, "curl", "-s", "-K", str(work / "curl.conf"), "-w", told).splitlines()
    log = {}
    for line in lines:
        method, url, code, first = line.split()
        log[url.removeprefix(f"http://{SERVER}")] = (method, int(code), float(first) * 1e6)
    assert len(log) == CURL_REQUESTS
    return log


def python(link: Link) -> dict[str, tuple[str, int, float]]:
    told = link.run(link.client, sys.executable, "-c", textwrap.dedent(PYTHON_CLIENT), SERVER, str(PYTHON_REQUESTS), str(PIPELINED_REQUESTS))
    entries = [orjson.loads(line) for line in told.splitlines()]
    return {path: (method, status, took) for path, method, status, took in entries}


def http_rows(batches: list[Batch]) -> list[dict[str, Any]]:
    lines = (line for batch in batches if batch.table == "flow_log.l7_flow_log" for line in batch.to_json_lines().splitlines())
    rows = (orjson.loads(line) for line in lines)
    return [row for row in rows if row["ip4_1"] == SERVER and row["l7_protocol_str"] == "HTTP"]


@pytest.mark.parametrize("watched", [recorded, live])
def test_each_request_of_stock_clients_is_one_right_row(
    link: Link, tmp_path: Path, watched: Callable[[Link, Path], AbstractContextManager[list[Batch]]]
) -> None:
    with nginx(link, tmp_path), watched(link, tmp_path) as batches:
        timed = curl(link, tmp_path) | python(link)
        for count, arguments in ((AB_KEPT_REQUESTS, ["-k", "-c", "8"]), (AB_FRESH_REQUESTS, ["-c", "4"])):
            link.run(link.client, "ab", "-q", *arguments, "-n", str(count), f"http://{SERVER}/ok/ab")

    rows = http_rows(batches)
    assert Counter(row["type"] for row in rows) == {2: ROWS}, "each request is one row, and each row has both sides"

    # The server's own log: method, path and status, and no request more or less.
    served = [line.split() for line in (tmp_path / "access.log").read_text().splitlines()]
    told = Counter((method, uri, int(status)) for method, uri, status, _ in served)
    assert Counter((row["request_type"], row["request_resource"], row["response_code"]) for row in rows) == told
    assert {row["request_domain"] for row in rows} == {SERVER}
    # … and the bytes that nginx says it sent. (It does not count request bodies that it throws away.)
    assert sum(row["captured_response_byte"] for row in rows) == sum(int(sent) for *_, sent in served)

    # The clients' own clocks: never shorter than what went over the wire, and only by a scheduling delay longer.
    by_path = {row["request_resource"]: row for row in rows if not row["request_resource"].endswith("/ab")}
    slack = []
    for path, (method, status, took_us) in timed.items():
        row = by_path[path]
        assert (row["request_type"], row["response_code"]) == (method, status)
        if method in ("POST", "PUT"):
            body = int(path.rpartition("=")[2]) % 5000
            assert row["request_length"] == body < row["captured_request_byte"], "the whole body was seen, answered early or not"
        slack.append(took_us - row["response_duration"])
    assert min(slack) > -1_000, "clocks differ by less than a millisecond"
    assert statistics.median(slack) < 2_000
