"""Starts the processes by readiness, keeps them running, stops them in reverse order."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Sequence
from typing import Final

import httpx

from cli.supervise import postgres
from cli.supervise.child import Child
from cli.supervise.processes import Process
from cli.supervise.state import State, write_state

_STOP_S: Final = 15.0
_FIRST_S: Final = 10.0


class Supervisor:
    """Holds the children of one machine."""

    def __init__(self, processes: Sequence[Process], skipped: dict[str, str], on_change: Callable[[State], None]) -> None:
        self.state = State(os.getpid(), time.time())
        self._on_change = on_change
        self._children = [Child(process, environment(), self._changed) for process in processes]
        self._skipped = skipped
        self._by_name = {child.process.name: child for child in self._children}
        self.state.processes = [child.state for child in self._children]
        self.stopping = asyncio.Event()
        self.all_ready = asyncio.Event()

    async def run(self) -> None:
        """Runs everything until SIGINT, SIGTERM or `stopping`, then stops it in reverse order."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self.stopping.set)
        async with httpx.AsyncClient(timeout=2.0, trust_env=False) as http:
            running = [asyncio.create_task(self._keep(child, http)) for child in self._children]
            watcher = asyncio.create_task(self._watch_ready())
            await self.stopping.wait()
            watcher.cancel()
            await self._stop()
            for task in running:
                task.cancel()
            await asyncio.gather(*running, watcher, return_exceptions=True)

    async def _keep(self, child: Child, http: httpx.AsyncClient) -> None:
        if reason := self._skipped.get(child.process.name):
            child.state.state, child.state.note = "skipped", reason
            self._changed()
            return
        if not child.process.first:
            await self._wait_for_first()
        for name in child.process.needs:
            if name in self._by_name and name not in self._skipped:
                await self._by_name[name].ready.wait()
        await child.run(http)

    async def _wait_for_first(self) -> None:
        """A question can be answered long before everything is up; but nobody waits for ever for a process that does not come."""
        waits = [child.ready.wait() for child in self._children if child.process.first and child.process.name not in self._skipped]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FIRST_S):
                await asyncio.gather(*waits)

    async def _watch_ready(self) -> None:
        for child in self._children:
            if child.process.name not in self._skipped:
                await child.ready.wait()
        self.all_ready.set()

    async def _stop(self) -> None:
        """Those that need others stop first, so that nobody loses what it leans on while it still has something to hand over."""
        remaining = [child for child in self._children if child.process.name not in self._skipped]
        while remaining:
            needed = {name for child in remaining for name in child.process.needs}
            free = [child for child in remaining if child.process.name not in needed]
            await asyncio.gather(*(child.stop(_STOP_S) for child in free))
            remaining = [child for child in remaining if child not in free]

    def _changed(self) -> None:
        write_state(self.state)
        self._on_change(self.state)


def environment() -> dict[str, str]:
    """What every child finds in its environment besides the caller's own: where the databases are, and whom to die with."""
    own = dict(os.environ)
    own["WEIR_SUPERVISOR_PID"] = str(os.getpid())
    own["PYTHONUNBUFFERED"] = "1"
    own.setdefault("MALLOC_ARENA_MAX", "2")
    if not own.get("WEIR_POSTGRES_DSN"):
        postgres.make_password()
        own["WEIR_POSTGRES_DSN"] = postgres.dsn()
    return own
