"""Capture files → rows, beside other programs that read the same files: packets per CPU-second, each alone on one core, medians of rounds in turn."""

from __future__ import annotations

import json
import statistics
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from tests.bench import captures
from tests.bench.figure import Figure, rate
from tests.bench.readers import ARGUS, NDPI, NFPCAPD, NFSTREAM_READER, SOFTFLOWD, SURICATA, TSHARK, Reader, engine

_REQUESTS: Final = 100
"""Requests of a connection in the HTTP capture."""
L4: Final = "flow_log.l4_flow_log"
L7: Final = "flow_log.l7_flow_log"


def read(file: Path, folder: Path, packets: int, table: str, *, rows: int | None = None, config: str = "{}") -> tuple[float, dict[str, Any]]:
    """Packets per CPU-second of the engine: flows, requests and documents, as the agent runs it. Raises AssertionError where a row is missing."""
    child = engine(table, file, folder, config)
    child.wait(240)
    answer: dict[str, Any] = json.loads(child.log.read_text().splitlines()[-1])
    rate(answer["rows"], answer["rows"] if rows is None else rows, answer["cpu_s"])
    return rate(answer["packets"], packets, answer["cpu_s"]), answer


def in_turn(rounds: int, ours: Callable[[], float], readers: Sequence[Reader], *rest: Any) -> tuple[float, dict[str, float | None]]:
    """Ours and theirs one after the other, `rounds` times, so that a machine that slows down slows all of them; medians by name, None where not installed."""
    mine: list[float] = []
    theirs: dict[str, list[float]] = {reader.name: [] for reader in readers}
    for _ in range(rounds):
        mine.append(ours())
        for reader in readers:
            if (measured := reader.rate(*rest)) is not None:
                theirs[reader.name].append(measured)
    return statistics.median(mine), {name: statistics.median(values) if values else None for name, values in theirs.items()}


def beside(name: str, value: float, goal: float, peers: dict[str, tuple[float | None, float]], note: str) -> list[Figure]:
    """A figure per baseline, all of the same value: the goal on the first one. `peers`: measured or None, and the ratio to reach, 0 for no goal."""
    figures = []
    for at, (peer, (found, ratio)) in enumerate(peers.items()):
        what = "" if found else f"{peer} is not there: `make peers`"
        figures.append(
            Figure(
                name if at == 0 else f"  beside {peer}",
                value,
                "packets/CPU-s",
                goal if at == 0 else 0,
                baseline=found,
                baseline_name=peer,
                goal_ratio=ratio or None,
                note="; ".join(filter(None, (note if at == 0 else "", what))),
            )
        )
    return figures


def _flows(folder: Path, rounds: int, *, quick: bool) -> list[Figure]:
    file = folder / "flows.pcap"
    packets = captures.write_flows(file, *((1_250_000, 50_000) if quick else ()))
    flows = packets // len(captures.small_flow())
    readers = (SOFTFLOWD, NFPCAPD, ARGUS)
    off = '{"l7": false}'
    value, theirs = in_turn(rounds, lambda: read(file, folder, packets, L4, rows=flows, config=off)[0], readers, file, folder, packets)
    note = f"{packets:,} packets, {flows:,} flows, documents too; median of {rounds}"
    figures = beside("capture file → L4 rows, many small flows", value, 4_000_000, {peer: (found, 3.0) for peer, found in theirs.items()}, note)
    both = statistics.median(read(file, folder, packets, L4, rows=flows)[0] for _ in range(rounds))
    figures.append(Figure("  the same with L7 on, payload of no protocol", both, "packets/CPU-s", 0, note="each flow looked at for a protocol"))
    return figures + _slow(file, folder, packets, value)


def _slow(file: Path, folder: Path, packets: int, value: float) -> list[Figure]:
    """Those that take too long for the whole file, on its first part, once."""
    part = folder / "part.pcap"
    some = captures.cut(file, part, min(packets, 250_000))
    theirs = {reader.name: reader.rate(part, folder, some) for reader in (NDPI, TSHARK, NFSTREAM_READER)}
    return [
        Figure(
            f"  beside {name}",
            value,
            "packets/CPU-s",
            0,
            baseline=found,
            baseline_name=name,
            note=f"its figure on the first {some:,} packets" if found else f"{name} is not there: `make peers`",
        )
        for name, found in theirs.items()
    ]


def _http(folder: Path, rounds: int, *, quick: bool) -> list[Figure]:
    file = folder / "http.pcap"
    packets = captures.write_http(file, 500_000 if quick else 2_000_000)
    requests = packets // len(captures.http_flow(_REQUESTS)) * _REQUESTS
    value, theirs = in_turn(rounds, lambda: read(file, folder, packets, L7, rows=requests)[0], (SURICATA,), file, folder, packets)
    note = f"{packets:,} packets, {requests:,} requests, a row each; median of {rounds}"
    if theirs["Suricata"] is not None:
        with (folder / "Suricata" / "eve.json").open("rb") as eve:
            reported = sum(1 for line in eve if b'"event_type":"http"' in line)
        note += f"; Suricata reported {reported:,}"
    return beside("capture file → HTTP rows", value, 2_500_000, {"Suricata": (theirs["Suricata"], 8.0)}, note)


def measure(*, quick: bool) -> list[Figure]:
    """Many small flows, and kept-alive HTTP."""
    rounds = 1 if quick else 5
    with tempfile.TemporaryDirectory() as name:
        return _flows(Path(name), rounds, quick=quick) + _http(Path(name), rounds, quick=quick)
