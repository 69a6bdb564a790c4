"""Wiring: the engine, who may use it, and the HTTP side."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from libs.boot import Runtime
from services.store import signpost
from services.store.access import Access, load_users
from services.store.disk import Disk
from services.store.engine import Engine
from services.store.errors import StoreError
from services.store.querylog import QueryLog
from services.store.route import Store
from services.store.session import Sessions
from services.store.settings import StoreSettings


async def start(runtime: Runtime) -> None:
    """Builds the store and serves it."""
    settings = runtime.settings
    assert isinstance(settings, StoreSettings)  # noqa: S101  run() is given nothing else
    users = load_users(settings)
    engine = await asyncio.to_thread(Engine, settings)
    sessions = Sessions(engine, settings)
    disk = Disk(engine.directory, settings.min_free_mib << 20)
    log = QueryLog(engine, on_disk=settings.query_log)
    store = Store(settings, engine, access=Access(users), sessions=sessions, disk=disk, log=log)

    async def close_engine() -> None:
        sessions.close()
        if settings.query_log:
            with contextlib.suppress(StoreError):
                await asyncio.to_thread(log.flush)
        await asyncio.to_thread(engine.close)

    async def drain() -> None:
        await store.drain(max(1.0, settings.stop_timeout_s - 3))

    runtime.on_stop("engine", close_engine)
    runtime.task("sessions", sessions.expire())
    runtime.task("disk", disk.watch())
    runtime.task("querylog", log.keep())
    runtime.health.check("disk", disk.report)
    logging.getLogger("uvicorn.error").addFilter(lambda record: "without completing response" not in record.getMessage())
    await runtime.serve_http(store, h11_max_incomplete_event_size=1 << 20)
    runtime.on_stop("queries", drain)
    if settings.native_port:
        sign = await signpost.open_at(settings.host, settings.native_port, settings.port)
        runtime.on_stop("signpost", sign.close)
