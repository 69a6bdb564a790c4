"""What the supervisor tells the rest of the world: a lock that says it runs, and a file that says how its processes are."""

from __future__ import annotations

import fcntl
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

import orjson

from libs.boot.errors import StartError
from libs.boot.settings import data_dir


@dataclass(slots=True)
class ProcessState:
    """How one process is now."""

    name: str
    what: str
    port: int
    state: str = "waiting"
    """waiting, starting, ready, restarting, skipped, stopping or stopped."""
    pid: int = 0
    since: float = 0.0
    """Unix time at which it came into this state."""
    started_in_s: float = 0.0
    restarts: int = 0
    note: str = ""
    """Why it is not ready, in a sentence."""


@dataclass(slots=True)
class State:
    """The whole machine's."""

    supervisor_pid: int
    started_at: float
    processes: list[ProcessState] = field(default_factory=list)


def run_dir() -> Path:
    """Where lock and state file are."""
    path = data_dir().absolute() / "run"
    path.mkdir(parents=True, exist_ok=True)
    return path


def log_dir() -> Path:
    """Where each process has its log file."""
    path = data_dir().absolute() / "logs"
    path.mkdir(parents=True, exist_ok=True)
    return path


def take_lock() -> IO[str]:
    """The supervisor's lock, held until the process ends. Raises StartError where Weir is up already."""
    lock = (run_dir() / "supervisor.lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        message = "Weir is up already on this machine: `weir status` shows it, `weir down` (or `make down`) stops it."
        raise StartError(message) from None
    lock.seek(0)
    lock.truncate()
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def supervisor_pid() -> int:
    """Pid of the running supervisor, 0 where none runs."""
    path = run_dir() / "supervisor.lock"
    if not path.exists():
        return 0
    with path.open("r+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return int(lock.read() or 0)
    return 0


def write_state(state: State) -> None:
    """Replaces the state file at once, never half."""
    path = run_dir() / "state.json"
    fresh = path.with_suffix(".new")
    fresh.write_bytes(orjson.dumps(asdict(state)))
    fresh.replace(path)


def read_state() -> State | None:
    """What a running supervisor said last; None where none runs."""
    if not supervisor_pid():
        return None
    try:
        raw = orjson.loads((run_dir() / "state.json").read_bytes())
    except (FileNotFoundError, orjson.JSONDecodeError):
        return None
    return State(raw["supervisor_pid"], raw["started_at"], [ProcessState(**row) for row in raw["processes"]])
