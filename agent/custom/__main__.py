"""The process of one protocol: `python -m agent.custom FOLDER MODULE:CLASS SOCKET…`, started by the agent alone.

It has no rights of its own: whoever can write packets talks to this code, so as soon as the class is loaded it is nobody, and may take so much memory.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Final

from agent.custom.loading import Source, load
from agent.errors import ProtocolError

_NOBODY: Final = 65534
_MEMORY_BYTES: Final = 1 << 30
"""Of address space beyond what it has when the class is loaded."""
_NICE: Final = 5


def main() -> None:
    """Reads flows until the agent closes the sockets."""
    folder, name, *sockets = sys.argv[1:]
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the agent, which then closes the sockets
    faulthandler.enable()
    try:
        found = load(Source(Path(folder), name))
    except ProtocolError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(3)
    import weir_native  # noqa: PLC0415  a class that cannot be loaded says so first

    confine()
    try:
        weir_native.serve_protocol(found, [int(socket) for socket in sockets])
    except (ValueError, TypeError, AttributeError) as error:
        sys.stderr.write(f"The class {name} is no protocol: {error}.\n")
        sys.exit(3)


def confine() -> None:
    """Gives up every right that parsing does not need."""
    with contextlib.suppress(OSError):
        os.nice(_NICE)
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(_NOBODY)
        os.setuid(_NOBODY)
    with open("/proc/self/statm", "rb") as file:  # noqa: PTH123  /proc
        size = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (size + _MEMORY_BYTES, size + _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
