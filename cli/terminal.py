"""Where people read: as wide as the terminal; wide enough not to fold where the output goes into a file or a pipe."""

from __future__ import annotations

import os
import sys
from typing import Final

from rich.console import Console

_PIPE_WIDTH: Final = 200


def terminal() -> Console:
    """The console on standard output."""
    wide = None if sys.stdout.isatty() or os.environ.get("COLUMNS") else _PIPE_WIDTH
    return Console(width=wide)
