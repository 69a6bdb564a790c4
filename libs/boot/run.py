"""The run loop of a process: start, serve until told to stop, stop in order."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

import uvicorn

from libs.boot.errors import StartError
from libs.boot.health import Health
from libs.boot.logs import configure_logs, get_logger
from libs.boot.observe import App, observe
from libs.boot.protocol import Protocol
from libs.boot.settings import ProcessSettings, load_settings

_PR_SET_PDEATHSIG: Final = 1

Cleanup = Callable[[], Awaitable[None]]


@dataclass(slots=True)
class Runtime:
    """What a running process holds: its health, the signal to stop, and what to undo at the end, last thing first."""

    settings: ProcessSettings
    health: Health = field(default_factory=Health)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    failed: BaseException | None = None
    _cleanups: list[tuple[str, Cleanup]] = field(default_factory=list)
    _tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    def on_stop(self, name: str, cleanup: Cleanup) -> None:
        """Calls `cleanup` at the stop; the last one added runs first."""
        self._cleanups.append((name, cleanup))

    def task(self, name: str, work: Awaitable[Any]) -> asyncio.Task[Any]:
        """Runs `work` beside the process; cancelled at the stop. A task that fails stops the process, which says why."""

        async def supervised() -> None:
            try:
                await work
            except asyncio.CancelledError:
                raise
            except BaseException as error:  # noqa: BLE001  the task edge: whatever it was, the process must not go on half alive
                get_logger("boot").error("task failed", task=name, error=repr(error), exc_info=True)
                self.failed = error
                self.stopping.set()

        task = asyncio.create_task(supervised(), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

        async def cancel() -> None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

        self.on_stop(f"task {name}", cancel)
        return task

    async def serve_http(self, app: App | None, *, host: str | None = None, port: int | None = None, **options: Any) -> int:  # noqa: ANN401  uvicorn's own options
        """Serves `app` behind /healthz, /readyz and /metrics until the stop; returns the port. Raises StartError where the port is taken."""
        host = host or self.settings.host
        port = self.settings.port if port is None else port
        listener = listen(host, port)
        config = uvicorn.Config(
            observe(app, self.health),
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=max(1, int(self.settings.stop_timeout_s) - 1),
            # uvicorn's own 5 s are what exporters wait between two batches: every second one would meet a connection that is just being closed.
            timeout_keep_alive=75,
            **{"http": Protocol, "loop": "none", "server_header": False, "date_header": True, "ws": "none", "lifespan": "auto", **options},
        )
        server = _Server(config)
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        with contextlib.suppress(AttributeError):
            server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
        serving = asyncio.create_task(server.serve(sockets=[listener]), name="http")

        async def stop() -> None:
            server.end()
            await serving

        self.on_stop("http", stop)
        while not server.started:
            if serving.done():
                serving.result()
                message = "The HTTP server ended while it was starting; its log lines above say why."
                raise StartError(message)
            await asyncio.sleep(0.01)
        return int(listener.getsockname()[1])

    async def close(self) -> None:
        """Undoes everything, last thing first, each step within the stop time-out."""
        log = get_logger("boot")
        for name, cleanup in reversed(self._cleanups):
            try:
                async with asyncio.timeout(self.settings.stop_timeout_s):
                    await cleanup()
            except Exception as error:  # noqa: BLE001  the next step must still run
                log.warning("stop step failed", step=name, error=repr(error))


class _Server(uvicorn.Server):
    """uvicorn's server, waking once a second (for the Date header) instead of ten times: a dozen quiet processes share a machine."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._ending = asyncio.Event()

    def end(self) -> None:
        """Stops serving, now."""
        self.should_exit = True
        self._ending.set()

    async def main_loop(self) -> None:
        """Until `end`."""
        while not await self.on_tick(0):  # every tenth call renews the headers: 0 is one of them
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._ending.wait()


def listen(host: str, port: int) -> socket.socket:
    """A TCP socket that listens on `host:port`; StartError with the remedy where that is not possible."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        message = f"Port {port} on {host} cannot be used ({error.strerror}): stop what holds it (`ss -ltnp sport = :{port}` names it) or set another port."
        raise StartError(message) from error
    listener.listen(1024)
    listener.setblocking(False)
    return listener


def _die_with_supervisor() -> None:
    """Asks the kernel for SIGTERM when the supervisor dies, so that its `kill -9` leaves no orphans."""
    supervisor = os.environ.get("WEIR_SUPERVISOR_PID")
    if not supervisor:
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(supervisor):
        sys.exit("the supervisor is gone already")


async def _main(start: Callable[[Runtime], Awaitable[None]], settings: ProcessSettings) -> int:
    runtime = Runtime(settings)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, runtime.stopping.set)
    log = get_logger("boot")
    try:
        await start(runtime)
        log.info("started", port=settings.port)
        await runtime.stopping.wait()
    finally:
        await runtime.close()
    if runtime.failed is not None:
        return 1
    log.info("stopped")
    return 0


def run(process: str, settings: ProcessSettings | type[ProcessSettings], start: Callable[[Runtime], Awaitable[None]], *, uvloop: bool = True) -> None:
    """Runs a process: `start` builds everything and returns, then the process lives until SIGTERM or SIGINT. Exits the interpreter.

    `settings` may be a class, then they are read from the environment; what is wrong there is said in one sentence.
    """
    if isinstance(settings, type):
        try:
            settings = load_settings(settings)
        except StartError as error:
            sys.exit(f"weir {process}: {error}")
    configure_logs(process, settings.log_level, settings.log_format)
    _die_with_supervisor()
    factory = None
    if uvloop:
        import uvloop as uv  # noqa: PLC0415  gRPC's processes run on asyncio's own loop

        factory = uv.new_event_loop
    try:
        with asyncio.Runner(loop_factory=factory) as runner:
            code = runner.run(_main(start, settings))
    except StartError as error:
        get_logger("boot").error("cannot start", reason=str(error))
        sys.exit(3)
    sys.exit(code)
