"""A pipe that the engine writes and the event loop reads: the bounded buffer between a query and a slow client."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
from typing import Final

_F_SETPIPE_SZ: Final = 1031
_SIZE: Final = 1 << 20


class Pipe:
    """Created by the loop, opened for writing by the engine under `path`."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._read, False)
        with contextlib.suppress(OSError):
            fcntl.fcntl(self._write, _F_SETPIPE_SZ, _SIZE)
        self._waiting: asyncio.Future[None] | None = None

    @property
    def path(self) -> str:
        """What the engine opens."""
        return f"/proc/self/fd/{self._write}"

    def no_more_writers(self) -> None:
        """The query has ended: what is in the pipe is all there will be. Called in the loop's thread."""
        if self._write >= 0:
            os.close(self._write)
            self._write = -1
        self._wake()

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def read(self, patience_s: float) -> bytes | None:
        """The next bytes, b"" at the end, None where the engine has had none for `patience_s` seconds."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                return os.read(self._read, _SIZE)
            except BlockingIOError:
                self._waiting = loop.create_future()
            loop.add_reader(self._read, self._wake)
            try:
                async with asyncio.timeout(patience_s):
                    await self._waiting
            except TimeoutError:
                return None
            finally:
                loop.remove_reader(self._read)
                self._waiting = None

    def close(self) -> None:
        """The reader is gone: the engine's next write fails and the query ends."""
        if self._read >= 0:
            os.close(self._read)
            self._read = -1
        if self._write >= 0:
            os.close(self._write)
            self._write = -1
