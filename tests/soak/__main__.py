"""`python -m tests.soak --minutes 60 [--rate 1]`: runs the soak, tells each minute how it stands, and ends with a verdict (exit code 0 or 1)."""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import psutil
from rich.console import Console
from rich.table import Table

from tests.soak.stage import PROGRAMS, ROOT, Stage, missing, serving, staged

FATES: Final = (
    "packets",
    "duplicate_packets",
    "left_out_packets",
    "kernel_drops",
    "unparsed_link",
    "unparsed_not_ip",
    "unparsed_truncated",
    "unparsed_malformed",
    "fragment_orphans",
)
"""The engine's counters of what became of a packet; each is in exactly one."""
PROTOCOLS: Final = ("HTTP", "Redis", "MySQL", "DNS")
MIB: Final = 1 << 20
WARM_PART: Final = 0.25
GROWTH_MIB: Final = 4.0
"""More than so much between the first and the last third after the warm-up is growth."""


class Worker:
    """A child that answers each line with JSON."""

    def __init__(self, stage: Stage, *words: str) -> None:
        self.process = subprocess.Popen(stage.words(stage.left, sys.executable, *words), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)

    def ask(self, what: str) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(what + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


@dataclass(slots=True)
class Sample:
    """How it stands at one moment."""

    minute: float
    rss_mib: float
    cpu_s: float
    interface: int
    stats: dict[str, int]
    rows: dict[str, int]
    asked: dict[str, int]
    failures: list[str] = field(default_factory=list)

    @property
    def fates(self) -> dict[str, int]:
        return {name: self.stats.get(name, 0) for name in FATES}

    @property
    def unaccounted(self) -> int:
        return self.interface - sum(self.fates.values())


def sample(stage: Stage, watcher: Worker, traffic: Worker, began: float, *, last: bool = False) -> Sample:
    """Asks everybody; at the `last` time the clients end first, then the engine."""
    asked = traffic.ask("stop" if last else "count")
    if last:
        time.sleep(4)
    process = psutil.Process(watcher.process.pid)
    rss_mib, used = process.memory_info().rss / MIB, process.cpu_times()
    interface = stage.interface()
    told = watcher.ask("stop" if last else "count")
    return Sample((time.monotonic() - began) / 60, rss_mib, used.user + used.system, interface, told["stats"], told["rows"], asked["counts"], asked["failures"])


def tell(console: Console, now: Sample, before: Sample | None) -> None:
    """A table of this minute."""
    table = Table(title=f"{datetime.now().astimezone():%H:%M:%S}  minute {now.minute:.1f}", title_justify="left")
    for heading, side in (("what", "left"), ("now", "right"), ("a second", "right")):
        table.add_column(heading, justify="right" if side == "right" else "left")
    seconds = max(1.0, (now.minute - (before.minute if before else 0)) * 60)

    def row(name: str, value: int, was: int) -> None:
        table.add_row(name, f"{value:,}", f"{(value - was) / seconds:,.1f}")

    table.add_row("memory of the process", f"{now.rss_mib:.1f} MiB", "")
    table.add_row("memory of the engine", f"{now.stats['memory_bytes'] / MIB:.1f} MiB", "")
    table.add_row("CPU", f"{now.cpu_s:.1f} s", f"{(now.cpu_s - (before.cpu_s if before else 0)) / seconds:.1%}")
    table.add_row("flows alive", f"{now.stats['flows']:,}", "")
    row("packets of the interface", now.interface, before.interface if before else 0)
    for name, value in now.fates.items():
        if value:
            row(f"  {name}", value, before.fates[name] if before else 0)
    table.add_row("  on their way, or unaccounted", f"{now.unaccounted:,}", "")
    for name in PROTOCOLS:
        table.add_row(f"{name}: asked, rows", f"{now.asked.get(name, 0):,}", f"{now.rows.get(f'l7 {name}', 0):,}")
    for name in ("flow_log.l4_flow_log", "flow_metrics.network_map.1s"):
        row(f"rows of {name}", now.rows.get(f"rows {name}", 0), before.rows.get(f"rows {name}", 0) if before else 0)
    console.print(table)
    for failure in now.failures:
        console.print(f"[red]a client gave up: {failure}")


def verdict(console: Console, samples: list[Sample], connections: int) -> bool:
    """What is to hold, and whether it does."""
    last = samples[-1]
    table = Table(title="verdict", title_justify="left")
    for heading in ("what", "found", "wanted", ""):
        table.add_column(heading, justify="right" if heading in ("found", "wanted") else "left")
    well = True

    def holds(what: str, found: object, wanted: object, fine: object) -> None:
        nonlocal well
        well = well and bool(fine)
        table.add_row(what, str(found), str(wanted), "[green]✓" if fine else "[red]✗")

    holds("clients that gave up", len(last.failures), 0, not last.failures)
    holds("packets without a fate", last.unaccounted, 0, last.unaccounted == 0)
    holds("packets dropped by the kernel", last.stats["kernel_drops"], 0, last.stats["kernel_drops"] == 0)
    holds("rows dropped", last.stats["dropped_rows"], 0, last.stats["dropped_rows"] == 0)
    for name in PROTOCOLS:
        found, wanted = last.rows.get(f"l7 {name}", 0), last.asked.get(name, 0)
        holds(f"{name} rows = requests", found, wanted, found == wanted > 0)
        found, wanted = last.rows.get(f"halves {name}", 0), last.asked.get(f"{name} without an answer", 0)
        holds(f"{name} rows of one side only", found, wanted, found == wanted)
    others = sum(count for name, count in last.rows.items() if name.startswith("l7 ") and name[3:] not in PROTOCOLS)
    holds("rows of protocols that nobody spoke", others, 0, others == 0)
    holds("TCP flows = connections of the kernel", last.rows.get("flows 6", 0), connections, last.rows.get("flows 6") == connections)
    packets = {name: last.rows.get(f"packets in {name}", 0) for name in ("flows", "1s documents", "1m documents")}
    holds("packets in L4 rows = in documents", packets["flows"], packets["1s documents"], len(set(packets.values())) == 1)
    warm = [one for one in samples if one.minute >= last.minute * WARM_PART] or samples
    third = max(1, len(warm) // 3)
    for what, values in (("process", [one.rss_mib for one in warm]), ("engine", [one.stats["memory_bytes"] / MIB for one in warm])):
        growth = statistics.mean(values[-third:]) - statistics.mean(values[:third])
        holds(f"growth of the {what} after the warm-up, MiB", f"{growth:+.2f}", f"< {GROWTH_MIB}", growth < GROWTH_MIB)
    console.print(table)
    hours = (last.minute - samples[0].minute) / 60
    console.print(f"{last.minute:.1f} minutes, CPU of the watching process {last.cpu_s / max(last.minute * 60, 1):.1%} of a core", end="")
    if len(warm) > 2:
        slope = statistics.linear_regression([one.minute / 60 for one in warm], [one.rss_mib for one in warm]).slope
        console.print(f", slope of its memory {slope:+.2f} MiB an hour over {hours:.2f} h", end="")
    console.print(f"\n[bold {'green]it holds' if well else 'red]it does not hold'}")
    return well


def soak(minutes: float, rate: float) -> bool:
    console = Console(width=120)
    with tempfile.TemporaryDirectory(prefix="weir-soak-") as folder, staged() as stage:
        watcher = Worker(stage, "-m", "tests.soak.watcher")
        traffic: Worker | None = None
        try:
            watcher.ask("count")
            stage.go()
            with serving(stage, Path(folder)):
                began = time.monotonic()
                traffic = Worker(stage, "-m", "tests.soak.traffic", str(rate))
                samples: list[Sample] = []
                step_s = min(60.0, max(5.0, minutes * 60 / 12))
                while time.monotonic() - began + step_s < minutes * 60:
                    time.sleep(step_s)
                    samples.append(sample(stage, watcher, traffic, began))
                    if len(samples) == 1 or samples[-1].minute // 1 > samples[-2].minute // 1:
                        tell(console, samples[-1], next((one for one in reversed(samples[:-1]) if one.minute <= samples[-1].minute - 0.9), None))
                time.sleep(max(0.0, minutes * 60 - (time.monotonic() - began)))
                samples.append(sample(stage, watcher, traffic, began, last=True))
                tell(console, samples[-1], None)
                return verdict(console, samples, stage.connections())
        finally:
            for worker in (watcher, traffic):
                if worker is not None:
                    worker.end()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--rate", type=float, default=1, help="how busy the clients are; 1 is some 300 packets a second")
    told = parser.parse_args()
    if packages := missing():
        sys.stderr.write(f"needs {', '.join(packages)} (of {', '.join(sorted(PROGRAMS.values()))})\n")
        return 2
    return 0 if soak(told.minutes, told.rate) else 1


if __name__ == "__main__":
    sys.exit(main())
