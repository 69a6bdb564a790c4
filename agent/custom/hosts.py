"""Starts the process of each custom protocol, joins it to the engine, and starts it again when it has ended or hangs."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from agent.backoff import Backoff
from agent.custom.loading import Source
from libs.boot import get_logger

if TYPE_CHECKING:
    from weir_native import Engine

_LOOK_S: Final = 0.5
_STOP_S: Final = 3.0
_LINES_PER_MINUTE: Final = 60
_PROJECT: Final = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A protocol that is to be read."""

    source: Source
    ports: tuple[tuple[int, int], ...]
    """First and last of each range, either end's; none: whatever no other protocol knows."""


class Host:
    """One protocol's process, again and again."""

    def __init__(self, wanted: Wanted, place: int, lanes: int) -> None:
        self.wanted, self.place = wanted, place
        self.problem = ""
        """Why it does not run, one sentence; empty while it does."""
        self._lanes = lanes
        self._process: subprocess.Popen[bytes] | None = None
        self._last_line = ""
        self._thread: threading.Thread | None = None
        self._ending = threading.Event()

    def begin(self, engine: Engine) -> None:
        """Starts the process and gives the engine its sockets: one for each thread of the engine."""
        pairs = [socket.socketpair() for _ in range(self._lanes)]
        theirs = [pair[1] for pair in pairs]
        command = [sys.executable, "-m", "agent.custom", str(self.wanted.source.folder), self.wanted.source.name, *(str(end.fileno()) for end in theirs)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(_PROJECT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)}
        self._process = subprocess.Popen(  # noqa: S603  our own interpreter, with a class that an operator named
            command, pass_fds=[end.fileno() for end in theirs], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        for end in theirs:
            end.close()
        assert self._process.stderr is not None  # noqa: S101  asked for above
        threading.Thread(target=self._listen, args=(self._process.stderr,), name="custom log", daemon=True).start()
        engine.connect_protocol(self.place, list(self.wanted.ports), [pair[0].detach() for pair in pairs])

    def watch(self, engine: Engine) -> None:
        """From now on a process that ends is followed by another."""
        self._thread = threading.Thread(target=self._keep, args=(engine,), name="custom", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """No other process follows."""
        self._ending.set()

    def reap(self) -> None:
        """Waits until the process is gone; the engine has closed its sockets before."""
        if self._thread is not None:
            self._thread.join()
        process = self._process
        if process is not None:
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def ended(self) -> str:
        """Why the process is gone, one sentence; empty while it is there."""
        code = self._process.poll() if self._process is not None else None
        if code is None:
            return ""
        how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        return self._last_line if code == 3 and self._last_line else f"The process of protocol {self.wanted.source.name} ended {how}."  # noqa: PLR2004

    def _keep(self, engine: Engine) -> None:
        log = get_logger("agent.custom")
        backoff, began = Backoff(1.0, 60.0), time.monotonic()
        while not self._ending.wait(_LOOK_S):
            health = dict(engine.protocol_health()).get(self.place, "")
            process = self._process
            if process is not None and health in {"stuck", "nonsense"}:
                process.kill()
                process.wait()
                self._last_line = f"The process of protocol {self.wanted.source.name} answered nothing for ten seconds and was ended."
            elif not (reason := self.ended()):
                if health == "running" and self.problem:
                    self.problem = ""
                    log.info("protocol is read again", protocol=self.wanted.source.name)
                continue
            else:
                self._last_line = reason
            self.problem = self._last_line
            if time.monotonic() - began > 60:  # noqa: PLR2004  it did run
                backoff.succeeded()
            wait_s = backoff.failed()
            log.warning("protocol is not read", protocol=self.wanted.source.name, reason=self.problem, again_in_s=round(wait_s, 1))
            engine.disconnect_protocol(self.place)
            if self._ending.wait(wait_s):
                return
            began = time.monotonic()
            self.begin(engine)

    def _listen(self, pipe: IO[bytes]) -> None:
        """What the operator's code writes is the agent's log, as far as that is readable."""
        log = get_logger("agent.custom")
        minute, lines = 0.0, 0
        for line in pipe:
            text = line.decode(errors="replace").rstrip()[:2000]
            if not text:
                continue
            self._last_line = text
            if time.monotonic() - minute > 60:  # noqa: PLR2004  a minute
                minute, lines = time.monotonic(), 0
            lines += 1
            if lines <= _LINES_PER_MINUTE:
                log.info("protocol says", protocol=self.wanted.source.name, line=text)


class Hosts:
    """The processes of every custom protocol of one engine."""

    def __init__(self) -> None:
        self._hosts: list[Host] = []
        self._made = 0

    def begin(self, engine: Engine, wanted: Sequence[Wanted], lanes: int, *, keep: bool) -> None:
        """Starts them; with `keep` they are started again whenever they end."""
        for one in wanted:
            host = Host(one, self._made, lanes)
            self._made += 1
            self._hosts.append(host)
            host.begin(engine)
            if keep:
                host.watch(engine)

    def change(self, engine: Engine, wanted: Sequence[Wanted], lanes: int) -> None:
        """Those that are wanted no more end, and new ones begin; the others go on."""
        gone = [host for host in self._hosts if host.wanted not in wanted]
        for host in gone:
            host.end()
            engine.disconnect_protocol(host.place)
        for host in gone:
            host.reap()
        self._hosts = [host for host in self._hosts if host not in gone]
        known = [host.wanted for host in self._hosts]
        self.begin(engine, [one for one in wanted if one not in known], lanes, keep=True)

    def release(self) -> None:
        """None is started again; to be said before the engine stops."""
        for host in self._hosts:
            host.end()

    def reap(self) -> None:
        """Waits until all are gone; to be said after the engine has stopped."""
        for host in self._hosts:
            host.reap()
        self._hosts = []

    @property
    def problem(self) -> str:
        """Why some do not run, in sentences."""
        return " ".join(host.problem for host in self._hosts if host.problem)

    def ended(self, within_s: float = 0.0) -> str:
        """Why some are gone that are not started again, in sentences; an end that comes within so long counts."""
        until = time.monotonic() + within_s
        while not any(host.ended() for host in self._hosts) and time.monotonic() < until:
            time.sleep(0.02)
        return " ".join(text for host in self._hosts if (text := host.ended()))
