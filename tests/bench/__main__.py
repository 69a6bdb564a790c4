"""`python -m tests.bench [row …] [--quick] [--strict]`: prints the table of figures and writes `build/bench.json`.

Each row is a process of its own with a time limit, so one that fails or hangs costs only itself: the table always comes.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Final, Protocol, cast

import orjson

from tests.bench.figure import Figure, show, write
from tests.bench.isolation import isolate


class Measure(Protocol):
    """What a module of this folder offers."""

    def __call__(self, *, quick: bool) -> list[Figure]:
        """Measures; raises where received is not sent."""


@dataclass(frozen=True, slots=True)
class Row:
    """A module of this folder that measures."""

    module: str
    what: str
    limit_s: float


ROWS: Final = {
    "otlp": Row("otlp", "OTLP bytes → tagged rows", 60),
    "ingester": Row("ingestion", "the ingester's own work", 90),
    "whole": Row("whole", "OTLP in, acknowledged when stored; and overload", 330),
    "size": Row("size", "bytes of a span on disk", 120),
    "packets": Row("packets", "capture files → rows", 420),
    "mixed": Row("mixed", "requests of real programs → rows", 420),
    "live": Row("live", "live capture on a veth pair", 120),
    "memory": Row("memory", "memory of flows", 240),
    "idle": Row("idle", "a live agent that has little to do", 90),
    "querier": Row("querier", "what the querier adds", 60),
}


def _measure(name: str, *, quick: bool) -> list[Figure]:
    """One row in its own process."""
    row = ROWS[name]
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "figures.json"
        words = [sys.executable, "-m", "tests.bench", name, "--into", str(result), *(["--quick"] if quick else [])]
        try:
            done = subprocess.run(words, check=False, timeout=row.limit_s, stderr=subprocess.PIPE, text=True)
            reason = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        except subprocess.TimeoutExpired:
            reason = f"not done within {row.limit_s:.0f} s"
        if result.exists():
            return [Figure(**figure) for figure in orjson.loads(result.read_bytes())]
    return [Figure(row.what, 0.0, "", 0.0, failed=reason)]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("rows", nargs="*", help=f"rows to measure: {', '.join(ROWS)}; all where none is named")
    parser.add_argument("--quick", action="store_true", help="shorter, for a look; not for claims")
    parser.add_argument("--strict", action="store_true", help="exit with 1 where a figure fails")
    parser.add_argument("--into", type=Path, help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    unknown = [name for name in wanted.rows if name not in ROWS]
    if unknown:
        parser.error(f"there is no row {unknown[0]}; there are {', '.join(ROWS)}")
    if wanted.into:
        measure = cast("Callable[..., list[Figure]]", import_module(f"tests.bench.{ROWS[wanted.rows[0]].module}").measure)
        wanted.into.write_bytes(orjson.dumps(measure(quick=wanted.quick)))
        return
    isolate(sys.argv[1:])
    figures: list[Figure] = []
    for name in wanted.rows or ROWS:
        began = time.monotonic()
        sys.stdout.write(f"  {name:<10} {ROWS[name].what} … ")
        sys.stdout.flush()
        figures += _measure(name, quick=wanted.quick)
        sys.stdout.write(f"{time.monotonic() - began:.0f} s\n")
    show(figures)
    write(figures)
    if wanted.strict and not all(figure.holds for figure in figures):
        sys.exit(1)


if __name__ == "__main__":
    main()
