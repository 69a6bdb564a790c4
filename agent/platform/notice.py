"""The kernel's word that something was made or removed: names in /run/netns (inotify), and processes that end (pidfd)."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from typing import Final

_IN_NONBLOCK, _IN_CLOEXEC = 0o4000, 0o2000000
_CREATE, _DELETE, _MOVED = 0x100, 0x200, 0xC0
_libc: Final = ctypes.CDLL(None, use_errno=True)


class NameNotice:
    """Readable when a name appears in or leaves `folder`, or when the folder itself appears. Source: inotify(7)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._descriptor = _libc.inotify_init1(_IN_NONBLOCK | _IN_CLOEXEC)
        if self._descriptor < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        self._watching = False
        self._watch()

    def fileno(self) -> int:
        """To wait on."""
        return int(self._descriptor)

    def take(self) -> bool:
        """Reads the news away; whether it may concern the folder."""
        try:
            os.read(self._descriptor, 1 << 16)
        except BlockingIOError:
            return False
        if self._watching:
            return True
        self._watch()
        return self._watching

    def close(self) -> None:
        """Ends it."""
        os.close(self._descriptor)

    def _watch(self) -> None:
        if self._folder.is_dir():
            self._watching = self._add(self._folder, _CREATE | _DELETE | _MOVED)
        else:
            self._add(self._folder.parent, _CREATE)

    def _add(self, path: Path, mask: int) -> bool:
        return int(_libc.inotify_add_watch(self._descriptor, os.fsencode(path), mask)) >= 0


def process_end(pid: int) -> int | None:
    """A descriptor that becomes readable when the process ends; None where it has ended already or the kernel is older than 5.3."""
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None
