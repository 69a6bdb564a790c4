"""Child processes to measure: pinned to cores, waited for until they are ready, and asked what they used."""

from __future__ import annotations

import contextlib
import os
import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final, Self

import httpx
import psutil

ROOT: Final = Path(__file__).parents[2]
_TICKS: Final = os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    """A TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def last_core() -> int:
    """The core that what is measured has for itself; everything else goes to the others."""
    return max(os.sched_getaffinity(0))


def other_cores() -> set[int]:
    """The cores for load and sinks; the same one where there is only one."""
    cores = os.sched_getaffinity(0)
    return cores - {max(cores)} or cores


def cpu_s(pid: int) -> float:
    """CPU seconds that a process has used so far, all threads, user and kernel."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def memory_mib(pid: int) -> float:
    """Proportional set size: pages shared between processes count once over all of them."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0


class Child:
    """A running program. A context manager that ends it."""

    def __init__(self, words: Sequence[str], folder: Path, *, cores: Iterable[int] = (), settings: dict[str, str] | None = None) -> None:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("WEIR_")} | (settings or {})
        self.log = folder / f"{Path(words[0]).name}-{words[-1].strip('/').rpartition('/')[2]}.log"
        pinned = set(cores)
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                words,
                cwd=ROOT,
                env=environment,
                stdout=output,
                stderr=output,
                preexec_fn=(lambda: os.sched_setaffinity(0, pinned)) if pinned else None,
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def cpu_s(self) -> float:
        """CPU seconds used so far."""
        return cpu_s(self.pid)

    def ready(self, url: str, *, any_answer: bool = False, seconds: float = 60) -> Self:
        """Waits until `url` answers 200 (or at all)."""
        end = time.monotonic() + seconds
        while self._process.poll() is None and time.monotonic() < end:
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(url, timeout=2, trust_env=False).status_code == httpx.codes.OK or any_answer:
                    return self
            time.sleep(0.05)
        message = f"not ready: {self.log.read_text()[-2000:]}"
        raise RuntimeError(message)

    def wait(self, seconds: float) -> float:
        """Waits for its end; returns the CPU seconds that it used. Raises RuntimeError where it failed."""
        _, status, usage = _wait(self._process, seconds)
        if status:
            message = f"{self.log.name} says: {self.log.read_text()[-1000:]}"
            raise RuntimeError(message)
        return usage.ru_utime + usage.ru_stime

    def stop(self) -> None:
        """Ends it."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def __enter__(self) -> Self:
        """Nothing to do: it runs already."""
        return self

    def __exit__(self, *_: object) -> None:
        """Ends it."""
        self.stop()


def _wait(process: subprocess.Popen[bytes], seconds: float) -> tuple[int, int, resource.struct_rusage]:
    timer = threading.Timer(seconds, process.kill)
    timer.start()
    try:
        pid, status, usage = os.wait4(process.pid, 0)
    finally:
        timer.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    return pid, status, usage


def service(package: str, *words: str, folder: Path, port: int, settings: dict[str, str] | None = None, cores: Iterable[int] = ()) -> Child:
    """One of Weir's own processes, ready. `settings` are environment variables without the process's prefix, but for those that begin with WEIR_."""
    prefix = f"WEIR_{package.rpartition('.')[2].upper()}_"
    named = {key if key.startswith("WEIR_") else prefix + key: value for key, value in (settings or {}).items()}
    environment = {"WEIR_DATA_DIR": str(folder), f"{prefix}PORT": str(port), **named}
    child = Child([sys.executable, "-m", package, *words], folder, cores=cores, settings=environment)
    return child.ready(f"http://127.0.0.1:{port}/readyz")


class Watch:
    """Samples the memory of processes while something runs: MiB by name, one list entry a sample."""

    def __init__(self, pids: Callable[[], dict[str, int]], every_s: float = 1.0) -> None:
        self.samples: list[dict[str, float]] = []
        self._pids = pids
        self._every_s = every_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        while not self._stop.wait(self._every_s):
            sample = {}
            for name, pid in self._pids().items():
                with contextlib.suppress(OSError, psutil.Error):
                    sample[name] = memory_mib(pid)
            self.samples.append(sample)

    def __enter__(self) -> Self:
        """Begins."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Ends."""
        self._stop.set()
        self._thread.join()

    def peak(self, name: str = "") -> float:
        """The most that one process had, or all of them together at one time."""
        return max(sample.get(name, 0.0) if name else sum(sample.values()) for sample in self.samples)

    def mean(self, name: str, begin: float, end: float) -> float:
        """Mean of one process over a part of the time, 0 to 1."""
        part = self.samples[int(len(self.samples) * begin) : max(int(len(self.samples) * end), int(len(self.samples) * begin) + 1)]
        return sum(sample.get(name, 0.0) for sample in part) / len(part)
