"""The real store with the declared tables, some rows and some names, and the real querier in front of it, each its own process."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from libs.tables import TABLES
from libs.tables.ddl import create_database, create_table
from tests.integration.querier.world import WORLD

ROOT = Path(__file__).parents[3]


def launch(package: str, folder: Path, settings: dict[str, str], *, path: str = "/readyz") -> tuple[subprocess.Popen[bytes], str]:
    """Starts a process on a free port and waits until it is ready; returns it and its address."""
    prefix = f"WEIR_{package.rpartition('.')[2].upper()}_"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("WEIR_")}
    log = folder / f"{package}.log"
    port = free_port()
    environment |= {f"{prefix}PORT": str(port), "WEIR_DATA_DIR": str(folder), **settings}
    with log.open("wb") as output:
        process = subprocess.Popen([sys.executable, "-m", package], cwd=ROOT, env=environment, stderr=output, stdout=output)
    address = f"http://127.0.0.1:{port}"
    for _ in range(900):
        try:
            if httpx.get(f"{address}{path}", trust_env=False).status_code == httpx.codes.OK:
                return process, address
        except httpx.HTTPError:
            pass
        if process.poll() is not None:
            break
        time.sleep(0.05)
    process.kill()
    pytest.fail(f"{package} did not become ready:\n{log.read_text()[-4000:]}")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Store:
    """The store's full user."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.client = httpx.Client(base_url=address, headers={"X-ClickHouse-User": "default"}, trust_env=False, timeout=60)

    def run(self, sql: str, body: bytes | None = None) -> str:
        response = self.client.post("/", params={"query": sql}, content=body or b"") if body is not None else self.client.post("/", content=sql.encode())
        assert response.status_code == httpx.codes.OK, f"{response.text[:1500]}\n{sql[:1500]}"
        return response.text


class Querier:
    """A client of the querier."""

    def __init__(self, address: str, pid: int) -> None:
        self.address, self.pid = address, pid
        self.client = httpx.Client(base_url=address, trust_env=False, timeout=60)

    def answer(self, sql: str, db: str = "", **more: str) -> dict[str, Any]:
        response = self.client.post("/v1/query/", json={"sql": sql, "db": db, **more})
        assert response.status_code == httpx.codes.OK, response.text[:2000]
        answer: dict[str, Any] = response.json()
        assert answer["OPT_STATUS"] == "SUCCESS", answer["DESCRIPTION"]
        return answer

    def values(self, sql: str, db: str = "") -> list[list[Any]]:
        values: list[list[Any]] = self.answer(sql, db)["result"]["values"]
        return values

    def rows(self, sql: str, db: str = "") -> list[dict[str, Any]]:
        result = self.answer(sql, db)["result"]
        return [dict(zip(result["columns"], row, strict=True)) for row in result["values"]]

    def refusal(self, sql: str, status: int = 400) -> str:
        response = self.client.post("/v1/query/", json={"sql": sql})
        assert response.status_code == status, response.text[:2000]
        return str(response.json()["DESCRIPTION"])

    def metric(self, name: str) -> float:
        text = self.client.get("/metrics").text
        return sum(float(value) for value in re.findall(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE))


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    process, address = launch("services.store", tmp_path_factory.mktemp("store"), {})
    store = Store(address)
    try:
        for database in dict.fromkeys(table.database for table in TABLES):
            store.run(create_database(database))
        for table in TABLES:
            store.run(create_table(table, ttl_days=0))
        for statement in WORLD:
            store.run(statement)
        yield store
    finally:
        stop(process)


@pytest.fixture(scope="session")
def big(store: Store) -> int:
    """Makes l4_flow_log large; returns how many rows it has."""
    rows = 300_000
    store.run(
        "INSERT INTO flow_log.l4_flow_log (time, flow_id, is_ipv4, ip4_0, mac_0, capture_nic, byte_tx) "
        f"SELECT 1772323200 + number % 600, sipHash64(number), 1, sipHash64(number) % 4294967296, sipHash64(number + 1) % 281474976710656, 'eth0', number FROM numbers({rows})"
    )
    return rows


@pytest.fixture(scope="session")
def querier(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Querier]:
    process, address = launch(
        "services.querier", tmp_path_factory.mktemp("querier"), {"WEIR_QUERIER_CLICKHOUSE_URL": store.address, "WEIR_QUERIER_NAMES_REFRESH_S": "0.2"}
    )
    try:
        yield Querier(address, process.pid)
    finally:
        stop(process)
