"""A steady, known load over the wire, and the comparison of its own log with what Weir stored."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.e2e.machine import Machine
from tests.e2e.stage import Stage
from tests.e2e.web import nginx

PER_SECOND: Final = 40
_ROWS_MAX: Final = 200_000


@dataclass(frozen=True, slots=True)
class Request:
    """A line of the client's log."""

    path: str
    method: str
    status: int
    time: float


@dataclass(slots=True)
class Load:
    """A client that asks all the time. Its log is what happened; the rows must say the same."""

    machine: Machine
    wire: Stage
    port: int
    log: Path
    client: subprocess.Popen[bytes]

    def requests(self) -> list[Request]:
        """Every request that was answered so far."""
        lines = self.log.read_text().splitlines(keepends=True)
        words = [line.split() for line in lines if line.endswith("\n")]
        return [Request(path, method, int(status), float(at)) for path, method, status, at in words]

    def rows(self) -> Counter[tuple[str, str, int]]:
        """What is stored of it."""
        sql = f"SELECT request_type, request_resource, response_code FROM l7_flow_log WHERE {self.where} LIMIT {_ROWS_MAX}"
        return Counter((row["request_resource"], row["request_type"], row["response_code"]) for row in self.machine.query(sql))

    @property
    def where(self) -> str:
        """Condition that holds for its rows alone."""
        return f"server_port = {self.port} AND ip_1 = '{self.wire.server_address}'"

    def settled(self, seconds: float = 60) -> None:
        """Every request that is answered by now becomes a row, once, within `seconds`, with the right names at both ends."""
        assert self.client.poll() is None, "the client ended"
        self.compare(self.requests(), seconds)

    def compare(self, wanted: list[Request], seconds: float = 60) -> None:
        """Each of `wanted` is exactly one row, and nothing is stored twice."""
        keys = {(request.path, request.method, request.status) for request in wanted}
        deadline = time.monotonic() + seconds
        rows = self.rows()
        while (missing := keys - rows.keys()) and time.monotonic() < deadline:
            time.sleep(1)
            rows = self.rows()
        assert not missing, f"{len(missing)} of {len(keys)} are missing: {sorted(missing)[:5]}"
        assert {key: times for key, times in rows.items() if times > 1} == {}
        ends = self.machine.query(f"SELECT chost_0, chost_1, Count(row) AS n FROM l7_flow_log WHERE {self.where} GROUP BY chost_0, chost_1")
        assert [(row["chost_0"], row["chost_1"]) for row in ends] == [(self.wire.client, self.wire.server)], ends

    def end(self) -> list[Request]:
        """Stops the client after the request that it is making."""
        if self.client.poll() is None:
            self.client.terminate()
            self.client.wait(30)
        assert self.client.returncode == 0
        return self.requests()


@contextlib.contextmanager
def steady(machine: Machine, wire: Stage, port: int, folder: Path) -> Iterator[Load]:
    """Asks until the end of the block."""
    log = folder / "client.log"
    with nginx(folder, wire, port):
        words = [sys.executable, str(Path(__file__).with_name("steady_client.py")), wire.server_address, str(port), str(PER_SECOND), str(log)]
        client = subprocess.Popen(words, preexec_fn=wire.enter(wire.client))
        try:
            load = Load(machine, wire, port, log, client)
            machine.wait(lambda: log.exists() and len(load.requests()) >= PER_SECOND, 20, "the client did not start")
            yield load
        finally:
            if client.poll() is None:
                client.terminate()
                client.wait(30)
