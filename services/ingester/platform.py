"""The platform table: who owns which address. Followed from trisolaris, kept on disk, so that a restart without it tags as before."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from weir_native import TagTable

from libs.boot import Health, get_logger
from libs.wire.snapshots import watch
from services.ingester.metrics import PLATFORM_VERSION

KIND = "trisolaris.platform"
_CONDITION = "platform table"


class Platform:
    """Keeps a TagTable at the newest version there is."""

    def __init__(self, tags: TagTable, file: Path, health: Health) -> None:
        self._tags = tags
        self._file = file
        self._health = health
        self._log = get_logger("platform")

    def load_last(self) -> None:
        """Takes the table of the last run, where there is one."""
        try:
            data = self._file.read_bytes()
            self._tags.load(data)
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            self._log.warning("the platform table of the last run cannot be read; waiting for a new one", file=str(self._file), reason=str(error))
            return
        PLATFORM_VERSION.set(self._tags.version)
        self._log.info("platform table of the last run in use", version=self._tags.version)

    async def follow(self, address: str, reader: str) -> None:
        """Takes each new version, for ever."""
        async for snapshot in watch(address, KIND, self._tags.version, reader):
            try:
                await asyncio.to_thread(self._tags.load, snapshot.data)
            except ValueError as error:
                self._log.error("a platform table that cannot be read was ignored", version=snapshot.version, reason=str(error))
                continue
            PLATFORM_VERSION.set(self._tags.version)
            self._health.ready(_CONDITION)
            self._log.info("platform table in use", version=self._tags.version, bytes=len(snapshot.data))
            await asyncio.to_thread(self._keep, snapshot.data)

    async def wait(self, seconds: float) -> None:
        """Not ready for so long at most while there is no table at all; then rows are stored without ids, and the log says so."""
        if self._tags.version:
            return
        self._health.waiting_for(_CONDITION, f"No platform table yet: rows would be stored without ids. Going on without after {seconds:g} s.")
        await asyncio.sleep(seconds)
        if not self._tags.version:
            self._log.warning("no platform table: rows are stored without ids until trisolaris gives one")
        self._health.ready(_CONDITION)

    def _keep(self, data: bytes) -> None:
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            new = self._file.with_suffix(".new")
            new.write_bytes(data)
            os.replace(new, self._file)  # noqa: PTH105  atomic, by the name everyone knows
        except OSError as error:
            self._log.warning("the platform table cannot be kept on disk: a restart without trisolaris will not know it", reason=str(error))
