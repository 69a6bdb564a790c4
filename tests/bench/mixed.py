"""HTTP, Redis, MySQL and DNS as real programs speak them → rows, each request exactly one."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Final

from tests.bench import captures, recording
from tests.bench.figure import Figure
from tests.bench.packets import L7, beside, in_turn, read
from tests.bench.readers import NDPI, PACKETBEAT_READER, SURICATA, TSHARK
from tests.bench.recording import Counts

_FILE: Final = Path(__file__).parents[2] / "build" / "recordings" / "mixed.pcap"
_SLOW_PACKETS: Final = 150_000
_WHAT: Final = "HTTP + Redis + MySQL + DNS by real programs"


def _exact(answer: dict[str, Any], counts: Counts) -> None:
    """Raises AssertionError where a request is not exactly one row with its response. 2 is a request with its response."""
    kinds: dict[str, int] = answer["kinds"]
    of_redis = sum(kinds.get(f"Redis {command} 2", 0) for command in ("SET", "GET", "INCR", "LPUSH"))
    # The clients of MySQL make their schema before they ask: two statements more.
    found = {"http": kinds.get("HTTP GET 2", 0), "redis": of_redis, "mysql": kinds.get("MySQL COM_QUERY 2", 0) - 2, "dns": kinds.get("DNS A 2", 0)}
    asked = {name: getattr(counts, name) for name in found}
    if found != asked:
        message = f"asked {asked}, rows {found}"
        raise AssertionError(message)


def measure(*, quick: bool) -> list[Figure]:
    """The recording, made once and kept; packetbeat and tshark read its first part, being slow."""
    if lacking := recording.missing():
        return [Figure(_WHAT, 0.0, "", 0.0, failed=f"no recording: needs {', '.join(lacking)}; `make peers`")]
    file = _FILE.with_stem("mixed-quick") if quick else _FILE
    counts = recording.recorded(file, 0.2 if quick else 1.0)
    rounds = 1 if quick else 5

    def ours() -> float:
        value, answer = read(file, folder, counts.packets, L7)
        _exact(answer, counts)
        return value

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        value, theirs = in_turn(rounds, ours, (SURICATA, NDPI), file, folder, counts.packets)
        part = folder / "part.pcap"
        some = captures.cut(file, part, _SLOW_PACKETS)
        theirs |= {reader.name: reader.rate(part, folder, some) for reader in (PACKETBEAT_READER, TSHARK)}
    requests = counts.http + counts.redis + counts.mysql + counts.dns
    note = f"{counts.packets:,} packets, {requests:,} requests, every one a row; median of {rounds}; Suricata reads HTTP and DNS of it"
    goals = {"Suricata": 4.0, "packetbeat": 50.0, "ndpiReader": 0, "tshark": 0}
    return beside(_WHAT, value, 1_500_000, {peer: (theirs[peer], goal) for peer, goal in goals.items()}, note)
