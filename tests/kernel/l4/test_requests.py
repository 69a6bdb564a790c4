"""Requests over a line that loses, repeats and reorders: each is one row, at either end."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
import textwrap
import time
from collections import Counter
from pathlib import Path

import orjson
import pytest

from tests.kernel.l4.line import ADDRESSES, Line, run
from tests.kernel.l4.relay import UDP, Impairment, Passing

OK, TIMED_OUT = 0, 2
BAD = Impairment(loss=0.03, duplicate=0.02, reorder=0.03, delay_s=0.003)

NGINX = """
daemon off; worker_processes 1; pid {work}/pid; error_log {work}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log off; keepalive_requests 100000; client_body_temp_path {work}/body; proxy_temp_path {work}/proxy; fastcgi_temp_path {work}/fastcgi;
  uwsgi_temp_path {work}/uwsgi; scgi_temp_path {work}/scgi;
  server {{
    listen {address}:80; root {work}/www;
    location /fine/ {{ return 200 "fine"; }}
    location /broken/ {{ return 503; }}
    location /file/ {{ alias {work}/www/; }}
  }}
}}
"""


@pytest.mark.skipif(not (shutil.which("nginx") and shutil.which("curl")), reason="needs nginx-light, curl")
@pytest.mark.parametrize("version", [4, 6])
def test_every_http_request_is_one_row_at_either_end(line: Line, tmp_path: Path, version: int) -> None:
    address = ADDRESSES[version][1]
    url = f"[{address}]" if version == 6 else address
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "small").write_bytes(b"s" * 3_000)
    (tmp_path / "www" / "large").write_bytes(b"l" * 150_000)
    (tmp_path / "nginx.conf").write_text(NGINX.format(work=tmp_path, address=url))
    with line.start(line.right, "nginx", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")) as server:
        try:
            _wait_for_port(line, address, 80)
            line.relay.impair(BAD)
            with line.both() as (left, right):
                asked = [_curl(line, url, tmp_path, number) for number in range(4)]
        finally:
            server.terminate()
    wanted = Counter(entry for log in asked for entry in log)
    assert wanted.total() == 4 * 60
    for watch in (left, right):
        rows = [row for row in watch.requests("HTTP") if row["type"] == 2]
        assert Counter((row["request_resource"], row["response_code"]) for row in rows) == wanted
        assert len(watch.requests("HTTP")) == wanted.total()
        assert watch.stats["stream_gaps"] == 0
    assert sum(flow["retrans_rx"] for flow in right.flows(80).values()) > 10


def _curl(line: Line, url: str, work: Path, number: int) -> list[tuple[str, int]]:
    """Sixty requests on one connection. Returns path and status of each as curl saw them."""
    kinds = ("fine", "file/small", "broken", "file/large", "file/none", "fine")
    paths = [f"/{kinds[at % 6]}{'' if '/' in kinds[at % 6] else '/'}{'?' if 'file' in kinds[at % 6] else ''}c{number}-{at}" for at in range(60)]
    config = work / f"curl-{number}"
    config.write_text("".join(f'url = "http://{url}{path}"\noutput = "/dev/null"\n' for path in paths))
    text = run(*line.inside(line.left), "curl", "-sg", "--max-time", "60", "-w", "%{http_code}\n", "-K", str(config))
    return list(zip(paths, map(int, text.split()), strict=True))


def _wait_for_port(line: Line, address: str, port: int) -> None:
    probe = f"import socket; socket.create_connection(({address!r}, {port}), 1).close()"
    for _ in range(100):
        if subprocess.run([*line.inside(line.right), sys.executable, "-c", probe], check=False, capture_output=True).returncode == 0:
            return
        time.sleep(0.1)
    pytest.fail(f"nobody listens at port {port}")


RESOLVER = """
import json, socket, struct, sys, time
address, names, patience = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
for number in range(names):
    asked = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    asked.connect((address, 53))
    asked.settimeout(patience)
    name = b"\\4n%03d\\7example\\0" % number
    asked.send(struct.pack(">HHHHHH", number + 1, 0x100, 1, 0, 0, 0) + name + struct.pack(">HH", 1, 1))
    try:
        answer = asked.recv(4096)
        print(json.dumps([number + 1, answer[3] & 15]))
    except TimeoutError:
        print(json.dumps([number + 1, None]))
    asked.close()
"""


def _dnsmasq(line: Line, address: str) -> subprocess.Popen[str]:
    names = [f"--host-record=n{number:03d}.example,192.0.2.{number % 250 + 1}" for number in range(0, 200, 2)]
    process = line.start(line.right, "dnsmasq", "-k", "-C", "/dev/null", "-R", "-h", "-a", address, "-z", "--local=/example/", *names)
    time.sleep(0.5)
    return process


@pytest.mark.skipif(not shutil.which("dnsmasq"), reason="needs dnsmasq-base")
@pytest.mark.parametrize("version", [4, 6])
def test_a_dns_query_without_an_answer_is_a_timeout(line: Line, version: int) -> None:
    address = ADDRESSES[version][1]
    with _dnsmasq(line, address) as server:
        try:
            line.relay.impair(Impairment(loss=0.15, delay_s=0.001))
            with line.both({"l7_settings": {"udp_request_timeout_us": 2_000_000}}) as (left, right):
                words = [*line.inside(line.left), sys.executable, "-c", RESOLVER, address, "120", "0.1"]
                seen = dict(orjson.loads(text) for text in run(*words).splitlines())
                time.sleep(5)
        finally:
            server.terminate()
    rows = {row["request_id"]: row for row in left.requests("DNS")}
    assert len(left.requests("DNS")) == len(rows) == len(seen) == 120
    assert {number: row["response_code"] if row["response_status"] != TIMED_OUT else None for number, row in rows.items()} == seen
    lost = sum(code is None for code in seen.values())
    assert lost == line.relay.there.tally.lost + line.relay.back.tally.lost > 10
    assert sum(row["timeout"] for row in left.rows("flow_metrics.application_map.1m")) == lost
    assert sum(flow["l7_timeout"] for flow in left.flows(53).values()) == lost
    # What is lost on its way back was answered where it comes from.
    assert len(right.requests("DNS")) == 120 - line.relay.there.tally.lost
    assert {row["type"] for row in right.requests("DNS")} == {2}


SLOW = """
import socket, sys, time
address, port, waits = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
listener = socket.create_server((address, port))
print("ready", flush=True)
connection, _ = listener.accept()
while connection.recv(4096):
    time.sleep(waits)
    connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok")
"""

PATIENT = """
import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as stream:
    stream.sendall(b"GET /poll HTTP/1.1\\r\\nHost: h\\r\\n\\r\\n")
    stream.shutdown(socket.SHUT_WR)
    print(len(stream.recv(4096)))
"""


def test_a_long_poll_is_one_request_though_its_client_has_closed_its_side(line: Line) -> None:
    words = [sys.executable, "-c", SLOW, ADDRESSES[4][1], "8080", "9"]
    with line.start(line.right, *words) as server:
        try:
            assert server.stdout is not None
            assert server.stdout.readline() == "ready\n"
            with line.both() as watches:
                assert int(run(*line.inside(line.left), sys.executable, "-c", PATIENT, ADDRESSES[4][1], "8080")) > 2
        finally:
            server.kill()
    for watch in watches:
        [row] = watch.requests("HTTP")
        assert (row["type"], row["response_code"]) == (2, 200)
        assert 9_000_000 <= row["response_duration"] < 10_000_000
        assert len(watch.flows(8080)) == 1


def test_a_slow_answer_to_a_datagram_belongs_to_its_question(line: Line) -> None:
    """Longer than a flow lives of which only one direction was seen."""
    server = textwrap.dedent("""
        import socket, sys, time
        held = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        held.bind((sys.argv[1], 53))
        print("ready", flush=True)
        question, asker = held.recvfrom(4096)
        time.sleep(8)
        held.sendto(question[:2] + b"\\x81\\x83" + question[4:], asker)
    """)
    with line.start(line.right, sys.executable, "-c", server, ADDRESSES[4][1]) as answering:
        try:
            assert answering.stdout is not None
            assert answering.stdout.readline() == "ready\n"
            with line.watching(line.left) as watch:
                words = [*line.inside(line.left), sys.executable, "-c", RESOLVER, ADDRESSES[4][1], "1", "12"]
                assert run(*words) == "[1, 3]\n"
        finally:
            answering.kill()
    [row] = watch.requests("DNS")
    assert (row["type"], row["response_code"]) == (2, 3)
    assert row["response_duration"] >= 8_000_000
    assert len(watch.flows(53)) == 1


def test_a_question_whose_answer_never_comes_keeps_its_flow_until_it_is_given_up(line: Line) -> None:
    line.relay.there.drops = lambda packet: isinstance(packet, Passing) and packet.protocol == UDP
    with line.watching(line.left, {"l7_settings": {"udp_request_timeout_us": 7_000_000}}) as watch:
        words = [*line.inside(line.left), sys.executable, "-c", RESOLVER, ADDRESSES[4][1], "1", "0.1"]
        assert run(*words) == "[1, null]\n"
        time.sleep(12)
        assert watch.engine.stats()["flows"] == 0, watch.engine.stats()
    [row] = watch.requests("DNS")
    assert row["response_status"] == TIMED_OUT
    assert re.match(r"fd88|10\.88", row["ip4_1"] or row["ip6_1"])
    assert socket.inet_aton(row["ip4_1"])
