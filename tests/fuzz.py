"""Coverage-guided fuzzing of whatever reads bytes from outside: one target for each parser, one for the engine, one for OTLP.

`python -m tests.fuzz --seconds 120` builds `native/fuzz` with libFuzzer's counters, seeds it with the recorded captures and runs every
target for that long. What breaks one is left in `build/fuzz/found/`, with the command that shows it again.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
CRATE: Final = ROOT / "native" / "fuzz"
BUILD: Final = ROOT / "build" / "fuzz"
SEEDS: Final = ROOT / "native" / "target" / "debug" / "seeds"
CAPTURES: Final = ROOT / "tests" / "data" / "l7"
COUNTERS: Final = (
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
)
"""What `cargo fuzz` passes too; these flags are stable, so no other toolchain is needed."""
_MAX_INPUT: Final = 65_536
_SLOWEST_S: Final = 10
"""An input that takes longer counts as a loop."""
_MEMORY_MIB: Final = 1024


@dataclass(frozen=True, slots=True)
class Target:
    """One program of `native/fuzz`, and what it is told."""

    program: str
    protocol: str = ""
    folder: str = ""

    @property
    def name(self) -> str:
        """As it is printed, and as its folder is called."""
        return self.protocol.replace("/", "-") or self.program


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one target."""

    target: Target
    runs: int
    coverage: int
    found: tuple[Path, ...]
    output: str


def missing() -> str:
    """Why fuzzing cannot run here, "" where it can."""
    for program, remedy in (("cargo", "https://rustup.rs"), ("c++", "apt-get install g++")):
        if shutil.which(program) is None:
            return f"{program} is not installed ({remedy})"
    return ""


def targets() -> list[Target]:
    """The engine, OTLP, and each protocol of the native table."""
    table = (ROOT / "native" / "src" / "l7" / "table.rs").read_text()
    rows = re.findall(r'\bid: [^,]+,\s+name: "([^"]+)",\s+folder: "([^"]+)"', table)
    return [Target("engine"), Target("otlp"), *(Target("protocol", name, folder) for name, folder in rows)]


def build() -> Path:
    """Builds the targets; returns their folder."""
    into = BUILD / "target"
    environment = {**os.environ, "CARGO_TARGET_DIR": str(into), "RUSTFLAGS": " ".join(COUNTERS)}
    host = re.search(r"host: (\S+)", subprocess.run(["rustc", "-vV"], capture_output=True, text=True, check=True).stdout)
    assert host is not None
    # With a target named, build scripts and macros are built without the counters.
    programs = [word for name in ("protocol", "engine", "otlp") for word in ("--bin", name)]
    words = ["cargo", "build", "--profile", "fuzz", "--locked", "-q", "--target", host.group(1), *programs]
    subprocess.run(words, cwd=CRATE, env=environment, check=True)
    # This one has no fuzzer in it, and so nobody to take the counters; what it needs was built for the tests.
    subprocess.run(["cargo", "build", "--locked", "-q", "--bin", "seeds"], cwd=CRATE, check=True)
    return into / host.group(1) / "fuzz"


def seeds(target: Target) -> Path:
    """A folder of inputs made of the recorded captures; what a longer run found before stays in it."""
    corpus = BUILD / "corpus" / target.name
    corpus.mkdir(parents=True, exist_ok=True)
    where = CAPTURES / target.folder if target.folder else CAPTURES
    captures = sorted(str(path) for path in where.rglob("*.pcap"))
    if target.program != "otlp":
        subprocess.run([SEEDS, target.program, corpus, *captures], check=True)
    return corpus


def run(programs: Path, target: Target, seconds: int) -> Outcome:
    """Runs one target; what it finds is kept."""
    corpus = seeds(target)
    found = BUILD / "found" / target.name
    found.mkdir(parents=True, exist_ok=True)
    before = set(found.iterdir())
    words = [
        str(programs / target.program),
        f"-max_total_time={seconds}",
        f"-max_len={_MAX_INPUT}",
        f"-timeout={_SLOWEST_S}",
        f"-rss_limit_mb={_MEMORY_MIB}",
        f"-artifact_prefix={found}/",
        "-len_control=0",
        "-print_final_stats=1",
        str(corpus),
    ]
    environment = {**os.environ, "WEIR_FUZZ_PROTOCOL": target.protocol}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, errors="replace", check=False)
    runs = re.search(r"stat::number_of_executed_units:\s*(\d+)", done.stderr)
    coverage = re.findall(r"cov: (\d+)", done.stderr)
    broken = tuple(sorted(set(found.iterdir()) - before))
    if done.returncode and not broken:
        broken = (found,)
    return Outcome(target, int(runs.group(1)) if runs else 0, int(coverage[-1]) if coverage else 0, broken, done.stderr)


def everything(seconds: int, jobs: int) -> Iterator[Outcome]:
    """Each target, as it ends; the engine and OTLP get three times as long as a parser."""
    programs = build()
    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(lambda target: run(programs, target, seconds * (1 if target.protocol else 3)), targets())


def main() -> int:
    """1 where something was found."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=int, default=60, help="how long each parser is fuzzed")
    options.add_argument("--jobs", type=int, default=max(1, (os.cpu_count() or 1)), help="targets at a time")
    chosen = options.parse_args()
    if reason := missing():
        sys.stdout.write(f"Not fuzzed: {reason}.\n")
        return 0
    sys.stdout.write("Building native/fuzz ...\n")
    sys.stdout.flush()
    began, broken = time.monotonic(), 0
    for outcome in everything(chosen.seconds, chosen.jobs):
        mark = "\033[31m✗\033[0m" if outcome.found else "\033[32m✓\033[0m"
        sys.stdout.write(f"  {mark} {outcome.target.name:<14} {outcome.runs:>10,} inputs, {outcome.coverage:>6,} edges\n")
        for path in outcome.found:
            broken += 1
            program = f"WEIR_FUZZ_PROTOCOL={outcome.target.protocol} " if outcome.target.protocol else ""
            sys.stdout.write(f"      {path}\n      {program}build/fuzz/target/*/fuzz/{outcome.target.program} {path}\n")
            sys.stdout.write("".join(f"      {line}\n" for line in outcome.output.splitlines() if "panicked" in line or "ERROR" in line or "assertion" in line))
        sys.stdout.flush()
    sys.stdout.write(f"{broken} found, {time.monotonic() - began:.0f} s\n")
    return int(broken > 0)


if __name__ == "__main__":
    sys.exit(main())
