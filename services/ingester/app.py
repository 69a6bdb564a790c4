"""Wiring only: what is built from what, and in which order it starts and stops."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

import weir_native

from libs.boot import Runtime, get_logger
from libs.boot.settings import data_dir
from services.ingester.admission import Admission
from services.ingester.decoders import Decoder
from services.ingester.edge.grpc import GrpcEdge, serve
from services.ingester.edge.http import HttpEdge
from services.ingester.errors import Refused, StoreError, Unavailable
from services.ingester.intake import Intake
from services.ingester.memory import Memory
from services.ingester.pipeline import Limits, Pipeline
from services.ingester.platform import Platform
from services.ingester.settings import MIB, IngesterSettings
from services.ingester.storage.client import Store
from services.ingester.storage.recovery import recall, wait_for_predecessor
from services.ingester.storage.schema import prepare
from services.ingester.storage.sinks import ClickHouse, Discard
from services.ingester.storage.writer import Writer

_GRACE_S = 1.0
"""A hiccup of the store is waited for; a longer one is answered at once."""


class Ingester:
    """One decoder's process."""

    def __init__(self, runtime: Runtime, decoder: Decoder, settings: IngesterSettings) -> None:
        self._runtime = runtime
        self._decoder = decoder
        self._settings = settings
        self._log = get_logger("ingester")
        self._starting = "The store was not reached yet."
        self.tags = weir_native.TagTable()
        self.store = Store(settings.clickhouse_url, timeout_s=settings.insert_timeout_s)
        compress = settings.insert_compression == "lz4" or (settings.insert_compression == "auto" and not self.store.is_local)
        sink = Discard() if settings.sink == "discard" else ClickHouse(self.store, decoder, settings.retention_days, compress=compress)
        self.memory = Memory(settings.remembered_requests)
        self.writer = Writer(sink)
        limits = Limits(settings.max_block_rows, settings.max_block_mib * MIB, settings.max_body_bytes)
        self.pipeline = Pipeline(weir_native.Gather(decoder.name, self.tags), self.writer, self.memory, limits)
        self.admission = Admission(
            max_bytes=settings.max_waiting_mib * MIB,
            max_requests=settings.max_requests,
            max_queued=settings.max_queued,
            queue_wait_s=settings.queue_wait_s,
            closed=self._closed,
        )
        self.intake = Intake(decoder, self.memory, self.pipeline.submit, answer_timeout_s=settings.answer_timeout_s)

    async def start(self) -> None:
        """Starts everything; requests are answered 503 until the store is prepared. Raises StartError."""
        runtime, settings = self._runtime, self._settings
        folder = Path(settings.data_dir) if settings.data_dir else data_dir() / "ingester" / self._decoder.name
        runtime.health.check("store", lambda: self._starting or self.writer.trouble.reason)
        platform = Platform(self.tags, folder / "platform.bin", runtime.health)
        platform.load_last()
        runtime.on_stop("store", self._close)
        runtime.task("pipeline", self.pipeline.run())
        if settings.trisolaris:
            runtime.task("platform", platform.follow(settings.trisolaris, f"ingester.{self._decoder.name}"))
            runtime.task("platform wait", platform.wait(settings.platform_wait_s))
        if settings.sink == "discard":
            self._starting = ""
        elif not await self._prepare():
            runtime.task("prepare", self._prepare_until_it_works())
        await self._serve()

    async def _serve(self) -> None:
        settings = self._settings
        http = HttpEdge(self._decoder, self.intake, self.admission, max_body=settings.max_body_bytes, read_timeout_s=settings.read_timeout_s)
        grpc = GrpcEdge(self._decoder, self.intake, self.admission, read_timeout_s=settings.read_timeout_s)
        server, grpc_port = await serve(grpc, settings.host, settings.grpc_port, max_body=settings.max_body_bytes, max_streams=max(128, settings.max_requests))

        async def stop_grpc() -> None:
            await server.stop(max(1.0, settings.stop_timeout_s - 1))

        self._runtime.on_stop("grpc", stop_grpc)
        http_port = await self._runtime.serve_http(http.app)
        self._log.info("taking OTLP", decoder=self._decoder.name, http_port=http_port, grpc_port=grpc_port, store=self.store.where)

    def _closed(self) -> Refused | None:
        if self._runtime.stopping.is_set():
            return Unavailable("This ingester is stopping: send it again in a moment.")
        if self._starting:
            return Unavailable(self._starting)
        if self.writer.trouble.lasts_s > _GRACE_S:
            return Unavailable(self.writer.trouble.reason)
        return None

    async def _prepare(self) -> bool:
        try:
            await asyncio.to_thread(self._prepare_now)
        except StoreError as error:
            self._starting = f"The store at {self.store.where} is not ready: {str(error)[:300]}"
            return False
        self._starting = ""
        return True

    async def _prepare_until_it_works(self) -> None:
        self._log.warning("waiting for the store", reason=self._starting)
        for pause in itertools.repeat(0.5):
            await asyncio.sleep(pause)
            if await self._prepare():
                return

    def _prepare_now(self) -> None:
        settings, tables = self._settings, self._decoder.tables
        prepare(self.store, tables, settings.retention_days)
        wait_for_predecessor(self.store, self._decoder.name)
        recall(self.store, tables, self.memory, remember_s=settings.remember_s, limit=settings.remembered_requests)

    async def _close(self) -> None:
        self.writer.close()
        await asyncio.to_thread(self.store.close)


async def start(runtime: Runtime, decoder: Decoder, settings: IngesterSettings) -> None:
    """For `libs.boot.run`."""
    await Ingester(runtime, decoder, settings).start()
