"""One child process: started, asked whether it is ready, restarted with back-off when it ends by itself, stopped when told."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable
from typing import Final

import asyncpg
import httpx
import orjson

from cli.supervise import postgres
from cli.supervise.processes import Process
from cli.supervise.state import ProcessState, log_dir

_BACKOFF_S: Final = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_STEADY_S: Final = 60.0
"""A process that was ready this long starts its back-off anew."""
_LOG_BYTES_MAX: Final = 32 << 20
_PROBE_S: Final = 0.15
_LAST_BYTES: Final = 16 << 10


class Child:
    """Keeps one process of the table running until `stop`."""

    def __init__(self, process: Process, environment: dict[str, str], changed: Callable[[], None]) -> None:
        self.process = process
        self.state = ProcessState(process.name, process.what, process.port)
        self.ready = asyncio.Event()
        self._environment = environment
        self._changed = changed
        self._running: asyncio.subprocess.Process | None = None
        self._stopping = False

    async def run(self, http: httpx.AsyncClient) -> None:
        """Runs the process, again and again, until it is stopped."""
        failures = 0
        while not self._stopping:
            started = time.monotonic()
            self._set("starting" if not self.state.restarts else "restarting")
            await self._start()
            probe = asyncio.create_task(self._probe(http, started))
            running = self._running
            code = await running.wait() if running is not None else 0
            probe.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await probe
            self.ready.clear()
            if self._stopping:
                break
            failures = 0 if time.monotonic() - started > _STEADY_S else failures + 1
            pause = _BACKOFF_S[min(failures, len(_BACKOFF_S)) - 1] if failures else _BACKOFF_S[0]
            self.state.restarts += 1
            self._set("restarting", f"ended with {describe(code)}; again in {pause:g} s. {last_words(self.process)}".strip())
            await asyncio.sleep(pause)
        self._set("stopped")

    async def stop(self, timeout_s: float) -> None:
        """Asks it to stop, and ends it where it does not within `timeout_s`."""
        self._stopping = True
        running = self._running
        if running is None or running.returncode is not None:
            self._set("stopped")
            return
        self._set("stopping")
        with contextlib.suppress(ProcessLookupError):
            running.send_signal(self.process.stop_signal)
        try:
            async with asyncio.timeout(timeout_s):
                await running.wait()
            self._set("stopped")
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                running.kill()
            await running.wait()
            self._set("stopped", f"did not stop within {timeout_s:g} s and was killed")

    async def _start(self) -> None:
        path = log_dir() / self.process.log_name
        if path.exists() and path.stat().st_size > _LOG_BYTES_MAX:
            path.replace(path.with_suffix(".log.1"))
        with path.open("ab") as log:
            self._running = await asyncio.create_subprocess_exec(
                *self.process.argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
                start_new_session=True,
            )
        self.state.pid = self._running.pid

    async def _probe(self, http: httpx.AsyncClient, started: float) -> None:
        while not self._stopping:
            reason = await (self._ask_postgres() if self.process.name == "postgres" else self._ask(http))
            if self._stopping:
                return
            if not reason and self.state.state != "ready":
                self.state.started_in_s = time.monotonic() - started
                self._set("ready")
                self.ready.set()
            elif reason and self.state.state == "ready":
                self._set("not ready", reason)
            elif reason and reason != self.state.note:
                self.state.note = reason
            await asyncio.sleep(_PROBE_S if self.state.state != "ready" else 5.0)

    async def _ask(self, http: httpx.AsyncClient) -> str:
        try:
            answer = await http.get(f"http://127.0.0.1:{self.process.port}/readyz")
        except httpx.HTTPError:
            return "does not answer yet"
        if answer.status_code == httpx.codes.OK:
            return ""
        try:
            return "; ".join(str(reason) for reason in answer.json().get("waiting_for", {}).values())
        except ValueError:
            return f"answers {answer.status_code}"

    async def _ask_postgres(self) -> str:
        if self.ready.is_set():
            return ""
        try:
            connection = await asyncpg.connect(postgres.dsn("postgres"), timeout=2)
        except (OSError, asyncpg.PostgresError, TimeoutError):
            return "does not answer yet"
        try:
            if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = 'weir'"):
                await connection.execute("CREATE DATABASE weir")
        finally:
            await connection.close()
        return ""

    def _set(self, state: str, note: str = "") -> None:
        self.state.state, self.state.note, self.state.since = state, note, time.time()
        self._changed()


def describe(code: int) -> str:
    """An exit code in words."""
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"code {code}"


def last_words(process: Process) -> str:
    """Why a process ended: the reason or error in its last lines, else its last line, "" where it said nothing."""
    path = log_dir() / process.log_name
    with path.open("rb") as log:
        log.seek(max(0, os.fstat(log.fileno()).st_size - _LAST_BYTES))
        lines = log.read().decode(errors="replace").strip().splitlines()
    for line in reversed(lines):
        try:
            said = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue
        if isinstance(said, dict) and said.get("level") == "error":
            return str(said.get("reason") or f"{said.get('event')}: {said.get('error', '')}")[:300]
    return f"Its log ends: {lines[-1][:200]}" if lines else ""
