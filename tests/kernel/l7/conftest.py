"""A namespace with a stock server in it, and the rows of what is said to that server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.kernel.l7.watching import watching


class Watched:
    """One namespace that the engine watches while a client talks to a server in it."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self.inside = ("ip", "netns", "exec", namespace)
        self.rows: list[dict[str, Any]] = []
        """Rows of flow_log.l7_flow_log, once the client is done."""

    def wait_for_port(self, port: int) -> None:
        probe = f"import socket; socket.create_connection(('127.0.0.1', {port}), 1).close()"
        for _ in range(300):
            if subprocess.run([*self.inside, sys.executable, "-c", probe], check=False, capture_output=True).returncode == 0:
                return
            time.sleep(0.1)
        pytest.fail(f"nobody listens at port {port}")

    def run(self, *command: str, given: str = "") -> str:
        """What a program printed, that ran in the namespace and must have ended well."""
        done = subprocess.run([*self.inside, *command], check=False, input=given, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, f"{command}: {done.stderr[-2000:]}"
        return done.stdout

    @contextmanager
    def serving(self, *command: str, port: int = 0, folder: Path | None = None) -> Iterator[subprocess.Popen[bytes]]:
        """A server in the namespace, from when it listens at TCP `port` (0: none) to the end of the block."""
        process = subprocess.Popen([*self.inside, *command], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            if port:
                self.wait_for_port(port)
            yield process
        finally:
            process.terminate()
            # What the server started in its turn, and left.
            for pid in subprocess.run(["ip", "netns", "pids", self.namespace], check=True, capture_output=True, text=True).stdout.split():
                with suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGTERM)
            process.wait(timeout=30)

    def client(self, script: str, *arguments: str) -> list[Any]:
        """Runs a client written in Python; returns what it printed, one JSON value a line."""
        with watching(self.namespace) as self.rows:
            words = [*self.inside, sys.executable, "-c", textwrap.dedent(script), *arguments]
            done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return [orjson.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def watched(make_namespace: Callable[[], str]) -> Watched:
    namespace = make_namespace()
    subprocess.run(["ip", "-n", namespace, "link", "set", "lo", "up"], check=True)
    return Watched(namespace)
