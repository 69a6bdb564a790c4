"""Wiring of cloud."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from libs.boot import Runtime
from libs.postgres import Database, lead, migrate
from libs.wire import snapshot_pb2_grpc
from libs.wire.server import bind, grpc_server
from libs.wire.snapshots import SnapshotServer
from services.cloud import rest
from services.cloud.catalogue import KIND, Catalogue
from services.cloud.settings import CloudSettings


async def start(runtime: Runtime) -> None:
    """Builds everything; returns when both ports are served."""
    settings = cast("CloudSettings", runtime.settings)
    health = runtime.health
    database = Database(settings.postgres_dsn, "weir-cloud")
    await database.open()
    runtime.on_stop("postgres", database.close)
    snapshots = SnapshotServer((KIND,))
    catalogue = Catalogue(snapshots, settings.genesis_address)

    async def work(connection: object) -> None:
        await migrate(connection, "cloud", Path(__file__).parent / "migrations")
        await catalogue.follow(connection, lambda state: health.waiting_for("genesis", state))

    health.waiting_for("leader", "PostgreSQL has not been asked yet.")
    runtime.task("leader", lead(settings.postgres_dsn, "cloud", work, on_state=lambda state: health.waiting_for("leader", state)))

    server = grpc_server()
    snapshot_pb2_grpc.add_SnapshotsServicer_to_server(snapshots, server)  # type: ignore[no-untyped-call]
    bind(server, settings.host, settings.grpc_port)
    await server.start()
    runtime.on_stop("grpc", lambda: server.stop(0.5))
    await runtime.serve_http(rest.build(database, snapshots, catalogue))
