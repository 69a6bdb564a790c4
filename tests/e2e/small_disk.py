"""A file system that is small enough to be filled."""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Iterator
from pathlib import Path

_LIBC = ctypes.CDLL(None, use_errno=True)
_MNT_DETACH = 2


@contextlib.contextmanager
def small_disk(folder: Path, mib: int) -> Iterator[None]:
    """Mounts a tmpfs of `mib` at `folder`; without the right to mount, `folder` is an ordinary one."""
    folder.mkdir(parents=True, exist_ok=True)
    mounted = _LIBC.mount(b"weir-test", os.fsencode(folder), b"tmpfs", 0, f"size={mib}m,mode=700".encode()) == 0
    try:
        yield
    finally:
        if mounted:
            _LIBC.umount2(os.fsencode(folder), _MNT_DETACH)


@contextlib.contextmanager
def filled(folder: Path, leave_bytes: int = 0) -> Iterator[None]:
    """No room in the file system of `folder` but for `leave_bytes`, until the end of the block."""
    ballast = folder / "ballast"
    try:
        with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
            while (room := free(folder)) > leave_bytes:
                file.write(bytes(min(room - leave_bytes, 1 << 20)))
        yield
    finally:
        ballast.unlink(missing_ok=True)


def free(folder: Path) -> int:
    """Bytes that can be written."""
    room = os.statvfs(folder)
    return room.f_bavail * room.f_frsize
