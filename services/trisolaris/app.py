"""Wiring of trisolaris."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final, cast

from libs.boot import Runtime, StartError
from libs.postgres import Database, follow_changes, lead, migrate
from libs.wire import agent_pb2_grpc, snapshot_pb2_grpc
from libs.wire.server import bind, grpc_server
from libs.wire.snapshots import SnapshotServer
from services.trisolaris import rest
from services.trisolaris.agents import Agents
from services.trisolaris.groups import Groups
from services.trisolaris.platform import KIND, Platform
from services.trisolaris.registrar import Registrar
from services.trisolaris.registry import Registry
from services.trisolaris.settings import TrisolarisSettings
from services.trisolaris.synchronizer import Surroundings, Synchronizer

_CHANNELS: Final = ("agent_changed", "meta_changed")


async def start(runtime: Runtime) -> None:
    """Builds everything; returns when both ports are served."""
    settings = cast("TrisolarisSettings", runtime.settings)
    health = runtime.health
    try:
        surroundings = Surroundings.of(settings)
    except ValueError as error:
        message = f"WEIR_TRISOLARIS_WEIR_ENDPOINTS is a JSON list of host:port ({error})."
        raise StartError(message) from error
    database = Database(settings.postgres_dsn, "weir-trisolaris", max_size=8)
    await database.open()
    runtime.on_stop("postgres", database.close)
    snapshots = SnapshotServer((KIND,))
    registry = Registry(database)
    registrar = Registrar(database, registry, max_agents=settings.max_agents)
    platform = Platform(database, snapshots)

    async def work(connection: object) -> None:
        await migrate(connection, "agent", Path(__file__).parent / "migrations")
        await asyncio.Event().wait()  # every replica writes in transactions of its own; being the leader only means to have made the schema

    for condition in ("leader", "agents", "platform"):
        health.waiting_for(condition, "PostgreSQL has not been asked yet.")
    runtime.task("leader", lead(settings.postgres_dsn, "trisolaris", work, on_state=lambda state: health.waiting_for("leader", state)))
    runtime.on_stop("seen", registrar.flush)
    runtime.task("seen", registrar.write_seen(settings.seen_interval_s))
    for name, look, debounce_s in (("agents", registry.load, 0.01), ("platform", platform.load, 0.1)):
        runtime.task(
            name,
            follow_changes(
                settings.postgres_dsn,
                f"weir-trisolaris-{name}",
                _CHANNELS,
                look,
                debounce_s=debounce_s,
                on_state=lambda state, name=name: health.waiting_for(name, state),  # type: ignore[misc]
            ),
        )
    server = grpc_server(max_calls=settings.max_pushes + 4096)
    agent_pb2_grpc.add_SynchronizerServicer_to_server(Synchronizer(registry, registrar, surroundings, max_pushes=settings.max_pushes), server)  # type: ignore[no-untyped-call]
    snapshot_pb2_grpc.add_SnapshotsServicer_to_server(snapshots, server)  # type: ignore[no-untyped-call]
    bind(server, settings.host, settings.grpc_port)
    await server.start()
    runtime.on_stop("grpc", lambda: server.stop(0.5))
    await runtime.serve_http(rest.build(Agents(database), Groups(database), platform, snapshots))
