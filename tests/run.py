"""Runs the stages of `make test`, prints what each found, and at the end every skip with its reason.

`python tests/run.py` runs all stages; names of stages run those alone. A stage that fails does not keep the next from running.
The last line is `N passed, N failed, N skipped`, the exit code 1 where anything failed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

ROOT: Final = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests import fuzz  # noqa: E402  run as a file, the project is not on the path yet

BIN: Final = ROOT / ".venv" / "bin"
BUILD: Final = ROOT / "build"
CHECKS: Final = (
    ("format", (str(BIN / "ruff"), "format", "--check", "-q", ".")),
    ("lint", (str(BIN / "ruff"), "check", "-q", ".")),
    ("types", (str(BIN / "mypy"), "agent", "services", "libs", "cli", "tests")),
    ("walls", (str(BIN / "lint-imports"),)),
)
RUST: Final = (
    ("rust format", ("cargo", "fmt", "--check")),
    ("rust lint", ("cargo", "clippy", "--locked", "-q", "--all-targets", "--", "-D", "warnings")),
    ("rust tests", ("cargo", "test", "--locked", "-q")),
)
PROGRAMS: Final = {
    "ip": "iproute2",
    "nginx": "nginx-light",
    "curl": "curl",
    "ab": "apache2-utils",
    "h2load": "nghttp2-client",
    "openssl": "openssl",
    "tcpdump": "tcpdump",
    "dnsmasq": "dnsmasq-base",
    "dig": "bind9-dnsutils",
    "fcgiwrap": "fcgiwrap",
    "vsftpd": "vsftpd",
    "chronyd": "chrony",
    "udhcpc": "udhcpc",
    "sipp": "sip-tester",
    "rabbitmq-server": "rabbitmq-server",
    "redis-server": "redis-server",
    "slapd": "slapd",
    "ldapsearch": "ldap-utils",
    "sshd": "openssh-server",
    "ping": "iputils-ping",
    "memcached": "memcached",
    "mariadbd": "mariadb-server-core",
    "nats-server": "nats-server",
    "mosquitto": "mosquitto",
    "mosquitto_pub": "mosquitto-clients",
}
"""Real clients and servers that tests use → the Debian package of each."""
JARS_S: Final = 120
"""How long Maven may take."""
FOLDERS: Final = ("conventions", "unit", "integration", "kernel", "e2e")
RACED: Final = frozenset({"integration", "kernel", "e2e"})
RETRIED_MAX: Final = 25
"""More failures than that are not races."""
STAGES: Final = ("check", "rust", "fuzz-briefly", *FOLDERS)
AT_LENGTH_S: Final = 60
"""How long `make fuzz` gives each target. What it finds depends on luck; stage `fuzz-briefly` has the same inputs each time."""


@dataclass(slots=True)
class Tally:
    """What the stages so far came to."""

    passed: int = 0
    failed: list[str] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    retried: list[str] = field(default_factory=list)
    """Passed, but only when run once more."""


def command(tally: Tally, name: str, words: tuple[str, ...], folder: Path = ROOT) -> str:
    """Runs one check; it counts as one test. Returns what it printed."""
    began = time.monotonic()
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    output = done.stdout + done.stderr
    mark = "\033[32m✓\033[0m" if done.returncode == 0 else "\033[31m✗\033[0m"
    sys.stdout.write(f"  {mark} {name:<40} {time.monotonic() - began:6.1f} s\n")
    if done.returncode:
        tally.failed.append(name)
        sys.stdout.write(output[-6000:] + "\n")
    else:
        tally.passed += 1
    sys.stdout.flush()
    return output


def programs() -> None:
    """Installs what tests use of other people's programs, where that is possible; the tests that miss one say so when they are skipped."""
    missing = [package for program, package in PROGRAMS.items() if shutil.which(program) is None]
    if not missing:
        return
    names = " ".join(missing)
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        sys.stdout.write(f"  ! {names}: not installed, and installing needs root and apt-get; tests that use them are skipped\n")
        return
    began = time.monotonic()
    # A package that brings a server starts it unless this file says no; tests start their own, in namespaces of their own.
    policy = Path("/usr/sbin/policy-rc.d")
    own = not policy.exists()
    if own:
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    try:
        _apt("update")
        # One that this distribution does not have keeps none of the others from coming.
        refused = {} if not _apt("install", *missing) else {package: why for package in missing if (why := _apt("install", package))}
    finally:
        if own:
            policy.unlink()
    for package, why in refused.items():
        sys.stdout.write(f"  ! {package}: could not be installed ({why}); tests that use it are skipped\n")
    came = " ".join(package for package in missing if package not in refused)
    sys.stdout.write(f"  \033[32m✓\033[0m {'install ' + came:<40} {time.monotonic() - began:6.1f} s\n")
    sys.stdout.flush()


def _apt(verb: str, *packages: str) -> str:
    """Runs apt-get; its last line where it failed, else nothing."""
    words = ("apt-get", verb, "-qy", "--no-install-recommends", *packages)
    done = subprocess.run(words, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).strip().rpartition("\n")[2] if done.returncode else ""


def jars() -> None:
    """Brings the one broker that Debian does not have, where Maven is; the test that misses it says so when it is skipped."""
    there = BUILD / "kafka"
    if list(there.glob("kafka_*.jar")) or "WEIR_TEST_KAFKA_LIB" in os.environ or any(shutil.which(program) is None for program in ("java", "mvn")):
        return
    began = time.monotonic()
    words = ("mvn", "-q", "-B", "-f", "tests/data/l7/kafka/pom.xml", "dependency:copy-dependencies", f"-DoutputDirectory={there}")
    try:
        code = subprocess.run(words, cwd=ROOT, capture_output=True, check=False, timeout=JARS_S).returncode
    except subprocess.TimeoutExpired:
        code = -1
    if code:
        shutil.rmtree(there, ignore_errors=True)
        sys.stdout.write("  ! Kafka: could not be brought by Maven; tests that use it are skipped\n")
    else:
        sys.stdout.write(f"  \033[32m✓\033[0m {'bring Kafka':<40} {time.monotonic() - began:6.1f} s\n")
    sys.stdout.flush()


def rust(tally: Tally) -> None:
    """The native crate's own checks; its tests are counted one by one."""
    if not shutil.which("cargo"):
        tally.skipped.append(("native (format, lint, tests)", "cargo is not installed"))
        return
    for name, words in RUST:
        output = command(tally, name, words, ROOT / "native")
        for passed, ignored in re.findall(r"test result: \w+\. (\d+) passed; \d+ failed; (\d+) ignored", output):
            tally.passed += int(passed)
            if int(ignored):
                tally.skipped.append(("native tests", f"{ignored} marked as ignored"))


def folder(tally: Tally, name: str) -> None:
    """One folder of pytest tests.

    What has real processes in it can lose a race against a busy machine: what failed there is run once more, alone, and only what
    fails twice has failed. What passed at the second try is listed, never hidden.
    """
    where = ROOT / "tests" / name
    if not list(where.rglob("test_*.py")):
        return
    sys.stdout.write(f"  {name}\n")
    sys.stdout.flush()
    first, code = _pytest(name, where)
    again: dict[str, str] = {}
    if code == 1 and name in RACED and sum(fate == "failed" for fate in first.values()) <= RETRIED_MAX:
        again, code = _pytest(f"{name}-again", where, "--last-failed")
    if not first:
        tally.failed.append(f"{name}: pytest ended with {code} and no report")
        return
    for label, fate in {**first, **again}.items():
        if fate == "failed":
            tally.failed.append(label)
        elif fate == "passed":
            tally.passed += 1
            if first.get(label) == "failed":
                tally.retried.append(label)
        else:
            tally.skipped.append((label, fate))
    if code not in (0, 1) or (code and not tally.failed):
        tally.failed.append(f"{name}: pytest ended with code {code}")


def _pytest(report_name: str, where: Path, *options: str) -> tuple[dict[str, str], int]:
    """Runs pytest; returns each test's fate ("passed", "failed", or why it was skipped) and the exit code."""
    BUILD.mkdir(exist_ok=True)
    report = BUILD / f"tests-{report_name}.xml"
    report.unlink(missing_ok=True)
    code = subprocess.run([str(BIN / "python"), "-m", "pytest", str(where), f"--junitxml={report}", *options], cwd=ROOT, check=False).returncode
    fates: dict[str, str] = {}
    if report.exists():
        for case in ET.parse(report).getroot().iter("testcase"):  # noqa: S314  pytest wrote it a moment ago
            label = f"{case.get('classname', '')}::{case.get('name', '')}"
            skip = case.find("skipped")
            if case.find("failure") is not None or case.find("error") is not None:
                fates[label] = "failed"
            elif fates.get(label) != "failed":
                fates[label] = skip.get("message", "skipped") if skip is not None else "passed"
    return fates, code


def fuzz_targets(tally: Tally, seconds: int | None) -> None:
    """Coverage-guided fuzzing, each target counted as one test; without `seconds` the same inputs each time."""
    if reason := fuzz.missing():
        tally.skipped.append(("fuzz targets", reason))
        return
    began = time.monotonic()
    try:
        programs = fuzz.build()
    except subprocess.CalledProcessError as error:
        tally.failed.append(f"fuzz targets: {error}")
        return
    sys.stdout.write(f"  {'fuzz targets: build':<42} {time.monotonic() - began:6.1f} s\n")
    sys.stdout.flush()
    began = time.monotonic()
    run = partial(fuzz.briefly, programs) if seconds is None else partial(fuzz.at_length, programs, seconds=seconds)
    chosen = fuzz.targets()
    broken = 0
    for outcome in fuzz.everything(run, chosen, os.cpu_count() or 1):
        if outcome.failed:
            broken += 1
            tally.failed.append(f"fuzz target {outcome.target.name}")
            sys.stdout.write(f"  \033[31m✗\033[0m {outcome.target.name}\n{outcome.told(programs)}")
        else:
            tally.passed += 1
    mark = "\033[31m✗\033[0m" if broken else "\033[32m✓\033[0m"
    sys.stdout.write(f"  {mark} {f'fuzz targets: {len(chosen) - broken} of {len(chosen)}':<40} {time.monotonic() - began:6.1f} s\n")
    sys.stdout.flush()


def fuzz_at_length(tally: Tally) -> None:
    """Every target for a minute, and longer property tests: the same tests with many more examples."""
    fuzz_targets(tally, AT_LENGTH_S)
    os.environ.update({"HYPOTHESIS_PROFILE": "fuzz", "PROPTEST_CASES": "20000"})
    rust(tally)
    folder(tally, "unit")


def report(tally: Tally) -> None:
    """What was skipped, retried and failed, and the closing line."""
    if tally.skipped:
        sys.stdout.write("\nSkipped:\n")
        for reason in sorted({reason for _, reason in tally.skipped}):
            names = [name for name, why in tally.skipped if why == reason]
            sys.stdout.write(f"  {reason}\n    {len(names)} x {names[0]}{' …' if len(names) > 1 else ''}\n")
    if tally.retried:
        sys.stdout.write("\nPassed only when run once more:\n" + "".join(f"  {name}\n" for name in tally.retried))
    if tally.failed:
        sys.stdout.write("\nFailed:\n" + "".join(f"  {name}\n" for name in tally.failed))
    sys.stdout.write(f"\n{tally.passed} passed, {len(tally.failed)} failed, {len(tally.skipped)} skipped\n")


def main(stages: list[str]) -> int:
    """Runs the stages; returns the exit code."""
    tally = Tally()
    os.environ["PATH"] += f":/usr/sbin:/sbin:{Path.home() / '.cargo/bin'}"
    if {"integration", "kernel", "e2e"} & set(stages or STAGES):
        programs()
    if "kernel" in (stages or STAGES):
        jars()
    for stage in stages or STAGES:
        if stage == "check":
            for name, words in CHECKS:
                command(tally, name, words)
        elif stage == "rust":
            rust(tally)
        elif stage == "fuzz":
            fuzz_at_length(tally)
        elif stage == "fuzz-briefly":
            fuzz_targets(tally, None)
        else:
            folder(tally, stage)
    report(tally)
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
