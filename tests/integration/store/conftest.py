"""Real store processes on free ports: chDB allows one engine a process, so nothing here imports it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).parents[3]
USERS = [
    {"name": "default"},
    {"name": "reader", "readonly": True},
    {"name": "anna", "password": "s3cret"},
    {"name": "looker", "password": "l", "readonly": True},
]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(slots=True)
class Server:
    process: subprocess.Popen[bytes]
    port: int
    directory: Path
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def post(self, sql: str | bytes, *, headers: dict[str, str] | None = None, timeout: float = 30, **params: Any) -> httpx.Response:
        return httpx.post(self.url, params=params, content=sql, headers=headers, timeout=timeout)

    def get(self, sql: str, **params: Any) -> httpx.Response:
        return httpx.get(self.url, params={"query": sql, **params}, timeout=30)

    def ok(self, sql: str | bytes, **params: Any) -> str:
        response = self.post(sql, **params)
        assert response.status_code == 200, response.text
        return response.text

    def rss_mib(self) -> int:
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) // 1024
        return 0


def start(directory: Path, **settings: str) -> Server:
    port = free_port()
    log = directory.with_suffix(".log")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WEIR_")}
    environment |= {"WEIR_STORE_PORT": str(port), "WEIR_STORE_DATA_DIR": str(directory), "WEIR_STORE_USERS": json.dumps(USERS), "WEIR_STORE_MIN_FREE_MIB": "1"}
    environment |= {f"WEIR_STORE_{name.upper()}": value for name, value in settings.items()}
    with log.open("ab") as out:
        process = subprocess.Popen([sys.executable, "-m", "services.store"], cwd=ROOT, env=environment, stdout=out, stderr=out)
    server = Server(process, port, directory, log)
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        try:
            if httpx.get(server.url + "readyz", timeout=2).status_code:
                return server
        except httpx.TransportError:
            time.sleep(0.05)
    return server


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One store for every test that leaves it as it was; tests take databases or tables of their own."""
    server = start(tmp_path_factory.mktemp("store") / "data")
    assert server.process.poll() is None, server.log.read_text()
    yield server
    server.process.terminate()
    server.process.wait(20)


@pytest.fixture
def start_store(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts stores that a test may stop, kill or starve."""
    started: list[Server] = []

    def make(directory: Path | None = None, **settings: str) -> Server:
        server = start(directory or tmp_path / "data", **settings)
        started.append(server)
        return server

    yield make
    for server in started:
        server.process.kill()
        server.process.wait(20)
