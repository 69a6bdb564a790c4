"""A machine that runs Weir: brought up with the public command, asked through public interfaces."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import httpx
import psutil

ROOT: Final = Path(__file__).parents[2]
WEIR: Final = str(Path(sys.executable).parent / "weir")
STORE: Final = "http://127.0.0.1:8123"
QUERIER: Final = "http://127.0.0.1:20416"
UP_S: Final = 90.0
HTTP: Final = httpx.Client(timeout=60, trust_env=False)
"""One for all: making a client costs more than what it asks."""


class Machine:
    """One `weir up` with its own data folder."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.environment = {**os.environ, "WEIR_DATA_DIR": str(folder), **settings}
        self._supervisor: subprocess.Popen[str] | None = None

    def up(self) -> float:
        """Starts everything; returns the seconds until all was ready."""
        began = time.monotonic()
        output = (self.folder / "up.txt").open("w")
        self._supervisor = subprocess.Popen([WEIR, "up"], env=self.environment, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, text=True)
        self.wait(self._is_up, UP_S, "Weir did not come up")
        return time.monotonic() - began

    def _is_up(self) -> bool:
        if self._supervisor is None or self._supervisor.poll() is not None:
            raise AssertionError((self.folder / "up.txt").read_text())
        return "Weir is up" in (self.folder / "up.txt").read_text()

    def ensure_up(self) -> None:
        """Starts it where it is down; waits until every process is ready."""
        if self._supervisor is None or self._supervisor.poll() is not None:
            self.up()
        self.wait(lambda: {row["state"] for row in self.processes()} == {"ready"}, UP_S, lambda: f"not ready: {self.processes()}")

    def down(self) -> None:
        """Stops everything the way a person does."""
        if self._supervisor is not None and self._supervisor.poll() is None:
            self._supervisor.send_signal(signal.SIGINT)
            self._supervisor.wait(90)

    def weir(self, *words: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Runs a verb of the command line."""
        return subprocess.run(
            [WEIR, *words], env={**self.environment, "COLUMNS": "200"}, cwd=ROOT, capture_output=True, text=True, timeout=timeout, check=False
        )

    def query(self, sql: str, db: str = "") -> list[dict[str, Any]]:
        """Asks the querier; a dictionary per row."""
        answer = HTTP.post(f"{QUERIER}/v1/query/", json={"db": db, "sql": sql})
        assert answer.status_code == 200, answer.text
        result = answer.json()["result"]
        return [dict(zip(result["columns"], row, strict=True)) for row in result["values"]]

    @staticmethod
    def names() -> set[str]:
        """Names of the hosts that the recorder knows."""
        return {row["name"] for row in HTTP.get("http://127.0.0.1:20420/v1/resources/vm").json()["resources"]}

    def status(self) -> dict[str, dict[str, Any]]:
        """What `weir status --json` says, by process."""
        return {row["name"]: row for row in json.loads(self.weir("status", "--json").stdout)}

    def processes(self) -> list[dict[str, Any]]:
        """What the supervisor says of each process, without asking anybody (the state file)."""
        rows: list[dict[str, Any]] = json.loads((self.folder / "run" / "state.json").read_text())["processes"]
        return rows

    def waiting(self) -> float:
        """Rows that wait in the agent's queues."""
        return float(sum(depth for depth, _, unit in self.status()["agent"]["queues"].values() if unit == "rows"))

    def pids(self) -> dict[str, int]:
        """Pid of each running process."""
        return {row["name"]: row["pid"] for row in self.processes() if row["pid"]}

    def agent_ids(self) -> list[int]:
        """Ids of the registered agents."""
        return [row["vtap_id"] for row in json.loads(self.weir("agents", "--json").stdout)]

    @staticmethod
    def acknowledged() -> dict[str, int]:
        """Rows by table that the running agent was told are stored."""
        found = re.findall(r'^weir_rows_out_total\{stream="(.+?)"\} (\S+)$', HTTP.get("http://127.0.0.1:20440/metrics").text, re.MULTILINE)
        return {table: int(float(rows)) for table, rows in found}

    @staticmethod
    def stored(agent_id: int) -> dict[str, int]:
        """Rows by table that are in the store of an agent."""
        tables = HTTP.get(STORE, params={"query": "SELECT database, name FROM system.tables WHERE database IN ('flow_log', 'flow_metrics') FORMAT TSV"}).text
        names = [line.split("\t") for line in tables.splitlines()]
        one = " UNION ALL ".join(
            f"SELECT '{database}.{name}' AS t, count() AS n FROM {database}.`{name}` WHERE agent_id = {agent_id}" for database, name in names
        )
        answer = HTTP.post(STORE, content=f"SELECT * FROM ({one}) WHERE n > 0 FORMAT TSV")
        assert answer.status_code == 200, answer.text
        return {name: int(rows) for name, rows in (line.split("\t") for line in answer.text.splitlines())}

    def supervisor_pid(self) -> int:
        """Pid of `weir up`."""
        assert self._supervisor is not None
        return self._supervisor.pid

    def kill(self, name: str) -> int:
        """`kill -9` of one process; returns its pid."""
        pid = self.pids()[name]
        os.kill(pid, signal.SIGKILL)
        return pid

    def wait_ready(self, name: str, not_pid: int, seconds: float = 60) -> None:
        """Waits until `name` is ready again under another pid."""

        def ready() -> bool:
            row = next(row for row in self.processes() if row["name"] == name)
            return bool(row["state"] == "ready" and row["pid"] != not_pid)

        self.wait(ready, seconds, f"{name} did not come back")

    @staticmethod
    def wait(condition: Callable[[], bool], seconds: float, message: str | Callable[[], str]) -> None:
        """Waits for something to become true; `message` is made when it did not."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, message if isinstance(message, str) else message()
            time.sleep(0.2)

    def alive(self) -> list[psutil.Process]:
        """Processes that belong to this machine's Weir and still run."""
        own = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("WEIR_DATA_DIR") == str(self.folder) and process.status() != psutil.STATUS_ZOMBIE:
                    own.append(process)
            except psutil.Error:
                continue
        return own
