"""A stock client against a stock server (nginx) across two network namespaces: every request is a row, every byte is counted."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from statistics import median

from tests.e2e.machine import Machine
from tests.e2e.stage import Stage
from tests.e2e.web import nginx

REQUESTS = 10_000
PORT = 8089


def test_every_request_is_one_row_that_agrees_with_the_clients_log(machine: Machine, wire: Stage, tmp_path: Path) -> None:
    before = wire.interface_bytes()
    with nginx(tmp_path / "web", wire, PORT):
        program = str(Path(__file__).with_name("http_client.py"))
        client = [sys.executable, program, wire.server_address, str(PORT), str(REQUESTS), "8", str(tmp_path / "log.json")]
        subprocess.run(client, preexec_fn=wire.enter(wire.client), check=True, timeout=110)
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
