"""Wiring of recorder."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from libs.boot import Runtime
from libs.postgres import Database, lead, migrate
from services.recorder import rest
from services.recorder.recording import Recording
from services.recorder.settings import RecorderSettings


async def start(runtime: Runtime) -> None:
    """Builds everything; returns when the port is served."""
    settings = cast("RecorderSettings", runtime.settings)
    health = runtime.health
    database = Database(settings.postgres_dsn, "weir-recorder", max_size=2)
    await database.open()
    runtime.on_stop("postgres", database.close)
    refusal = {"reason": ""}

    async def work(connection: object) -> None:
        await migrate(connection, "meta", Path(__file__).parent / "migrations")
        recording = Recording(connection, event_retention_days=settings.event_retention_days, deleted_retention_days=settings.deleted_retention_days)
        await recording.follow(settings.cloud_address, lambda state: health.waiting_for("cloud", state), lambda reason: refusal.__setitem__("reason", reason))

    health.waiting_for("leader", "PostgreSQL has not been asked yet.")
    runtime.task("leader", lead(settings.postgres_dsn, "recorder", work, on_state=lambda state: health.waiting_for("leader", state)))
    await runtime.serve_http(rest.build(database, refusal))
