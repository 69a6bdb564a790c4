"""Free space: watched, told on /readyz, and asked for before an insert is tried."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Final

from services.store.errors import Overloaded
from services.store.metrics import FREE_BYTES

_EVERY_S: Final = 1.0


class Disk:
    """The file system that holds the data."""

    def __init__(self, directory: Path, min_free_bytes: int) -> None:
        self._directory = directory
        self._min_free = min_free_bytes
        self._free = 0
        self.look()

    def look(self) -> None:
        """Reads the free space."""
        stat = os.statvfs(self._directory)
        self._free = stat.f_bavail * stat.f_frsize
        FREE_BYTES.set(self._free)

    def report(self) -> str:
        """What is wrong, "" where nothing is."""
        if self._free >= self._min_free:
            return ""
        return f"Only {self._free >> 20} MiB are free on the file system of {self._directory}; {self._min_free >> 20} MiB are needed: make room or lower WEIR_STORE_MIN_FREE_MIB."

    def require(self) -> None:
        """Raises Overloaded where an insert would fill the disk."""
        if self._free < self._min_free:
            raise Overloaded(243, "NOT_ENOUGH_SPACE", self.report())

    async def watch(self) -> None:
        """Looks again and again, for ever."""
        while True:
            await asyncio.sleep(_EVERY_S)
            self.look()
