"""What is looked at before anything starts: each finding is one sentence with the cause and the remedy."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import psutil

from cli.supervise.processes import Process
from libs.boot.settings import data_dir

_FREE_BYTES_MIN: Final = 1 << 30
_KERNEL_MIN: Final = (4, 18)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that keeps `blocks` from running ("" for none: only worth knowing, "*" for all)."""

    sentence: str
    blocks: tuple[str, ...] = ()
    fatal: bool = False


def _holder(number: int) -> str:
    for connection in psutil.net_connections("tcp"):
        if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == number and connection.pid:
            return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    return "another program"


def _port_busy(number: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", number))
        except OSError:
            return True
    return False


def busy_ports(processes: Sequence[Process]) -> list[Finding]:
    """One finding per process whose port something else holds."""
    return [
        Finding(
            f"Port {process.port} of {process.name} is held by {_holder(process.port)}: stop that, or set {setting(process)} to a free port.",
            (process.name,),
        )
        for process in processes
        if process.name != "postgres" and _port_busy(process.port)
    ]


def setting(process: Process) -> str:
    """Name of the setting that moves a process's port."""
    return f"WEIR_{process.name.replace('.', '_').upper()}_PORT"


def disk() -> list[Finding]:
    """Whether there is room for data."""
    folder = data_dir().absolute()
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free < _FREE_BYTES_MIN:
        return [Finding(f"Only {free >> 20} MiB are free at {folder}: make room for at least 1 GiB, or set WEIR_DATA_DIR to a larger disk.", fatal=True)]
    return []


def machine() -> list[Finding]:
    """Kernel, rights and the compiled engine."""
    findings = []
    release = tuple(int(part) for part in platform.release().split("-")[0].split(".")[:2] if part.isdigit())
    if platform.system() != "Linux" or release < _KERNEL_MIN:
        findings.append(
            Finding(f"Kernel {platform.release()} is older than 4.18: packets are not captured; boot a newer kernel to see this machine's traffic.", ("agent",))
        )
    if os.geteuid() != 0:
        findings.append(Finding("Not root: everything runs but packets are not captured; start with `sudo make up` to see this machine's traffic."))
    if importlib.util.find_spec("weir_native") is None:
        findings.append(
            Finding(
                "The engine weir_native is not built: agent and ingesters cannot run; install cargo (https://rustup.rs) and run `make up` again.", ("native",)
            )
        )
    return findings
