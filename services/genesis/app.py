"""Wiring of genesis."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from libs.boot import Runtime
from libs.postgres import Database, lead, migrate
from libs.wire import agent_pb2_grpc, snapshot_pb2_grpc
from libs.wire.server import bind, grpc_server
from libs.wire.snapshots import SnapshotServer
from services.genesis import rest
from services.genesis.board import KIND, Board, Sweeper
from services.genesis.ledger import Ledger
from services.genesis.servicer import GenesisServicer
from services.genesis.settings import GenesisSettings


async def start(runtime: Runtime) -> None:
    """Builds everything; returns when both ports are served."""
    settings = cast("GenesisSettings", runtime.settings)
    health = runtime.health
    database = Database(settings.postgres_dsn, "weir-genesis")
    await database.open()
    runtime.on_stop("postgres", database.close)
    ledger = Ledger(database, max_sources=settings.max_sources)
    snapshots = SnapshotServer((KIND,))
    board = Board(ledger, snapshots)
    sweeper = Sweeper(ledger, expire_s=settings.expire_s)

    async def work(connection: object) -> None:
        await migrate(connection, "genesis", Path(__file__).parent / "migrations")
        await sweeper.sweep()

    health.waiting_for("leader", "PostgreSQL has not been asked yet.")
    health.waiting_for("facts", "The facts have not been loaded yet.")
    runtime.task("leader", lead(settings.postgres_dsn, "genesis", work, on_state=lambda state: health.waiting_for("leader", state)))
    runtime.task("board", board.follow(database, lambda state: health.waiting_for("facts", state)))

    server = grpc_server()
    agent_pb2_grpc.add_GenesisServicer_to_server(GenesisServicer(ledger, interval_s=settings.interval_s), server)  # type: ignore[no-untyped-call]
    snapshot_pb2_grpc.add_SnapshotsServicer_to_server(snapshots, server)  # type: ignore[no-untyped-call]
    bind(server, settings.host, settings.grpc_port)
    await server.start()
    runtime.on_stop("grpc", lambda: server.stop(0.5))
    await runtime.serve_http(rest.build(database, snapshots))
