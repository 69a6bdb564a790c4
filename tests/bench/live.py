"""Live capture on a veth pair at fixed rates: nothing dropped, every request a row, and what a packet costs with L7 on.

python -m tests.bench.live --seconds 3600 --rate 50000     the same for as long as one likes, with the memory at its end
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.bench import captures
from tests.bench.figure import Figure
from tests.bench.peers import program
from tests.bench.processes import last_core, other_cores

_WHAT: Final = "live on a veth pair, HTTP with a row per request"
_REQUESTS: Final = 100
_WATCHER: Final = """
import json, os, sys, time, weir_native
engine = weir_native.Engine({"l7_rows_per_s": 0, "l4_rows_per_s": 0})
engine.start(ring_mib=int(sys.argv[1]))
time.sleep(1)
rows, at_most = 0, 0
def take():
    global rows
    for batch in engine.drain(200):
        rows += batch.rows if batch.table == "flow_log.l7_flow_log" else 0
def memory():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
print("ready", flush=True)
before = time.process_time()
seen = [memory()]
while True:
    take()
    seen.append(memory())
    # The sender says that it is done by making the file; whatever was sent has been read a second later.
    if os.path.exists(sys.argv[2]):
        time.sleep(1.5)
        take()
        break
cpu_s = time.process_time() - before
stats = engine.stats()
rows += sum(batch.rows for batch in engine.stop() if batch.table == "flow_log.l7_flow_log")
print(json.dumps({"cpu_s": cpu_s, "rows": rows, "stats": stats, "memory": [max(seen[: len(seen) // 2 + 1]), max(seen[len(seen) // 2 :])]}))
"""
"""Rows are taken as the agent takes them, only that nobody gets them."""


@dataclass(frozen=True, slots=True)
class Run:
    """What came of one run."""

    sent: int
    rate: float
    """Packets a second that the sender says it reached."""
    cpu_s: float
    packets: int
    dropped: int
    rows: int
    memory: tuple[int, int]
    """Most bytes resident in the first half and in the second."""


@contextlib.contextmanager
def pair() -> Iterator[tuple[str, str]]:
    """Two namespaces joined by a veth pair that carries nothing but what is sent on purpose."""
    names = (f"weir{uuid.uuid4().hex[:8]}", f"weir{uuid.uuid4().hex[:8]}")
    try:
        for name in names:
            subprocess.run(["ip", "netns", "add", name], check=True)
            words = ["ip", "netns", "exec", name, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1"]
            subprocess.run(words, check=True)
        subprocess.run(["ip", "link", "add", "veth0", "netns", names[0], "type", "veth", "peer", "name", "veth0", "netns", names[1]], check=True)
        for name in names:
            subprocess.run(["ip", "-n", name, "link", "set", "veth0", "up"], check=True)
        yield names
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


def run(file: Path, folder: Path, rate: int, *, loops: int = 1, ring_mib: int = 64) -> Run:
    """Sends `file` at `rate` packets a second, 0 for as fast as the sender can, past an engine on a core of its own."""
    done = folder / f"done{uuid.uuid4().hex[:8]}"
    with pair() as (here, there):
        inside = ["ip", "netns", "exec", there, "taskset", "-c", str(last_core())]
        with subprocess.Popen([*inside, sys.executable, "-c", _WATCHER, str(ring_mib), str(done)], stdout=subprocess.PIPE, text=True) as watcher:
            assert watcher.stdout is not None
            assert watcher.stdout.readline() == "ready\n"
            speed = f"--pps={rate}" if rate else "--topspeed"
            sender = ["ip", "netns", "exec", here, "taskset", "-c", ",".join(map(str, sorted(other_cores()))), program("tcpreplay") or ""]
            words = [*sender, "-i", "veth0", "--preload-pcap", f"--loop={loops}", "--unique-ip", speed, str(file)]
            said = subprocess.run(words, check=True, capture_output=True, text=True).stdout
            done.touch()
            answer: dict[str, Any] = json.loads(watcher.communicate(timeout=120)[0].splitlines()[-1])
    sent = re.search(r"Actual: (\d+) packets .* sent in ([\d.]+) seconds", said)
    if sent is None:
        message = f"tcpreplay said {said[-500:]}"
        raise RuntimeError(message)
    stats: dict[str, int] = answer["stats"]
    return Run(
        sent=int(sent[1]),
        rate=int(sent[1]) / float(sent[2]),
        cpu_s=answer["cpu_s"],
        packets=stats["packets"],
        dropped=sum(count for name, count in stats.items() if "dropped" in name),
        rows=answer["rows"],
        memory=(answer["memory"][0], answer["memory"][1]),
    )


def measure(*, quick: bool) -> list[Figure]:
    """Three rates, then as fast as the sender can."""
    if program("tcpreplay") is None:
        return [Figure(_WHAT, 0.0, "", 0.0, failed="tcpreplay is not there: `make peers`")]
    figures = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "http.pcap"
        packets = captures.write_http(file, 200_000 if quick else 600_000)
        requests = packets // len(captures.http_flow(_REQUESTS)) * _REQUESTS
        for rate in (50_000, 200_000, 0) if quick else (50_000, 100_000, 200_000, 0):
            found = run(file, folder, rate)
            lost = found.sent - found.packets
            is_whole = lost == 0 and found.dropped == 0 and found.rows == requests
            figures.append(
                Figure(
                    f"live, L7 on, {f'{rate:,} packets/s' if rate else 'as fast as the sender can'}: CPU",
                    found.cpu_s / found.packets * 1e6,
                    "µs/packet",
                    1,
                    higher_is_better=False,
                    note=f"{found.sent:,} sent at {found.rate:,.0f}/s, {lost:,} lost, {found.dropped:,} counted as dropped, {found.rows:,} of {requests:,} rows",
                    failed="" if is_whole or not rate else f"{lost:,} of {found.sent:,} packets lost, {found.rows:,} of {requests:,} rows",
                )
            )
    return figures


def main() -> None:
    """One long run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--rate", type=int, default=50_000)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "http.pcap"
        packets = captures.write_http(file, 200_000)
        found = run(file, Path(name), wanted.rate, loops=max(wanted.seconds * wanted.rate // packets, 1))
    first, second = (size / 2**20 for size in found.memory)
    sys.stdout.write(f"{found.sent:,} sent, {found.packets:,} read, {found.dropped:,} dropped, {found.cpu_s / found.packets * 1e6:.2f} µs CPU a packet, ")
    sys.stdout.write(f"{first:.1f} MiB at most in the first half, {second:.1f} MiB in the second\n")


if __name__ == "__main__":
    main()
