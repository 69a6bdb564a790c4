"""Real processes: the store, the ingester, and between them, where a test wants it, a wire that can be cut."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import httpx

ROOT = Path(__file__).parents[3]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Process:
    """One of Weir's processes, killed and started again at a test's will."""

    def __init__(self, module: list[str], port: int, env: dict[str, str], log: Path) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._command = [sys.executable, "-m", *module]
        self._env = {key: value for key, value in os.environ.items() if not key.startswith("WEIR_")} | env
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, wait_for: str = "/readyz") -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(self._command, cwd=ROOT, env=self._env, stderr=log, stdout=log)
        if wait_for:
            self.wait_for(wait_for)

    def wait_for(self, path: str, timeout_s: float = 60.0) -> None:
        end = time.monotonic() + timeout_s
        while True:
            try:
                if httpx.get(self.url + path, timeout=2).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            assert self._process is None or self._process.poll() is None, self.log.read_text()[-3000:]
            assert time.monotonic() < end, self.log.read_text()[-3000:]
            time.sleep(0.05)

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> int:
        assert self._process is not None
        self._process.terminate()
        code = self._process.wait(30)
        self._process = None
        return code

    def exit_code(self) -> int:
        assert self._process is not None
        return self._process.wait(60)

    @property
    def rss_mib(self) -> float:
        assert self._process is not None
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    @property
    def peak_rss_mib(self) -> float:
        assert self._process is not None
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples that carry these labels."""
        total = 0.0
        for line in httpx.get(self.url + "/metrics").text.splitlines():
            if line.startswith((name + "{", name + " ")) and all(f'{key}="{value}"' in line for key, value in labels.items()):
                total += float(line.rsplit(" ", 1)[1])
        return total

    def assert_ledger_balances(self) -> None:
        came = self.metric("weir_rows_in_total")
        went = sum(self.metric(f"weir_rows_{fate}_total") for fate in ("out", "dropped", "duplicate"))
        assert came == went


class Store(Process):
    def ask(self, sql: str) -> list[list[str]]:
        answer = httpx.post(self.url, content=sql, timeout=60)
        assert answer.status_code == 200, answer.text
        return [line.split("\t") for line in answer.text.splitlines()]

    def count(self, table: str = "flow_log.l7_flow_log", where: str = "1") -> int:
        return int(self.ask(f"SELECT count() FROM {table} WHERE {where}")[0][0])

    def batches(self, run: str) -> dict[int, tuple[int, int]]:
        """(rows, distinct rows) of each batch of a load generator's run."""
        sql = (
            "SELECT reinterpretAsUInt32(reverse(unhex(substring(trace_id, 9, 8)))) AS batch, count(), uniqExact(trace_id) "
            f"FROM flow_log.l7_flow_log WHERE startsWith(trace_id, '{run}') GROUP BY batch"
        )
        return {int(row[0]): (int(row[1]), int(row[2])) for row in self.ask(sql)}


_INSERTS: Final = (b"INSERT+INTO", b"insert_deduplication_token")


class Wire:
    """A TCP relay, to the store if nothing else is said, that can lose the answer to an insert (a request with one of these marks)."""

    def __init__(self, to_port: int, marks: tuple[bytes, ...] = _INSERTS) -> None:
        self._to = to_port
        self._marks = marks
        self.lose_answers = 0
        """So many answers to inserts are swallowed from now on, and their connections cut."""
        self.lost = 0
        self.after_loss_to: int | None = None
        """Where new connections go once an answer was lost."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._to))
            except OSError:
                return
            inserting = [False]
            threading.Thread(target=self._carry, args=(client, server, self._look, inserting), daemon=True).start()
            threading.Thread(target=self._carry, args=(server, client, self._lose, inserting), daemon=True).start()

    def _look(self, data: bytes, inserting: list[bool]) -> bool:
        if data.startswith((b"POST", b"GET")):
            inserting[0] = any(mark in data for mark in self._marks)
        return True

    def _lose(self, _: bytes, inserting: list[bool]) -> bool:
        if inserting[0] and self.lose_answers:
            self.lose_answers -= 1
            self.lost += 1
            self._to = self.after_loss_to or self._to
            return False
        return True

    def _carry(self, source: socket.socket, target: socket.socket, passes: Callable[[bytes, list[bool]], bool], inserting: list[bool]) -> None:
        try:
            while (data := source.recv(1 << 16)) and passes(data, inserting):
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                end.close()


class Ingester(Process):
    def __init__(self, decoder: str, folder: Path, store_url: str, **settings: object) -> None:
        self.grpc_port = free_port()
        port = free_port()
        env = {
            "WEIR_CLICKHOUSE_URL": store_url,
            "WEIR_DATA_DIR": str(folder),
            "WEIR_INGESTER_PORT": str(port),
            "WEIR_INGESTER_GRPC_PORT": str(self.grpc_port),
            "WEIR_INGESTER_TRISOLARIS": "",
            "WEIR_INGESTER_STOP_TIMEOUT_S": "3",
        }
        env |= {f"WEIR_INGESTER_{key.upper()}": str(value) for key, value in settings.items()}
        super().__init__(["services.ingester", decoder], port, env, folder / f"{decoder}.log")
        self._http = httpx.Client(timeout=60)

    def post(self, body: bytes, path: str = "/v1/traces", content_type: str = "application/x-protobuf", **headers: str) -> httpx.Response:
        return self._http.post(self.url + path, content=body, headers={"content-type": content_type, **{k.replace("_", "-"): v for k, v in headers.items()}})

    def kill(self) -> None:
        super().kill()
        self._http.close()
        self._http = httpx.Client(timeout=60)


Make = Callable[..., Ingester]
Body = Callable[..., bytes]
