"""A request body at rest until all of it has come: in anonymous memory while it is small, in an unnamed file after that.

Waiting for the whole body makes an insert all or nothing (a body cut short inserts no row), and gives the engine a plain file, which it
reads and parses with its own threads: Python never holds the body as one object and never copies it.
"""

from __future__ import annotations

import os
from pathlib import Path

from services.store.errors import BadRequest, Overloaded


class Spool:
    """Append-only bytes with a path the engine can open. Close it."""

    __slots__ = ("_directory", "_fd", "_memory_limit", "_on_disk", "size")

    def __init__(self, directory: Path, memory_limit: int) -> None:
        self._directory = directory
        self._memory_limit = memory_limit
        self._fd = os.memfd_create("weir-store-body", os.MFD_CLOEXEC)
        self._on_disk = False
        self.size = 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Appends. Raises Overloaded where the file system is full."""
        try:
            if not self._on_disk and self.size + len(data) > self._memory_limit:
                self._move_to_disk()
            view = memoryview(data)
            while view:
                view = view[os.write(self._fd, view) :]
        except OSError as error:
            raise Overloaded(243, "NOT_ENOUGH_SPACE", f"The request body could not be kept: {error.strerror}") from error
        self.size += len(data)

    def _move_to_disk(self) -> None:
        fd = os.open(self._directory, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
        done = 0
        while done < self.size:
            done += os.sendfile(fd, self._fd, done, self.size - done)
        os.close(self._fd)
        self._fd, self._on_disk = fd, True

    @property
    def path(self) -> str:
        """Where this process can open it."""
        return f"/proc/self/fd/{self._fd}"

    def head(self, size: int) -> bytes:
        """The first `size` bytes."""
        return os.pread(self._fd, size, 0)

    def text(self, limit: int) -> bytes:
        """All of it, where it is not larger than `limit`."""
        if self.size > limit:
            raise BadRequest(62, "SYNTAX_ERROR", f"Max query size exceeded ({limit} bytes)")
        return os.pread(self._fd, self.size, 0) if self.size else b""

    def append_from(self, other: Spool, skip: int) -> None:
        """Appends what `other` holds after its first `skip` bytes, without bringing it into Python."""
        size = max(0, other.size - skip)
        try:
            if not self._on_disk and self.size + size > self._memory_limit:
                self._move_to_disk()
            done = skip
            while done < other.size:
                done += os.sendfile(self._fd, other._fd, done, other.size - done)
        except OSError as error:
            raise Overloaded(243, "NOT_ENOUGH_SPACE", f"The request body could not be kept: {error.strerror}") from error
        self.size += size

    def cut_front(self, size: int) -> Spool:
        """A new spool without the first `size` bytes (the statement before its data)."""
        rest = Spool(self._directory, self._memory_limit)
        rest.append_from(self, size)
        return rest

    def close(self) -> None:
        """Gives the bytes up."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
