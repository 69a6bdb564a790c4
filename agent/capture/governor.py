"""Keeps the agent within its limits: near one it makes less, L7 first, then flow rows; with room again for a while it makes more."""

from __future__ import annotations

import contextlib
import math
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

MIB: Final = 1 << 20
Level = Literal[0, 1, 2]
"""0 everything, 1 no L7, 2 no L7 and no flow rows: documents alone."""
WORDS: Final[tuple[str, ...]] = ("", "l7", "l7,logs")
_OVER_WINDOWS: Final = 2
_ROOM_WINDOWS: Final = 6
_ROOM_SHARE: Final = 0.7
"""There is room again below this share of every limit."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Of this process, in one window."""

    cpu_percent: float
    """Of one core."""
    resident_bytes: int


@dataclass(slots=True)
class Governor:
    """Decides; reads no clock. `observe` is called once a window."""

    cpu_percent: float = math.inf
    resident_bytes: float = math.inf
    level: Level = 0
    _over: int = field(default=0)
    _room: int = field(default=0)

    def limit(self, cpu_percent: float, resident_bytes: float) -> None:
        """The limits from now on."""
        self.cpu_percent, self.resident_bytes = cpu_percent, resident_bytes

    def observe(self, usage: Usage) -> Level:
        """What to make from now on, after a window with this use: one step at a time, sooner down than up."""
        if usage.cpu_percent > self.cpu_percent or usage.resident_bytes > self.resident_bytes:
            self._over, self._room = self._over + 1, 0
        elif usage.cpu_percent < self.cpu_percent * _ROOM_SHARE and usage.resident_bytes < self.resident_bytes * _ROOM_SHARE:
            self._over, self._room = 0, self._room + 1
        else:
            self._over = self._room = 0
        if self._over >= _OVER_WINDOWS and self.level < 2:  # noqa: PLR2004  the last level
            self.level = 1 if self.level == 0 else 2
            self._over = 0
        elif self._room >= _ROOM_WINDOWS and self.level > 0:
            self.level = 1 if self.level == 2 else 0  # noqa: PLR2004  the last level
            self._room = 0
        return self.level


class Meter:
    """Reads this process's use of CPU and memory, the native threads' included."""

    def __init__(self) -> None:
        self._cpu_s = time.process_time()
        self._at_s = time.monotonic()

    def read(self) -> Usage:
        """Since the last reading."""
        cpu_s, at_s = time.process_time(), time.monotonic()
        percent = 100 * (cpu_s - self._cpu_s) / max(at_s - self._at_s, 1e-3)
        self._cpu_s, self._at_s = cpu_s, at_s
        return Usage(percent, resident_bytes())


def resident_bytes() -> int:
    """Resident memory of this process, in bytes."""
    with open("/proc/self/statm", "rb") as file:  # noqa: PTH123  /proc
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def group_limits() -> tuple[float, float]:
    """CPU (percent of a core) and memory (bytes) that this process's control group allows; infinite where it says nothing. Both versions of cgroup."""
    cpu, memory = math.inf, math.inf
    for folder in _group_folders():
        with contextlib.suppress(OSError, ValueError):
            quota, period = (folder / "cpu.max").read_text().split()
            cpu = min(cpu, 100 * int(quota) / int(period))
        with contextlib.suppress(OSError, ValueError):
            quota_us, period_us = (int((folder / f"cpu.cfs_{name}_us").read_text()) for name in ("quota", "period"))
            cpu = min(cpu, 100 * quota_us / period_us) if quota_us > 0 else cpu
        for name in ("memory.max", "memory.limit_in_bytes"):
            with contextlib.suppress(OSError, ValueError):
                memory = min(memory, int((folder / name).read_text()))
    return cpu, memory


def _group_folders() -> list[Path]:
    folders = []
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            root = Path("/sys/fs/cgroup", controllers) if controllers else Path("/sys/fs/cgroup")
            folders.append(root / path.lstrip("/"))
    return folders
