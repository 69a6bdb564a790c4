"""The programs that the figures are compared with: `make peers` brings them once, into `build/peers` or by apt.

Versions are pinned where we build, Debian's where it packages. What cannot be brought is said, and its rows say so too.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

PEERS: Final = Path(__file__).parents[2] / "build" / "peers"
COLLECTOR: Final = PEERS / "otelcol" / "otelcol-peer"
COLLECTOR_VERSION: Final = "v0.161.0"
_BUILDER: Final = f"""
dist:
  name: otelcol-peer
  output_path: ./otelcol
receivers:
  - gomod: go.opentelemetry.io/collector/receiver/otlpreceiver {COLLECTOR_VERSION}
exporters:
  - gomod: go.opentelemetry.io/collector/exporter/nopexporter {COLLECTOR_VERSION}
  - gomod: github.com/open-telemetry/opentelemetry-collector-contrib/exporter/clickhouseexporter {COLLECTOR_VERSION}
processors:
  - gomod: go.opentelemetry.io/collector/processor/batchprocessor {COLLECTOR_VERSION}
  - gomod: go.opentelemetry.io/collector/processor/memorylimiterprocessor {COLLECTOR_VERSION}
"""
DEBIAN: Final = {"softflowd": "softflowd", "nfpcapd": "nfdump", "suricata": "suricata"}
"""Program → Debian package."""


def collector() -> Path | None:
    """The Collector's binary, None where `make peers` has not built it."""
    return COLLECTOR if COLLECTOR.exists() else None


def program(name: str) -> str | None:
    """Path of a Debian program, None where it is not installed."""
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")


def _run(words: list[str], folder: Path, **environment: str) -> str:
    """Runs one step; returns "" or the last line of what went wrong."""
    done = subprocess.run(words, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else ((done.stderr or done.stdout).strip().splitlines() or ["no reason given"])[-1]


def _say(name: str, seconds: float, trouble: str) -> None:
    sys.stdout.write(f"  {'✗' if trouble else '✓'} {name:<40} {seconds:6.1f} s  {trouble}\n")
    sys.stdout.flush()


def build_collector() -> str:
    """Builds the Collector with its ClickHouse exporter by its own builder from Go modules."""
    if COLLECTOR.exists():
        return ""
    if shutil.which("go") is None:
        return "go is not installed"
    PEERS.mkdir(parents=True, exist_ok=True)
    (PEERS / "builder.yaml").write_text(_BUILDER)
    trouble = _run(["go", "install", f"go.opentelemetry.io/collector/cmd/builder@{COLLECTOR_VERSION}"], PEERS, GOBIN=str(PEERS))
    return trouble or _run([str(PEERS / "builder"), "--config", "builder.yaml"], PEERS)


def _backports() -> list[str]:
    """apt options that add Debian's backports, from the mirror this machine already uses, for one call."""
    sources = PEERS / "apt"
    sources.mkdir(parents=True, exist_ok=True)
    for path in (*Path("/etc/apt/sources.list.d").glob("*.sources"),):
        shutil.copy(path, sources / path.name)
    codename = next((line.split("=")[1] for line in Path("/etc/os-release").read_text().splitlines() if line.startswith("VERSION_CODENAME=")), "bookworm")
    first = next(iter(sorted(Path("/etc/apt/sources.list.d").glob("*.sources"))), None)
    if first is not None:
        stanza = first.read_text().split("\n\n")[0]
        lines = [f"Suites: {codename}-backports" if line.startswith("Suites:") else line for line in stanza.splitlines()]
        (sources / "backports.sources").write_text("\n".join(lines) + "\n")
    return ["-o", f"Dir::Etc::sourceparts={sources}", "-t", f"{codename}-backports"]


def install_debian(name: str, package: str) -> str:
    """Installs one Debian package, from backports where the release has none."""
    if program(name):
        return ""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return f"needs root and apt-get: `apt-get install {package}`"
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    _run(["apt-get", "update", "-q"], PEERS, **quiet)
    if not _run(["apt-get", "install", "-qy", "--no-install-recommends", package], PEERS, **quiet):
        return ""
    options = _backports()
    _run(["apt-get", *options, "update", "-q"], PEERS, **quiet)
    trouble = _run(["apt-get", *options, "install", "-qy", "--no-install-recommends", package], PEERS, **quiet)
    _run(["apt-get", "update", "-q"], PEERS, **quiet)
    return trouble


def main() -> None:
    """Brings every peer; says how long each took or why it is not there."""
    PEERS.mkdir(parents=True, exist_ok=True)
    for name, package in DEBIAN.items():
        began = time.monotonic()
        trouble = install_debian(name, package)
        _say(f"{name} (Debian package {package})", time.monotonic() - began, trouble)
    began = time.monotonic()
    trouble = build_collector()
    _say(f"OpenTelemetry Collector {COLLECTOR_VERSION}", time.monotonic() - began, trouble)


if __name__ == "__main__":
    main()
