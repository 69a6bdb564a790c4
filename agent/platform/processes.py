"""Which processes listen or hold connections.

The kernel is asked for sockets (cheap); only a socket not seen before costs a search through file descriptors for its owner (dear), and the dearer the
search was, the longer the next one waits.
"""

# /proc is read all the time, and plain calls cost a third of Path's.
# ruff: noqa: PTH115, PTH116, PTH123, PTH208

from __future__ import annotations

import contextlib
import os
import pwd
import socket
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from agent.platform.facts import Listener, Process
from agent.platform.namespaces import container_id
from agent.platform.program import program_name, shown_command
from agent.platform.sockets import UDP, ListeningSocket, connected, listening

PROCESSES_MOST: Final = 4096
_SHARE: Final = 300
"""A look may cost a 300th of the time until the next one."""
_LATELY: Final = 0.2
_LISTEN_S: Final = 1.0
_CONNECT_S: Final = 5.0
_OWNERLESS_S: Final = 30.0
"""A socket whose owner was not found (another user's, the kernel's) is searched for again after this."""
_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class _Known:
    process: Process
    """Without its listeners."""
    inodes: set[int]


class Processes:
    """Keeps what is known from look to look. `look` blocks for milliseconds: call it on a thread of its own."""

    def __init__(self, boot_time_s: int) -> None:
        self._boot_time_s = boot_time_s
        self._known: dict[int, _Known] = {}
        self._owner: dict[int, int] = {}
        """Socket inode -> pid, 0 for a search in vain."""
        self._ownerless_until: dict[int, float] = {}
        self._listeners: dict[int, list[ListeningSocket]] = {}
        """By namespace."""
        self._udp_before: set[int] = set()
        self._ephemeral_from = _ephemeral_from()
        self._connect_due = 0.0
        self.cost_s = 0.0
        """CPU seconds of a look, as it has been lately: one dear search must not keep the next service waiting."""

    def look(self, namespaces: Mapping[int, socket.socket]) -> tuple[Process, ...]:
        """The processes now, by pid. `namespaces` are sock_diag sockets by namespace inode; one that fails is left out."""
        began, now = time.thread_time(), time.monotonic()
        with_peers = now >= self._connect_due
        wanted: dict[int, int] = {}
        self._listeners = {}
        connected_now: dict[int, int] = {}
        for inode, diag in namespaces.items():
            with contextlib.suppress(OSError):
                self._listeners[inode] = listening(diag)
                wanted.update((one.inode, inode) for one in self._listeners[inode] if self._is_service(one))
                if with_peers:
                    connected_now.update((found, inode) for found in connected(diag))
        self._udp_before = {one.inode for all_of in self._listeners.values() for one in all_of if one.protocol == UDP}
        self._forget_gone()
        self._find_owners({**connected_now, **wanted}, now)
        if with_peers:
            self._forget_closed(set(connected_now) | set(wanted))
        self.cost_s += (time.thread_time() - began - self.cost_s) * _LATELY
        if with_peers:
            self._connect_due = now + max(_CONNECT_S, self.cost_s * _SHARE)
        return self._facts()

    def pause_s(self) -> float:
        """How long to wait until the next look."""
        return max(_LISTEN_S, self.cost_s * _SHARE)

    def _is_service(self, one: ListeningSocket) -> bool:
        """A UDP socket on a port the kernel chose is a client's, unless it stays."""
        return one.protocol != UDP or one.port < self._ephemeral_from or one.inode in self._udp_before

    def _forget_gone(self) -> None:
        for pid in [pid for pid, known in self._known.items() if _start_time_ms(pid, self._boot_time_s) != known.process.start_time_ms]:
            for inode in self._known.pop(pid).inodes:
                self._owner.pop(inode, None)

    def _forget_closed(self, alive: set[int]) -> None:
        for inode in self._owner.keys() - alive:
            del self._owner[inode]
            self._ownerless_until.pop(inode, None)
        for known in self._known.values():
            known.inodes &= alive

    def _find_owners(self, wanted: Mapping[int, int], now: float) -> None:
        missing = {inode for inode in wanted if self._owner.get(inode, 0) == 0 and self._ownerless_until.get(inode, 0.0) <= now}
        if not missing:
            return
        for pid in self._likely_pids():
            held = _socket_inodes(pid) & missing
            if held:
                owner = _oldest_holder(pid, next(iter(held)))
                self._learn(owner, held, wanted)
                missing -= held
                if not missing:
                    return
        for inode in missing:
            self._owner[inode] = 0
            self._ownerless_until[inode] = now + _OWNERLESS_S

    def _likely_pids(self) -> Iterable[int]:
        """First those that have sockets already, then the newest."""
        yield from list(self._known)
        yield from sorted((int(name) for name in os.listdir("/proc") if name.isdecimal() and int(name) not in self._known), reverse=True)

    def _learn(self, pid: int, held: set[int], wanted: Mapping[int, int]) -> None:
        known = self._known.get(pid)
        if known is None:
            process = _describe(pid, wanted[next(iter(held))], self._boot_time_s)
            if process is None or len(self._known) >= PROCESSES_MOST:
                return
            known = self._known[pid] = _Known(process, set())
        known.inodes |= held
        for inode in held:
            self._owner[inode] = pid

    def _facts(self) -> tuple[Process, ...]:
        listeners: dict[int, set[Listener]] = {}
        for all_of in self._listeners.values():
            for one in all_of:
                if (pid := self._owner.get(one.inode, 0)) and self._is_service(one):
                    listeners.setdefault(pid, set()).add(Listener(one.text, one.port, one.protocol))
        return tuple(replace(self._known[pid].process, listeners=tuple(sorted(listeners.get(pid, ())))) for pid in sorted(self._known))


def _socket_inodes(pid: int) -> set[int]:
    found = set()
    folder = f"/proc/{pid}/fd"
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            with contextlib.suppress(OSError):
                target = os.readlink(f"{folder}/{name}")
                if target.startswith("socket:["):
                    found.add(int(target[8:-1]))
    return found


def _oldest_holder(pid: int, inode: int) -> int:
    """A socket is handed down from parent to child: the service is the first that has it."""
    while (parent := _parent(pid)) > 1 and inode in _socket_inodes(parent):
        pid = parent
    return pid


def _stat(pid: int) -> tuple[str, list[str]] | None:
    """The kernel's name and the fields after it (proc_pid_stat(5): the first is the state)."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return None
    name, _, rest = text.partition("(")[2].rpartition(")")
    return name, rest.split()


def _parent(pid: int) -> int:
    found = _stat(pid)
    return int(found[1][1]) if found else 0


def _start_time_ms(pid: int, boot_time_s: int) -> int:
    found = _stat(pid)
    return boot_time_s * 1000 + int(found[1][19]) * 1000 // _TICKS_PER_S if found else -1


def _describe(pid: int, netns_inode: int, boot_time_s: int) -> Process | None:
    found = _stat(pid)
    if found is None:
        return None
    kname = found[0]
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            arguments = [part.decode("utf-8", "replace") for part in file.read(1 << 16).rstrip(b"\0").split(b"\0")]
        user_id = os.stat(f"/proc/{pid}").st_uid
    except OSError:
        return None
    try:
        user = pwd.getpwuid(user_id).pw_name
    except KeyError:
        user = str(user_id)
    return Process(
        pid=pid,
        start_time_ms=boot_time_s * 1000 + int(found[1][19]) * 1000 // _TICKS_PER_S,
        name=program_name(arguments, kname),
        kname=kname,
        command=shown_command(arguments),
        user=user,
        netns_inode=netns_inode,
        container_id=container_id(pid),
    )


def _ephemeral_from() -> int:
    try:
        return int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except (OSError, ValueError):
        return 32_768
