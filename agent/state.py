"""The agent's folder: made, locked against a second agent, and done without where the disk refuses."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from libs.boot import StartError, get_logger


def claim(folder: Path) -> Path | None:
    """Makes `folder` this process's own until it ends; None where it cannot be used, then everything stays in memory.

    Raises StartError where another agent uses it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        get_logger("agent").warning("unsent rows are kept in memory alone", folder=str(folder), reason=error.strerror)
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        message = f"Another agent uses {folder}: stop it, or set WEIR_AGENT_STATE_DIR to a folder of its own."
        raise StartError(message) from error
    return folder
