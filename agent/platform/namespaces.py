"""Finds the network namespaces of the machine: those with a name under /run/netns, and those that processes live in."""

# /proc is read all the time, and plain calls cost a third of Path's.
# ruff: noqa: PTH115, PTH116, PTH123, PTH208

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

NAMED: Final = Path("/run/netns")
_OWN: Final = "/proc/self/ns/net"
_INODE: Final = re.compile(r"net:\[(\d+)\]")
_CONTAINER: Final = re.compile(r"([0-9a-f]{64})")
SHORT_ID: Final = 12


@dataclass(frozen=True, slots=True)
class Found:
    """A namespace that can be entered."""

    inode: int
    name: str
    path: str
    pid: int
    """A process that lives in it; 0 where it was found by name."""


class Namespaces:
    """Remembers which process lives where, so that a look costs one listing of /proc and a look at each new process."""

    def __init__(self) -> None:
        self.own = os.stat(_OWN).st_ino
        self._filesystem = os.stat(_OWN).st_dev
        self._of_pid: dict[int, int] = {}
        self._young: set[int] = set()
        """New at the last look: they are looked at twice, for many a process moves to its namespace when it starts."""

    def find(self, *, again: bool = False) -> dict[int, Found]:
        """All namespaces but the own one, by inode. `again` also looks at processes seen before: they may have moved."""
        found = self._by_process(again=again)
        found.update(self._by_name())
        found.pop(self.own, None)
        return found

    def forget(self, pid: int) -> None:
        """The process has ended; while nobody has asked how, its entry in /proc stays and holds no namespace."""
        self._of_pid[pid] = 0

    def _by_name(self) -> dict[int, Found]:
        found = {}
        with contextlib.suppress(OSError):
            for entry in sorted(os.scandir(NAMED), key=lambda entry: entry.name):
                with contextlib.suppress(OSError):
                    status = entry.stat(follow_symlinks=True)
                    if status.st_dev == self._filesystem:  # a name whose mount is not there yet is an empty file
                        found[status.st_ino] = Found(status.st_ino, entry.name, entry.path, 0)
        return found

    def _by_process(self, *, again: bool) -> dict[int, Found]:
        alive = {int(name) for name in os.listdir("/proc") if name.isdecimal()}
        for pid in self._of_pid.keys() - alive:
            del self._of_pid[pid]
        new = alive - self._of_pid.keys()
        for pid in alive if again else new | (self._young & alive):
            self._of_pid[pid] = _namespace_of(pid)
        self._young = new
        found: dict[int, Found] = {}
        for pid in sorted(self._of_pid):
            inode = self._of_pid[pid]
            if inode not in (0, self.own) and inode not in found:
                container = container_id(pid)
                name = f"container:{container[:SHORT_ID]}" if container else f"pid:{pid}"
                found[inode] = Found(inode, name, f"/proc/{pid}/ns/net", pid)
        return found


def container_id(pid: int) -> str:
    """The 64 letters that Docker, containerd, CRI-O and Podman put into a cgroup's path; empty for none."""
    try:
        with open(f"/proc/{pid}/cgroup", encoding="utf-8", errors="replace") as file:
            match = _CONTAINER.search(file.read())
    except OSError:
        return ""
    return match.group(1) if match else ""


def workload_name(pid: int) -> str:
    """What the container around a process calls itself: its host name, which a container runtime takes from the container or the pod. Empty for none."""
    with contextlib.suppress(OSError):
        if os.readlink(f"/proc/{pid}/ns/uts") != os.readlink("/proc/self/ns/uts"):
            return Path(f"/proc/{pid}/root", "etc/hostname").read_text(encoding="utf-8", errors="replace").strip()[:256]
    return ""


def _namespace_of(pid: int) -> int:
    try:
        match = _INODE.match(os.readlink(f"/proc/{pid}/ns/net"))
    except OSError:  # a process of another user, or gone
        return 0
    return int(match.group(1)) if match else 0
