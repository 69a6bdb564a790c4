"""Which machine this is, in a way that stays the same across restarts of the agent and of the machine."""

from __future__ import annotations

import contextlib
import hashlib
import ipaddress
import os
import platform
import re
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agent.platform.facts import Interface

_MACHINE_IDS: Final = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"), Path("/sys/class/dmi/id/product_uuid"))
_ELSEWHERE: Final = ("203.0.113.1", "2001:db8::1")
"""Addresses nobody has (RFC 5737, RFC 3849): which interface would reach the world. Connecting a UDP socket sends nothing."""


@dataclass(frozen=True, slots=True)
class HostIdentity:
    """What does not change while the agent runs."""

    host_id: str
    hostname: str
    os: str
    arch: str
    kernel: str
    cpus: int
    memory_bytes: int
    boot_time_s: int


def host_identity(host_id: str, hostname: str, state_dir: Path) -> HostIdentity:
    """This machine. `host_id` and `hostname` are what a person set, empty to find them."""
    return HostIdentity(
        host_id=host_id or _machine_id(),
        hostname=hostname or socket.gethostname(),
        os=_os_name(),
        arch=platform.machine(),
        kernel=platform.release(),
        cpus=os.cpu_count() or 1,
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        boot_time_s=_boot_time_s(state_dir),
    )


def control_interface(controller: str, interfaces: tuple[Interface, ...]) -> tuple[str, str]:
    """Address and MAC of the interface that reaches the controller (host:port).

    A controller on this machine is reached by loopback, which every machine has: then it is the interface that reaches the world.
    """
    host = controller.rpartition(":")[0].strip("[]") or controller
    candidates = [_source_address(target) for target in (host, *_ELSEWHERE)]
    by_address = {address.partition("/")[0]: nic for nic in interfaces for address in nic.addresses}
    for address in candidates:
        nic = by_address.get(address)
        if nic is not None and nic.kind != "loopback":
            return address, nic.mac
    for address, nic in by_address.items():
        if nic.kind != "loopback" and nic.up and not ipaddress.ip_address(address).is_link_local:
            return address, nic.mac
    return next(((address, nic.mac) for address, nic in by_address.items()), ("", ""))


def _source_address(target: str) -> str:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((target, 9))
                return str(probe.getsockname()[0])
        except OSError:
            continue
    return ""


def _machine_id() -> str:
    for path in _MACHINE_IDS:
        try:
            found = path.read_text().strip().lower()
        except OSError:
            continue
        if re.fullmatch(r"[0-9a-f-]{32,36}", found) and found.strip("0-"):
            return found
    macs = []
    for device in sorted(Path("/sys/class/net").glob("*/address")):
        mac = device.read_text().strip()
        if mac.strip("0:") and (device.parent / "device").exists():
            macs.append(mac)
    return hashlib.sha256(" ".join(macs or [socket.gethostname()]).encode()).hexdigest()[:32]


def _os_name() -> str:
    try:
        found = platform.freedesktop_os_release()
    except OSError:
        return platform.system()
    return found.get("PRETTY_NAME") or found.get("NAME") or platform.system()


def _boot_time_s(state_dir: Path) -> int:
    """When the machine started, in seconds since 1970.

    The kernel derives it from the clock, so that it moves when the clock is set; processes are known by their start, so the first answer of a boot is kept.
    """
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    kept = state_dir / "boot"
    try:
        known_id, _, known_time = kept.read_text().partition(" ")
        if known_id == boot_id:
            return int(known_time)
    except (OSError, ValueError):
        pass
    match = re.search(r"^btime (\d+)$", Path("/proc/stat").read_text(), re.MULTILINE)
    boot_time = int(match.group(1)) if match else 0
    with contextlib.suppress(OSError):  # then the clock may move it, no more
        kept.write_text(f"{boot_id} {boot_time}")
    return boot_time
