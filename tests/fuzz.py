"""Coverage-guided fuzzing of whatever reads bytes from outside: one target for each parser, and one each for packets, capture files, the engine, OTLP.

`python -m tests.fuzz --seconds 120` builds `native/fuzz` with libFuzzer's counters, seeds it with the recorded captures and runs every
target for that long; names of targets run those alone. `--briefly` is what `make test` runs: the same inputs each time, a fixed number
of them. What breaks a target is left in `build/fuzz/found/`, with the command that shows it again.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
CRATE: Final = ROOT / "native" / "fuzz"
BUILD: Final = ROOT / "build" / "fuzz"
SEEDS: Final = ROOT / "native" / "target" / "debug" / "seeds"
CAPTURES: Final = ROOT / "tests" / "data" / "l7"
PROGRAMS: Final = ("engine", "otlp", "packet", "pcap", "protocol")
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
_RUNS: Final = {"packet": 20_000, "pcap": 1500, "protocol": 2500}
"""Inputs of each target where the same ones are wanted each time: some seconds of one core for the slowest."""
_VARIANTS: Final = {"engine": 4, "otlp": 12, "OpenWire": 60}
"""Targets with hash tables whose seeds are others each time: what a fuzzer tries next would depend on them. They get so many changed inputs of each seed."""
_ENDLESS_S: Final = 300
"""A target that takes longer for them hangs."""
_REACH: Final = 0.6
"""Of the seeds, so many have to get as far as the parser: a target that fuzzes nothing would never fail."""
_REACH_CHANGED: Final = 0.06
"""The same where changed inputs are among them, most of which are refused."""


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
    reached: float
    """Part of the inputs that what is fuzzed has seen."""
    found: tuple[Path, ...]
    output: str
    complaint: str = ""
    """What is wrong besides what was found."""

    @property
    def failed(self) -> bool:
        """Whether there is anything to mend."""
        return bool(self.found or self.complaint)

    def told(self, programs: Path) -> str:
        """What is wrong, and how to see it again."""
        variable = f"WEIR_FUZZ_PROTOCOL={self.target.protocol} " if self.target.protocol else ""
        lines = [self.complaint] if self.complaint else []
        for path in self.found:
            lines += [str(path.relative_to(ROOT)), f"  again: {variable}{(programs / self.target.program).relative_to(ROOT)} {path.relative_to(ROOT)}"]
        lines += [line for line in self.output.splitlines() if "panicked" in line or "ERROR" in line or "assertion" in line or " were held" in line]
        return "".join(f"      {line}\n" for line in lines)


def missing() -> str:
    """Why fuzzing cannot run here, "" where it can."""
    for program, remedy in (("cargo", "https://rustup.rs"), ("c++", "apt-get install g++")):
        if shutil.which(program) is None:
            return f"{program} is not installed ({remedy})"
    return ""


def targets() -> list[Target]:
    """Each program, and the one for protocols with each row of the native table."""
    table = (ROOT / "native" / "src" / "l7" / "table.rs").read_text()
    rows = re.findall(r'\bid: [^,]+,\s+name: "([^"]+)",\s+folder: "([^"]+)"', table)
    others = [Target(program) for program in PROGRAMS if program != "protocol"]
    return [*others, *(Target("protocol", name, folder) for name, folder in rows)]


def build() -> Path:
    """Builds the targets; returns their folder."""
    into = BUILD / "target"
    environment = {**os.environ, "CARGO_TARGET_DIR": str(into), "RUSTFLAGS": " ".join(COUNTERS)}
    host = re.search(r"host: (\S+)", subprocess.run(["rustc", "-vV"], capture_output=True, text=True, check=True).stdout)
    assert host is not None
    # With a target named, build scripts and macros are built without the counters.
    programs = [word for name in PROGRAMS for word in ("--bin", name)]
    words = ["cargo", "build", "--profile", "fuzz", "--locked", "-q", "--target", host.group(1), *programs]
    subprocess.run(words, cwd=CRATE, env=environment, check=True)
    # This one has no fuzzer in it, and so nobody to take the counters; what it needs was built for the tests.
    subprocess.run(["cargo", "build", "--locked", "-q", "--bin", "seeds"], cwd=CRATE, check=True)
    return into / host.group(1) / "fuzz"


def seeds(target: Target, folder: Path, variants: int = 0) -> None:
    """Inputs made of the recorded captures, in this folder; with each of them so many changed ones."""
    folder.mkdir(parents=True, exist_ok=True)
    where = CAPTURES / target.folder if target.folder else CAPTURES
    captures = sorted(str(path) for path in where.rglob("*.pcap"))
    subprocess.run([SEEDS, target.protocol or target.program, folder, str(variants), *captures], check=True)


def at_length(programs: Path, target: Target, seconds: int) -> Outcome:
    """Runs one target for some time, from where it was the last time."""
    corpus = BUILD / "corpus" / target.name
    seeds(target, corpus)
    return _run(programs, target, f"-max_total_time={seconds}", str(corpus))


def briefly(programs: Path, target: Target) -> Outcome:
    """Runs one target on the same inputs as ever: the seeds in the order of their names, and what a seeded generator makes of them."""
    folder = BUILD / "seeds" / target.name
    shutil.rmtree(folder, ignore_errors=True)
    variants = _VARIANTS.get(target.name, 0)
    seeds(target, folder, variants)
    listing = folder.with_suffix(".list")
    listing.write_text(",".join(str(path) for path in sorted(folder.iterdir())))
    # What was compared includes addresses, which are others each time.
    fixed = ("-seed=1", "-shuffle=0", "-reload=0", "-use_cmp=0", f"-seed_inputs=@{listing}")
    first = _run(programs, target, *fixed, "-runs=0")
    if first.failed:
        return first
    if first.reached < (_REACH_CHANGED if variants else _REACH):
        return replace(first, complaint=f"of the seeds only {first.reached:.0%} reach what is fuzzed")
    if variants:
        return first
    return _run(programs, target, *fixed, f"-runs={_RUNS[target.program]}")


def _run(programs: Path, target: Target, *options: str) -> Outcome:
    """Runs one target; what it finds is kept."""
    found = BUILD / "found" / target.name
    found.mkdir(parents=True, exist_ok=True)
    limits = (f"-max_len={_MAX_INPUT}", f"-timeout={_SLOWEST_S}", f"-rss_limit_mb={_MEMORY_MIB}", "-len_control=0")
    words = [str(programs / target.program), *limits, f"-artifact_prefix={found}/", "-print_final_stats=1", *options]
    environment = {**os.environ, "WEIR_FUZZ_PROTOCOL": target.protocol}
    endless = None if any(option.startswith("-max_total_time") for option in options) else _ENDLESS_S
    try:
        done = subprocess.run(words, env=environment, capture_output=True, text=True, errors="replace", check=False, timeout=endless)
    except subprocess.TimeoutExpired:
        return Outcome(target, 0, 0, 0.0, (), "", f"not through with its inputs in {endless} s: {' '.join(words)}")
    runs = re.search(r"stat::number_of_executed_units:\s*(\d+)", done.stderr)
    reached = re.search(r"stat::inputs_that_reached: (\d+) of (\d+)", done.stderr)
    coverage = re.findall(r"cov: (\d+)", done.stderr)
    broken = tuple(Path(path) for path in re.findall(r"Test unit written to (\S+)", done.stderr))
    complaint = f"ended with {done.returncode}: {done.stderr[-500:]}" if done.returncode and not broken else ""
    part = int(reached.group(1)) / max(1, int(reached.group(2))) if reached else 0.0
    return Outcome(target, int(runs.group(1)) if runs else 0, int(coverage[-1]) if coverage else 0, part, broken, done.stderr, complaint)


def everything(run: Callable[[Target], Outcome], chosen: Iterable[Target], jobs: int) -> Iterator[Outcome]:
    """Each target, as it ends."""
    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(run, chosen)


def main() -> int:
    """1 where something was found."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("names", nargs="*", help="targets; all where none is named")
    options.add_argument("--seconds", type=int, default=60, help="how long each target is fuzzed")
    options.add_argument("--briefly", action="store_true", help="the same inputs each time, for some seconds")
    options.add_argument("--jobs", type=int, default=max(1, (os.cpu_count() or 1)), help="targets at a time")
    given = options.parse_args()
    if reason := missing():
        sys.stdout.write(f"Not fuzzed: {reason}.\n")
        return 0
    chosen = [target for target in targets() if not given.names or target.name in given.names]
    sys.stdout.write("Building native/fuzz ...\n")
    sys.stdout.flush()
    programs = build()
    began, broken = time.monotonic(), 0
    for outcome in everything(lambda target: briefly(programs, target) if given.briefly else at_length(programs, target, given.seconds), chosen, given.jobs):
        mark = "\033[31m✗\033[0m" if outcome.failed else "\033[32m✓\033[0m"
        sys.stdout.write(f"  {mark} {outcome.target.name:<14} {outcome.runs:>10,} inputs, {outcome.reached:4.0%} reach it, {outcome.coverage:>6,} edges\n")
        if outcome.failed:
            broken += 1
            sys.stdout.write(outcome.told(programs))
        sys.stdout.flush()
    sys.stdout.write(f"{broken} targets found something, {time.monotonic() - began:.0f} s\n")
    return int(broken > 0)


if __name__ == "__main__":
    sys.exit(main())
