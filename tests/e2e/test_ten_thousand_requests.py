"""A stock client against a stock server (nginx) across two network namespaces: every request is a row, every byte is counted."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

from tests.e2e.machine import Machine
from tests.e2e.stage import Stage, stage

REQUESTS = 10_000
PORT = 8089
_NGINX = """
daemon off; master_process off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log off; client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
  keepalive_requests 1000000;
  server {{
    listen {address}:{port};
    location /ok {{ return 200 "fine\\n"; }}
    location /items {{ default_type application/json; return 200 "{items}"; }}
    location /broken {{ return 500 "broken\\n"; }}
    location / {{ return 404; }}
  }}
}}
"""


@pytest.fixture(scope="module")
def wire(machine: Machine) -> Iterator[Stage]:
    """The two namespaces, known to Weir by name before the first packet."""
    with stage("e2e") as built:
        machine.wait(lambda: built.server in machine.names(), 30, "the namespaces were not learnt")
        time.sleep(2)
        yield built


def nginx(folder: Path, built: Stage) -> subprocess.Popen[bytes]:
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin")
    if program is None:
        subprocess.run(["sh", "-c", "apt-get update -q && apt-get install -qy --no-install-recommends nginx-light"], capture_output=True, check=False)
        program = shutil.which("nginx", path="/usr/sbin:/usr/bin")
    if program is None:
        pytest.skip("nginx is not installed and could not be installed")
    (folder / "nginx.conf").write_text(_NGINX.format(folder=folder, address=built.server_address, port=PORT, items="x" * 4000))
    return subprocess.Popen([program, "-c", str(folder / "nginx.conf")], preexec_fn=built.enter(built.server))


def test_every_request_is_one_row_that_agrees_with_the_clients_log(machine: Machine, wire: Stage, tmp_path: Path) -> None:
    before = wire.interface_bytes()
    server = nginx(tmp_path, wire)
    try:
        time.sleep(1)
        client = [
            sys.executable,
            str(Path(__file__).with_name("http_client.py")),
            wire.server_address,
            str(PORT),
            str(REQUESTS),
            "8",
            str(tmp_path / "log.json"),
        ]
        subprocess.run(client, preexec_fn=wire.enter(wire.client), check=True, timeout=110)
    finally:
        server.terminate()
        server.wait(10)
    carried = wire.interface_bytes() - before
    where = f"server_port = {PORT} AND ip_1 = '{wire.server_address}'"
    log = json.loads((tmp_path / "log.json").read_text())
    machine.wait(lambda: machine.query(f"SELECT Count(row) AS n FROM l7_flow_log WHERE {where}")[0]["n"] >= len(log), 60, "rows are missing")
    time.sleep(3)

    rows = machine.query(f"SELECT request_type, request_resource, response_code, response_duration, type FROM l7_flow_log WHERE {where} LIMIT 20000")
    assert len(rows) == len(log) == REQUESTS
    seen = Counter((row["request_type"], row["request_resource"], row["response_code"]) for row in rows)
    assert seen == Counter((method, path, status) for method, path, status, _ in log)
    took = {(method, path): seconds * 1e6 for method, path, _, seconds in log}
    apart = [took[row["request_type"], row["request_resource"]] - row["response_duration"] for row in rows]
    assert min(apart) > -1000, "a row lasted longer than the client waited"
    assert median(apart) < 5000, f"rows are {median(apart):.0f} µs shorter than what the client saw"

    machine.wait(lambda: machine.query(f"SELECT Sum(byte) AS n FROM l4_flow_log WHERE {where}")[0]["n"] >= carried, 90, "bytes are missing")
    assert machine.query(f"SELECT Sum(byte) AS n FROM l4_flow_log WHERE {where}")[0]["n"] == carried
    assert machine.query(f"SELECT Sum(byte) AS n FROM network_map.1s WHERE {where}")[0]["n"] == carried
    ends = machine.query(f"SELECT chost_0, chost_1, Count(row) AS n FROM l7_flow_log WHERE {where} GROUP BY chost_0, chost_1")
    assert ends == [{"chost_0": wire.client, "chost_1": wire.server, "n": REQUESTS}]
