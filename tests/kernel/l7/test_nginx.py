"""A stock nginx asked over HTTP/1.1, HTTP/2 and TLS by stock clients: every request exactly one row. (What is quick and plain: ../test_http_rows_are_exact.py.)"""

from __future__ import annotations

import shutil
import statistics
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.kernel.l7.watching import watching

if TYPE_CHECKING:
    from tests.kernel.l7.conftest import Watched

PROGRAMS: Final = ("nginx", "curl", "h2load", "nghttp", "openssl")
HOST: Final = "127.0.0.1"
ROUNDS: Final = 300
LARGE: Final = 2_000_000
LOADED: Final = 6_000
ALONE: Final = 20
TLS_CONNECTIONS: Final = 40

# `/passed/` goes on to a second server, so that a body is read, and each request is seen on both its ways.
NGINX: Final = """
daemon off; worker_processes 1; pid {work}/pid; error_log {work}/error.log; user root;
events {{ worker_connections 512; }}
http {{
  log_format exact '$server_port $request_method $request_uri $status';
  access_log {work}/access.log exact; keepalive_requests 100000; keepalive_timeout 60;
  client_body_temp_path {work}/body; proxy_temp_path {work}/proxy; fastcgi_temp_path {work}/fastcgi;
  uwsgi_temp_path {work}/uwsgi; scgi_temp_path {work}/scgi; client_max_body_size 4m; http2_max_concurrent_streams 256;
  ssl_protocols TLSv1.2 TLSv1.3; gzip on; gzip_types *; gzip_min_length 1; gzip_proxied any; default_type text/plain;
  upstream behind {{ server {host}:81; keepalive 8; }}
  server {{
    listen {host}:80; listen {host}:82 http2; listen {host}:443 ssl http2; root {work}/www; ssl_certificate {work}/cert; ssl_certificate_key {work}/key;
    location /ok/ {{ return 200 "fine"; }}
    location /broken/ {{ return 500; }}
    location /moved/ {{ return 302 http://{host}/ok/; }}
    location /file/ {{ alias {work}/www/; }}
    location /passed/ {{ proxy_pass http://behind; proxy_http_version 1.1; proxy_set_header Connection ""; }}
  }}
  server {{ listen {host}:81; access_log off; location / {{ return 201 "taken"; }} }}
}}
"""

pytestmark = pytest.mark.skipif(any(shutil.which(program) is None for program in PROGRAMS), reason=f"needs {', '.join(PROGRAMS)}")


@pytest.fixture
def nginx(watched: Watched, tmp_path: Path) -> Iterator[Watched]:
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "large").write_bytes(b"".join(b"line %d of a large file\n" % number for number in range(50_000)))
    (tmp_path / "nginx.conf").write_text(NGINX.format(work=tmp_path, host=HOST))
    words = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=shop.example")
    subprocess.run(["openssl", *words, "-keyout", str(tmp_path / "key"), "-out", str(tmp_path / "cert")], check=True, capture_output=True)
    with watched.serving("nginx", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf"), port=80):
        yield watched


def curl(nginx: Watched, work: Path, requests: list[str]) -> dict[str, tuple[str, int, float]]:
    """By path what curl says of each request: method, status, µs to the first byte of the answer."""
    told = "%{method} %{url_effective} %{response_code} %{time_starttransfer}\\n"
    (work / "curl.conf").write_text("next\n".join(f'{request}\noutput = "/dev/null"\nwrite-out = "{told}"\n' for request in requests))
    lines = [line.split() for line in nginx.run("curl", "-s", "-K", str(work / "curl.conf")).splitlines()]
    return {"/" + url.split("/", 3)[3]: (method, int(code), float(first) * 1e6) for method, url, code, first in lines}


def test_chunked_bodies_large_ones_and_those_asked_for_are_each_one_row(nginx: Watched, tmp_path: Path) -> None:
    (tmp_path / "upload").write_bytes(b"u" * LARGE)
    at = f"http://{HOST}:80"
    kinds = (
        # An answer in chunks; a request in chunks, handed on; a body that is held back until "100 Continue".
        lambda number: f'url = "{at}/file/large?{number}"\ncompressed',
        lambda number: f'url = "{at}/passed/{number}"\nrequest = "POST"\nheader = "Transfer-Encoding: chunked"\ndata = "{"c" * (number * 37 % 9000)}"',
        lambda number: (
            f'url = "{at}/passed/{number}"\nupload-file = "{tmp_path}/upload"\nheader = "Expect: 100-continue"'
            if number % 50 == 2
            else f'url = "{at}/moved/{number}"'
        ),
        lambda number: f'url = "{at}/missing/{number}"\nhead',
        lambda number: f'url = "{at}/broken/{number}"',
    )
    requests = [kinds[number % len(kinds)](number) for number in range(ROUNDS)]
    with watching(nginx.namespace, "HTTP") as rows:
        timed = curl(nginx, tmp_path, requests)

    asked = [row for row in rows if row["server_port"] == 80]
    passed = [row for row in rows if row["server_port"] == 81]
    assert len(timed) == ROUNDS
    assert [row for row in rows if row["type"] != 2] == []
    assert [row["request_resource"] for row in asked] == list(timed), "each once, in the order of the client"
    log = [line.split() for line in (tmp_path / "access.log").read_text().splitlines()]
    assert Counter((row["request_type"], row["request_resource"], row["response_code"]) for row in asked) == Counter(
        (method, uri, int(status)) for _, method, uri, status in log if uri in timed
    )
    assert [(row["request_type"], row["request_resource"], row["response_code"]) for row in passed] == [
        (method, path, 201) for path, (method, _, _) in timed.items() if path.startswith("/passed/")
    ]
    slack = []
    for row in asked:
        method, status, first_us = timed[row["request_resource"]]
        assert (row["request_type"], row["response_code"]) == (method, status)
        assert row["response_status"] == {4: 4, 5: 3}.get(status // 100, 0)
        if method == "PUT":
            assert row["request_length"] == LARGE
        else:
            slack.append(first_us - row["response_duration"])
    assert sum(row["request_type"] == "PUT" for row in asked) == ROUNDS // 50
    assert min(slack) > -1_000, "clocks differ by less than a millisecond"
    assert statistics.median(slack) < 5_000


def test_many_streams_of_http2_are_each_one_row(nginx: Watched, tmp_path: Path) -> None:
    at = f"http://{HOST}:82"
    words = ("file/large?", "missing/", "ok/", "broken/", "moved/", "passed/")
    together = [f"{at}/{words[number % len(words)]}{number}" for number in range(ROUNDS)]
    mixed = (f"{at}/ok/load", f"{at}/broken/load", f"{at}/file/large?load")
    with watching(nginx.namespace, "HTTP2") as rows:
        for number in range(ALONE):
            nginx.run("curl", "-sS", "--http2-prior-knowledge", f"{at}/ok/curl{number}")
        alone = h2load(nginx, tmp_path / "alone", "-n", str(ROUNDS), "-c", "1", "-m", "1", f"{at}/ok/alone")
        shown = nginx.run("nghttp", "-ns", *together)
        many = h2load(nginx, tmp_path / "many", "-n", str(LOADED), "-c", "4", "-m", "64", *mixed)

    assert {(row["type"], row["version"], row["request_domain"]) for row in rows} == {(2, "2", f"{HOST}:82")}
    log = [line.split() for line in (tmp_path / "access.log").read_text().splitlines()]
    assert Counter((row["request_type"], row["request_resource"], row["response_code"]) for row in rows) == Counter(
        (method, uri, int(status)) for port, method, uri, status in log if port == "82"
    )
    for row in rows:
        assert row["response_status"] == {4: 4, 5: 3}.get(row["response_code"] // 100, 0)
    assert sum("/ok/curl" in row["request_resource"] for row in rows) == ALONE

    # One after the other: each with the time that h2load measured.
    slack = [took_us - row["response_duration"] for row, (_, took_us) in zip(rows[ALONE : ALONE + ROUNDS], alone, strict=True)]
    assert {row["request_resource"] for row in rows[ALONE : ALONE + ROUNDS]} == {"/ok/alone"}
    assert min(slack) > -1_000, "clocks differ by less than a millisecond"
    assert statistics.median(slack) < 2_000
    # All at once in one connection: by their path.
    timed = {path: (int(code), us(process)) for _, _, _, process, code, _, path in map(str.split, shown.rpartition("request path\n")[2].splitlines())}
    by_path = {row["request_resource"]: row for row in rows}
    assert timed.keys() == {url.removeprefix(at) for url in together}
    assert all(by_path[path]["response_code"] == code for path, (code, _) in timed.items())
    assert min(took_us - by_path[path]["response_duration"] for path, (_, took_us) in timed.items()) > -1_000
    # Several connections: as many of each status.
    loaded = [row for row in rows if row["request_resource"].endswith("load")]
    assert Counter(status for status, _ in many) == Counter(row["response_code"] for row in loaded)
    assert sum(row["response_duration"] for row in loaded) < sum(took_us for _, took_us in many) + 1_000


def h2load(nginx: Watched, log: Path, *words: str) -> list[tuple[int, int]]:
    """Status and duration in µs of each request, in the order of their beginnings."""
    nginx.run("h2load", "--log-file", str(log), *words)
    lines = sorted(tuple(map(int, line.split())) for line in log.read_text().splitlines())
    return [(status, took_us) for _, status, took_us in lines]


def us(text: str) -> float:
    """What nghttp writes as 28us, 3.22ms or 1.01s."""
    number, unit = (text[:-2], text[-2:]) if text[-2:] in ("us", "ms") else (text[:-1], "s")
    return float(number) * {"us": 1, "ms": 1e3, "s": 1e6}[unit]


def test_each_connection_of_https_is_one_row_with_its_name_and_protocol(nginx: Watched) -> None:
    versions = (("--http1.1", "http/1.1"), ("--http2", "h2,http/1.1"))
    highest = ("1.2", "1.3")
    with watching(nginx.namespace, "TLS") as rows:
        told = [
            nginx.run(
                *("curl", "-sk", "-o", "/dev/null", "--resolve", f"shop{number}.example:443:{HOST}", versions[number % 2][0]),
                *("--tls-max", highest[number // 2 % 2], "-w", "%{time_connect} %{time_appconnect}", f"https://shop{number}.example/ok/"),
            )
            for number in range(TLS_CONNECTIONS)
        ]
    assert [row["request_domain"] for row in rows] == [f"shop{number}.example" for number in range(TLS_CONNECTIONS)]
    assert {(row["type"], row["response_status"]) for row in rows} == {(2, 0)}
    slack = []
    for number, (row, times) in enumerate(zip(rows, told, strict=True)):
        assert row["version"] == highest[number // 2 % 2]
        assert row["attributes"]["tls.client.alpn"] == versions[number % 2][1]
        connected_s, shaken_s = map(float, times.split())
        slack.append((shaken_s - connected_s) * 1e6 - row["response_duration"])
    assert min(slack) > -2_000
    assert statistics.median(slack) < 20_000
