"""Wiring: the store, the names it knows, and the REST side."""

from __future__ import annotations

import logging

from libs.boot import Runtime
from services.querier.access import guard
from services.querier.dictionaries import Dictionaries
from services.querier.question import Answering
from services.querier.routes import build
from services.querier.settings import QuerierSettings
from services.querier.store import Store
from services.querier.translation.select import Limits


async def start(runtime: Runtime) -> None:
    """Builds the querier and serves it."""
    settings = runtime.settings
    assert isinstance(settings, QuerierSettings)  # noqa: S101  run() is given nothing else
    guarded = guard(settings)
    store = Store(settings)
    runtime.on_stop("store", store.close)
    dictionaries = Dictionaries(store, runtime.health, settings.names_refresh_s)
    runtime.task("names", dictionaries.watch())
    answering = Answering(store, dictionaries, Limits(settings.default_limit, settings.max_rows), settings.cache_entries)
    logging.getLogger("uvicorn.error").addFilter(lambda record: "BrokenOffError" not in str(record.exc_info))
    await runtime.serve_http(guarded(build(answering)))
