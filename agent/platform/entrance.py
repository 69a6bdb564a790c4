"""Into another network namespace and back. Source: setns(2)."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

_CLONE_NEWNET: Final = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)

T = TypeVar("T")


def inside(path: str, inode: int, work: Callable[[], T]) -> T:
    """`work()` inside the namespace at `path`; the calling thread comes back in any case. Other threads do not move.

    Raises OSError where it cannot be entered, FileNotFoundError where `path` is another namespace than `inode` by now.
    """
    with _opened("/proc/thread-self/ns/net") as home:
        with _opened(path) as target:
            if os.fstat(target).st_ino != inode:
                raise FileNotFoundError(path)
            _enter(target)
        try:
            return work()
        finally:
            _enter(home)


@contextmanager
def _opened(path: str) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _enter(descriptor: int) -> None:
    if _libc.setns(descriptor, _CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
