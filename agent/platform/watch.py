"""Watches the machine and publishes its facts whenever they change: by events from the kernel, with a slow look behind them that misses nothing for long."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from agent.metrics import NAMESPACES
from agent.platform.entrance import inside
from agent.platform.facts import HostFacts, Interface, Namespace, Process
from agent.platform.namespaces import NAMED, Found, Namespaces, workload_name
from agent.platform.netlink import RouteSockets
from agent.platform.notice import NameNotice, process_end
from agent.platform.processes import Processes
from agent.platform.program import program_name
from libs.boot import get_logger

SETTLE_S: Final = 0.05
"""Events come in swarms; so long after the first one the facts are read."""
SWARM_S: Final = 0.2
"""Between two readings because of events."""
_RESCAN_S: Final = 2.0
_RESCAN_SHARE: Final = 300
"""A slow look may cost a 300th of the time until the next one."""
_RESCAN_ALL_S: Final = 60.0
NAMESPACES_MOST: Final = 1024

OnChange = Callable[[HostFacts], None]


@dataclass(slots=True)
class _Space:
    found: Found
    sockets: RouteSockets
    workload: str = ""
    interfaces: tuple[Interface, ...] = ()
    end: int | None = None
    """Readable when the process it was found by ends."""


class Watcher:
    """Runs on an event loop; all reading is done on one thread of its own, never two things at a time."""

    def __init__(self, boot_time_s: int, on_change: OnChange) -> None:
        self.facts = HostFacts()
        self.problem = ""
        """What cannot be seen and why, one sentence; empty where everything can."""
        self._on_change = on_change
        self._other_namespaces = True
        self._with_processes = True
        self._namespaces = Namespaces()
        self._processes = Processes(boot_time_s)
        self._known_processes: tuple[Process, ...] = ()
        self._spaces: dict[int, _Space] = {}
        self._dirty: set[int] = set()
        self._rescan = True
        self._wake = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="platform")
        self._look_due = self._rescan_due = self._rescan_all_due = 0.0
        self._unenterable: set[int] = set()
        self.first = asyncio.Event()
        """Set once facts were published."""

    def configure(self, *, namespaces: bool, processes: bool) -> None:
        """Whether to look into other namespaces, and at processes."""
        changed = (namespaces, processes) != (self._other_namespaces, self._with_processes)
        self._other_namespaces, self._with_processes = namespaces, processes
        if changed:
            self._rescan = True
            self._look_due = 0.0
            self._wake.set()

    async def run(self) -> None:
        """Watches until cancelled."""
        loop = asyncio.get_running_loop()
        notice = NameNotice(NAMED)
        loop.add_reader(notice.fileno(), self._on_name, notice)
        try:
            while True:
                await self._pass()
                await self._pause()
        finally:
            loop.remove_reader(notice.fileno())
            notice.close()
            for space in list(self._spaces.values()):
                self._leave(space)
            self._thread.shutdown(wait=False)

    async def _pause(self) -> None:
        due = self._rescan_due if not self._with_processes else min(self._rescan_due, self._look_due)
        began = time.monotonic()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, due - began)):
                await self._wake.wait()
        if self._wake.is_set():
            await asyncio.sleep(SETTLE_S if time.monotonic() - began > SWARM_S else SWARM_S)
            self._wake.clear()

    async def _pass(self) -> None:
        """One reading of what may have changed."""
        loop = asyncio.get_running_loop()
        now = time.monotonic()
        if self._rescan or now >= self._rescan_due:
            self._rescan = False
            again = now >= self._rescan_all_due
            if again:
                self._rescan_all_due = now + _RESCAN_ALL_S
            found, cost_s = await loop.run_in_executor(self._thread, self._find, again)
            self._rescan_due = now + max(_RESCAN_S, cost_s * _RESCAN_SHARE)
            await self._follow(found)
        dirty, self._dirty = self._dirty, set()
        if dirty:
            await loop.run_in_executor(self._thread, self._read, dirty)
        if not self._with_processes:
            self._known_processes = ()
        elif now >= self._look_due:
            sockets = {inode: space.sockets.diag for inode, space in self._spaces.items()}
            self._known_processes = await loop.run_in_executor(self._thread, self._processes.look, sockets)
            self._look_due = time.monotonic() + self._processes.pause_s()
        self._publish()

    def _publish(self) -> None:
        spaces = sorted(self._spaces.values(), key=lambda space: space.found.name)
        namespaces = tuple(Namespace(one.found.name, one.found.inode, one.workload, one.interfaces, one.found.path) for one in spaces)
        facts = HostFacts(namespaces, self._known_processes)
        NAMESPACES.set(len(namespaces))
        if facts != self.facts:
            self.facts = facts
            self._on_change(facts)
        self.first.set()

    def _find(self, again: bool) -> tuple[dict[int, Found], float]:  # noqa: FBT001  called through an executor
        """The namespaces by inode, the own one first, and what finding them cost in CPU seconds."""
        began = time.thread_time()
        own = Found(self._namespaces.own, "", "/proc/self/ns/net", 0)
        if not self._other_namespaces:
            return {own.inode: own}, 0.0
        found = self._namespaces.find(again=again)
        return {own.inode: own, **dict(list(found.items())[: NAMESPACES_MOST - 1])}, time.thread_time() - began

    async def _follow(self, found: dict[int, Found]) -> None:
        """Lets go of the namespaces that are gone (a held socket would keep them alive), and enters the new ones."""
        loop = asyncio.get_running_loop()
        for inode in self._spaces.keys() - found.keys():
            self._leave(self._spaces.pop(inode))
        self._unenterable &= found.keys()
        for inode, one in found.items():
            space = self._spaces.get(inode)
            if space is not None and space.found != one:
                self._watch_end(space, one)
            elif space is None and inode not in self._unenterable:
                entered = await loop.run_in_executor(self._thread, self._enter, one)
                if entered is not None:
                    self._spaces[inode] = entered
                    self._dirty.add(inode)
                    loop.add_reader(entered.sockets.fileno(), self._on_events, entered)
                    self._watch_end(entered, one)

    def _enter(self, found: Found) -> _Space | None:
        try:
            sockets = RouteSockets() if found.inode == self._namespaces.own else inside(found.path, found.inode, RouteSockets)
        except PermissionError:
            self._unenterable.add(found.inode)
            if not self.problem:
                self.problem = "Other network namespaces cannot be entered: run the agent with sudo, or give it CAP_SYS_ADMIN."
                get_logger("agent.platform").warning(self.problem)
            return None
        except OSError:  # gone in between
            return None
        return _Space(found, sockets, _workload(found))

    def _watch_end(self, space: _Space, found: Found) -> None:
        loop = asyncio.get_running_loop()
        if space.end is not None:
            loop.remove_reader(space.end)
            os.close(space.end)
        if space.found.pid != found.pid:
            space.workload = _workload(found)
        space.found = found
        space.end = process_end(found.pid) if found.pid else None
        if space.end is not None:
            loop.add_reader(space.end, self._on_end, space)

    def _leave(self, space: _Space) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(space.sockets.fileno())
        space.sockets.close()
        if space.end is not None:
            loop.remove_reader(space.end)
            os.close(space.end)
            space.end = None

    def _read(self, dirty: set[int]) -> None:
        for inode in dirty:
            space = self._spaces.get(inode)
            if space is not None:
                try:
                    space.interfaces = space.sockets.interfaces()
                except OSError as error:
                    get_logger("agent.platform").warning("a namespace's interfaces cannot be read", namespace=space.found.name, reason=str(error))

    def _on_events(self, space: _Space) -> None:
        if space.sockets.take_events():
            self._dirty.add(space.found.inode)
            self._rescan = True
            self._wake.set()

    def _on_name(self, notice: NameNotice) -> None:
        if notice.take():
            self._rescan = True
            self._wake.set()
            # The name is made first and becomes a namespace a moment later.
            asyncio.get_running_loop().call_later(4 * SWARM_S, self._look_again)

    def _look_again(self) -> None:
        self._rescan = True
        self._wake.set()

    def _on_end(self, space: _Space) -> None:
        if space.end is not None:
            asyncio.get_running_loop().remove_reader(space.end)
            os.close(space.end)
            space.end = None
            self._namespaces.forget(space.found.pid)
        self._look_again()


def _workload(found: Found) -> str:
    """What runs in a namespace that has no name of its own, in words."""
    if not found.pid:
        return ""
    if name := workload_name(found.pid):
        return name
    with contextlib.suppress(OSError), open(f"/proc/{found.pid}/cmdline", "rb") as file:  # noqa: PTH123  /proc
        return program_name([part.decode("utf-8", "replace") for part in file.read(4096).rstrip(b"\0").split(b"\0")], "")
    return ""
