"""The programs that the figures are compared with: `make peers` brings them once, into `build/peers` or by apt.

Versions are pinned where we build, Debian's where it packages. What cannot be brought is said, and its rows say so too.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from tests.bench.recording import PROGRAMS

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
PACKETBEAT: Final = PEERS / "packetbeat" / "packetbeat"
PACKETBEAT_VERSION: Final = "v7.17.29"
NFSTREAM: Final = PEERS / "nfstream" / "bin" / "python"
NFSTREAM_VERSION: Final = "6.6.0"
DEBIAN: Final = {
    "softflowd": "softflowd",
    "nfpcapd": "nfdump",
    "suricata": "suricata",
    "argus": "argus-server",
    "tshark": "tshark",
    "ndpiReader": "libndpi-bin",
    "tcpreplay": "tcpreplay",
}
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


def build_packetbeat() -> str:
    """Builds packetbeat from its Go module as its own makers do: with their `go.mod`, whose replacements count only for the main module."""
    if PACKETBEAT.exists():
        return ""
    if shutil.which("go") is None:
        return "go is not installed"
    if trouble := install_debian("pcap-config", "libpcap-dev"):
        return f"needs libpcap's headers: {trouble}"
    folder = PACKETBEAT.parent
    folder.mkdir(parents=True, exist_ok=True)
    module = f"github.com/elastic/beats/v7@{PACKETBEAT_VERSION}"
    done = subprocess.run(["go", "mod", "download", "-json", module], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        return f"{module} could not be downloaded"
    source = Path(json.loads(done.stdout)["Dir"])
    for name in ("go.mod", "go.sum"):
        (folder / name).write_bytes((source / name).read_bytes())
    return _run(["go", "build", "-mod=mod", f"-modfile={folder / 'go.mod'}", "-o", str(PACKETBEAT), "./packetbeat"], source)


def install_nfstream() -> str:
    """Installs nfstream into an environment of its own."""
    if NFSTREAM.exists():
        return ""
    folder = NFSTREAM.parents[1]
    made = _run([sys.executable, "-m", "venv", str(folder)], PEERS)
    trouble = made or _run([str(NFSTREAM), "-m", "pip", "install", "-q", f"nfstream=={NFSTREAM_VERSION}"], PEERS)
    if trouble:
        shutil.rmtree(folder, ignore_errors=True)
    return trouble


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
    for name, package in {**DEBIAN, **PROGRAMS}.items():
        began = time.monotonic()
        trouble = install_debian(name, package)
        _say(f"{name} (Debian package {package})", time.monotonic() - began, trouble)
    builds = {
        f"nfstream {NFSTREAM_VERSION}": install_nfstream,
        f"OpenTelemetry Collector {COLLECTOR_VERSION}": build_collector,
        f"packetbeat {PACKETBEAT_VERSION}": build_packetbeat,
    }
    for name, build in builds.items():
        began = time.monotonic()
        trouble = build()
        _say(name, time.monotonic() - began, trouble)


if __name__ == "__main__":
    main()
