"""Bytes of a flow, a million of them at once, and an hour of flows that come and go."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from tests.bench import captures
from tests.bench.figure import Figure
from tests.bench.processes import Child, last_core

_READER: Final = """
import json, os, sys, weir_native
def memory():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
engine = weir_native.Engine(json.loads(sys.argv[2]))
bare = memory()
replay = engine.replay(sys.argv[1])
samples = []
for batch in replay:
    stats = replay.stats()
    samples.append((stats["flows"], memory(), stats["memory_bytes"], stats["packets"]))
most = max(sample[0] for sample in samples)
print(json.dumps({"bare": bare, "most": most, "samples": samples[:: max(len(samples) // 2000, 1)], "alive": [sample for sample in samples if sample[0] == most]}))
"""
"""Samples flows alive, resident bytes, the engine's own count of bytes and packets at each batch."""
_LONG: Final = '{"max_flows": 1200000, "l7": %s, "timeouts": {"established_s": 100000}}'


def _watch(file: Path, folder: Path, config: str) -> dict[str, Any]:
    child = Child([sys.executable, "-c", _READER, str(file), config], folder, cores={last_core()})
    child.wait(200)
    answer: dict[str, Any] = json.loads(child.log.read_text().splitlines()[-1])
    return answer


def _alive(folder: Path, flows: int, *, http: bool) -> tuple[float, int]:
    """Resident bytes of a flow that is idle, and the most that the process ever had resident with all of them alive: when a minute ends."""
    file = folder / "opened.pcap"
    captures.write_opened(file, flows, http=http)
    answer = _watch(file, folder, _LONG % ("true" if http else "false"))
    if answer["most"] != flows + 1:
        message = f"{answer['most']:,} of {flows:,} flows were alive at once"
        raise AssertionError(message)
    resident = [sample[1] for sample in answer["alive"]]
    return (resident[len(resident) // 2] - answer["bare"]) / flows, max(resident)


def _churn(folder: Path, minutes: int, flows_per_s: int) -> tuple[float, float, int]:
    """Most MiB resident in the second quarter of the time and in the last one, and the packets of it all."""
    file = folder / "churn.pcap"
    packets = captures.write(file, captures.http_flow(1) + captures.small_flow()[-3:], minutes * 60 * flows_per_s, minutes * 60.0)
    samples = _watch(file, folder, "{}")["samples"]
    size = len(samples)
    early, late = samples[size // 4 : size // 2], samples[size * 3 // 4 : size * 19 // 20]
    return max(sample[1] for sample in early) / 2**20, max(sample[1] for sample in late) / 2**20, packets


def measure(*, quick: bool) -> list[Figure]:
    """A million flows (a tenth of them where it is quick), as many with L7 state as half of that, and churn in the time of the packets."""
    many = 100_000 if quick else 1_000_000
    minutes = 6 if quick else 60
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        l4, resident = _alive(folder, many, http=False)
        l7, _ = _alive(folder, many // 4, http=True)
        early, late, packets = _churn(folder, minutes, 200)
    return [
        Figure("memory: an idle L4 flow", l4, "B", 512, higher_is_better=False, note=f"resident, of {many:,}, with index, timers and its pair's documents"),
        Figure("memory: an idle flow with L7 state", l7, "B", 1536, higher_is_better=False, note=f"the same of {many // 4:,} HTTP connections after a request"),
        # Beside few flows the interpreter is most of the process.
        Figure(
            f"memory: {many:,} flows at once", resident / 2**20, "MiB", max(700 * many / 1e6, 110), higher_is_better=False, note="the whole process, resident"
        ),
        Figure(
            "memory: churn, last quarter over the second one",
            late / early,
            "x",
            1.05,
            higher_is_better=False,
            note=f"{early:.0f} → {late:.0f} MiB; {packets:,} packets of {minutes} minutes, 200 new flows/s",
        ),
    ]
