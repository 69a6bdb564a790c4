"""`weir down`: asks the running supervisor to stop and waits until it has."""

from __future__ import annotations

import os
import signal
import time
from typing import Final

import psutil
from rich.console import Console

from cli.supervise.screen import steps
from cli.supervise.state import State, read_state, supervisor_pid
from libs.boot.errors import StartError

_WAIT_S: Final = 90.0


def down() -> None:
    """Returns when everything has stopped; says so where nothing ran."""
    console = Console()
    pid = supervisor_pid()
    if not pid:
        console.print("Weir is not up.")
        return
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + _WAIT_S
    state: State | None = read_state()
    with console.status("stopping …") as status:
        while supervisor_pid() or _runs(pid):
            if time.monotonic() > deadline:
                message = f"Weir (pid {pid}) has not stopped within {_WAIT_S:g} s: its logs say why; `kill -9 {pid}` ends it, its processes end with it."
                raise StartError(message)
            state = read_state() or state
            if state is not None:
                status.update(steps(state))
            time.sleep(0.2)
    console.print("Weir is down; the data stays.")


def _runs(pid: int) -> bool:
    """The supervisor lets its lock go a moment before its process has ended."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
