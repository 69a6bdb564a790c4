"""A stock nginx in front of fcgiwrap, asked by curl: each request that nginx hands on one row, over kept connections and fresh ones."""

from __future__ import annotations

import shutil
import statistics
from collections import Counter
from typing import TYPE_CHECKING, Final

import pytest

from tests.kernel.l7.watching import watching

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kernel.l7.conftest import Watched

PROGRAMS: Final = ("nginx", "curl", "fcgiwrap")
ROUNDS: Final = 240

pytestmark = pytest.mark.skipif(any(shutil.which(program) is None for program in PROGRAMS), reason=f"needs {', '.join(PROGRAMS)}")

NGINX: Final = """
daemon off; worker_processes 1; pid {work}/pid; error_log {work}/error.log; user root;
events {{ worker_connections 512; }}
http {{
  log_format exact '$upstream_status $request_method $request_uri'; access_log {work}/access.log exact; client_body_buffer_size 64k;
  client_body_temp_path {work}/body; proxy_temp_path {work}/proxy; fastcgi_temp_path {work}/fastcgi; uwsgi_temp_path {work}/uwsgi; scgi_temp_path {work}/scgi;
  upstream behind {{ server 127.0.0.1:9000; keepalive 4; }}
  include /etc/nginx/fastcgi_params; fastcgi_param SCRIPT_FILENAME {work}/program; keepalive_requests 10000;
  server {{
    listen 127.0.0.1:80;
    location /kept/ {{ fastcgi_pass behind; fastcgi_keep_conn on; }}
    location /fresh/ {{ fastcgi_pass 127.0.0.1:9000; }}
  }}
}}
"""

PROGRAM: Final = """#!/bin/sh
case "$REQUEST_URI" in
  */missing/*) printf 'Status: 404 Not Found\\r\\nContent-Type: text/plain\\r\\n\\r\\nno such thing' ;;
  */broken/*) printf 'Content-Type: text/plain\\r\\n'; printf 'Status: 503 Service Unavailable\\r\\n'; printf '\\r\\nsorry'; echo 'the shelf fell down' >&2 ;;
  */posted/*) cat >/dev/null; printf 'Status: 201 Created\\r\\n\\r\\n' ;;
  */long/*) printf 'Content-Type: text/plain\\r\\n\\r\\n'; head -c 200000 /dev/zero ;;
  *) printf 'Content-Type: text/plain\\r\\n\\r\\nhello' ;;
esac
"""


def test_each_request_is_one_row_with_the_status_of_the_program_and_no_longer_than_curl_waited(watched: Watched, tmp_path: Path) -> None:
    (tmp_path / "nginx.conf").write_text(NGINX.format(work=tmp_path))
    (tmp_path / "program").write_text(PROGRAM)
    (tmp_path / "program").chmod(0o755)
    kinds = ("kept/ok", "kept/missing", "fresh/ok", "kept/broken", "kept/long", "fresh/broken", "kept/posted", "fresh/long")
    paths = [f"/{kinds[number % len(kinds)]}/{number}?n={number}" for number in range(ROUNDS)]
    asked = "next\n".join(
        f'url = "http://127.0.0.1{path}"\noutput = "/dev/null"\nwrite-out = "%{{response_code}} %{{time_total}}\\n"\n'
        + (f'data = "{"d" * (number * 101 % 30_000)}"\n' if "posted" in path else "")
        for number, path in enumerate(paths)
    )
    (tmp_path / "curl.conf").write_text(asked)
    with (
        watched.serving("fcgiwrap", "-f", "-c", "6", "-s", "tcp:127.0.0.1:9000", port=9000),
        watched.serving("nginx", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf"), port=80),
        watching(watched.namespace, "FastCGI") as rows,
    ):
        told = [line.split() for line in watched.run("curl", "-s", "-K", str(tmp_path / "curl.conf")).splitlines()]

    assert len(told) == ROUNDS
    log = Counter(tuple(line.split()) for line in (tmp_path / "access.log").read_text().splitlines())
    assert Counter((str(row["response_code"]), row["request_type"], row["request_resource"]) for row in rows) == log
    assert [row["request_resource"] for row in rows] == paths
    slack = []
    for row, (code, took_s) in zip(rows, told, strict=True):
        assert (row["type"], row["response_code"], row["attributes"]["fastcgi.script"]) == (2, int(code), str(tmp_path / "program"))
        assert row["response_status"] == {4: 4, 5: 3}.get(int(code) // 100, 0)
        if row["response_status"] == 3:
            assert row["response_exception"].strip() == "the shelf fell down"
        slack.append(float(took_s) * 1e6 - row["response_duration"])
    assert min(slack) > -1_000, "clocks differ by less than a millisecond"
    assert statistics.median(slack) < 20_000
