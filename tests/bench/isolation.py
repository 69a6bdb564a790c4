"""A corner of the machine for the benches: own network with nothing but loopback, own process ids, no named network namespaces.

So the usual ports are free, an agent that looks into every namespace finds an empty machine, and nothing outlives the run.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

_MARK: Final = "BENCH_CORNER"


def isolate(words: list[str]) -> None:
    """Runs this program again in such a corner and exits with its code; returns where that is not possible or has been done."""
    mark = os.environ.get(_MARK)
    if mark == "new":
        _settle()
        os.environ[_MARK] = "ready"
    unshare = shutil.which("unshare")
    flags = ["--net", "--pid", "--mount", "--fork", "--mount-proc", "--kill-child"]
    if mark or os.geteuid() != 0 or unshare is None or subprocess.run([unshare, *flags, "true"], check=False, capture_output=True).returncode:
        return
    done = subprocess.run([unshare, *flags, sys.executable, "-m", "tests.bench", *words], env={**os.environ, _MARK: "new"}, check=False)
    sys.exit(done.returncode)


def _settle() -> None:
    from pyroute2 import IPRoute  # noqa: PLC0415  only here

    with IPRoute() as here:
        here.link("set", index=here.link_lookup(ifname="lo")[0], state="up")
    if Path("/run/netns").is_dir():
        ctypes.CDLL(None, use_errno=True).mount(b"none", b"/run/netns", b"tmpfs", 0, None)
