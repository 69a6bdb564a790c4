"""Wiring of tagrecorder."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any, Final, cast

from libs.boot import Runtime
from libs.postgres import Database, follow_changes, lead, migrate
from services.tagrecorder import rest
from services.tagrecorder.clickhouse import Clickhouse
from services.tagrecorder.publishing import Publishing
from services.tagrecorder.recording import Recording
from services.tagrecorder.settings import TagrecorderSettings

_CHANNELS: Final = ("meta_changed", "agent_changed")


async def start(runtime: Runtime) -> None:
    """Builds everything; returns when the port is served."""
    settings = cast("TagrecorderSettings", runtime.settings)
    health = runtime.health
    database = Database(settings.postgres_dsn, "weir-tagrecorder", max_size=3)
    await database.open()
    runtime.on_stop("postgres", database.close)
    clickhouse = Clickhouse(settings.clickhouse_url)
    publishing = Publishing(database, clickhouse, compare_interval_s=settings.compare_interval_s)

    async def work(connection: Any) -> None:  # noqa: ANN401  asyncpg's connection and its proxy share no type
        await migrate(connection, "tag", Path(__file__).parent / "migrations")
        health.waiting_for("clickhouse", "ClickHouse has not been asked yet.")
        tasks = [
            asyncio.create_task(_record(connection)),
            asyncio.create_task(publishing.run(lambda state: health.waiting_for("clickhouse", state))),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            task.result()

    async def _record(connection: Any) -> None:  # noqa: ANN401
        recording = Recording(connection, database, late_s=settings.late_s, retention_days=settings.retention_days)
        compare_at = 0.0

        async def look() -> None:
            nonlocal compare_at
            if time.monotonic() >= compare_at:
                written = await recording.everything()
                compare_at = time.monotonic() + settings.compare_interval_s
            else:
                written = await recording.changed()
            if written:
                publishing.wake()

        await follow_changes(settings.postgres_dsn, "weir-tagrecorder", _CHANNELS, look, on_state=lambda state: health.waiting_for("meta", state))

    for condition in ("leader", "meta"):
        health.waiting_for(condition, "PostgreSQL has not been asked yet.")
    runtime.task("leader", lead(settings.postgres_dsn, "tagrecorder", work, on_state=lambda state: health.waiting_for("leader", state)))
    await runtime.serve_http(rest.build(database, publishing))
