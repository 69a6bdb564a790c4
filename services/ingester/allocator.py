"""How this process's memory is kept.

Blocks of tens of megabytes come and go several times a second: handing their pages back to the kernel each time, and faulting them in
again, costs a fifth of the whole (measured).
"""

from __future__ import annotations

import ctypes
from typing import Final

_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3
_ARENA_MAX: Final = -8
_KEEP_BYTES: Final = 192 << 20
"""Free memory at the top of the heap that is kept rather than given back."""
_LARGEST_HEAP_BYTES: Final = 32 << 20
"""glibc takes no larger mmap threshold."""


def keep_memory() -> bool:
    """Tells glibc to reuse rather than return memory; call before any thread starts. False where the C library is another."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:
        return False
    return all(mallopt(option, value) for option, value in ((_ARENA_MAX, 1), (_TRIM_THRESHOLD, _KEEP_BYTES), (_MMAP_THRESHOLD, _LARGEST_HEAP_BYTES)))
