"""The control plane's real processes, and a machine with an agent that speaks to them."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import asyncpg
import grpc.aio
import httpx

from libs.wire import agent_pb2, agent_pb2_grpc

HTTP = httpx.Client(trust_env=False, verify=False, timeout=10)  # noqa: S501  plain HTTP on loopback
ROOT = Path(__file__).parents[3]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Plane:
    """The control plane as subprocesses, each on ports of its own."""

    dsn: str
    folder: Path
    env: dict[str, str]
    ports: dict[tuple[str, str], int]
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    may_wait_for: set[str] = field(default_factory=set)

    def start(self, *names: str) -> None:
        for name in names:
            with (self.folder / f"{name}.log").open("ab") as log:
                self.running[name] = subprocess.Popen([sys.executable, "-m", f"services.{name}"], cwd=ROOT, env=self.env, stdout=log, stderr=log)

    def kill(self, *names: str, sig: signal.Signals = signal.SIGKILL) -> None:
        for name in names:
            self.running[name].send_signal(sig)
        for name in names:
            assert self.running.pop(name).wait(15) == (0 if sig == signal.SIGTERM else -sig)

    def end(self) -> None:
        for process in self.running.values():
            process.kill()
        for process in self.running.values():
            process.wait()

    def rest(self, name: str, path: str, method: str = "GET", **options: object) -> httpx.Response:
        return HTTP.request(method, f"http://127.0.0.1:{self.ports[name, 'http']}{path}", **options)  # type: ignore[arg-type]

    def address(self, name: str) -> str:
        return f"127.0.0.1:{self.ports[name, 'grpc']}"

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    async def ready(self, *names: str, timeout_s: float = 60) -> None:
        for name in names or self.running:
            await eventually(lambda name=name: self._is_ready(name), timeout_s)  # type: ignore[misc]

    def _is_ready(self, name: str) -> None:
        assert self.running[name].poll() is None, self.log(name)
        try:
            answer = self.rest(name, "/readyz")
        except httpx.TransportError as error:
            raise AssertionError(name) from error
        assert answer.json()["waiting_for"].keys() <= self.may_wait_for, (name, answer.text)

    async def fetch(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.dsn)
        try:
            return list(await connection.fetch(query, *arguments))
        finally:
            await connection.close()


async def eventually(check: Callable[[], Any], timeout_s: float = 10, every_s: float = 0.05) -> Any:
    """Repeats `check`, sync or async, until it raises no AssertionError; returns what it returns."""
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            result = check()
            return await result if asyncio.iscoroutine(result) else result
        except (AssertionError, asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError):
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(every_s)


CONTROL = ("genesis", "cloud", "recorder", "trisolaris")


def new_plane(dsn: str, folder: Path) -> Plane:
    ports = {(name, "http"): free_port() for name in (*CONTROL, "tagrecorder")} | {(name, "grpc"): free_port() for name in ("genesis", "cloud", "trisolaris")}
    env = {key: value for key, value in os.environ.items() if not key.startswith("WEIR_")}
    env |= {f"WEIR_{name.upper()}_{'GRPC_' if purpose == 'grpc' else ''}PORT": str(port) for (name, purpose), port in ports.items()}
    env["WEIR_POSTGRES_DSN"] = dsn
    env["WEIR_CLOUD_GENESIS_ADDRESS"] = env["WEIR_TRISOLARIS_GENESIS_ADDRESS"] = f"127.0.0.1:{ports['genesis', 'grpc']}"
    env["WEIR_RECORDER_CLOUD_ADDRESS"] = f"127.0.0.1:{ports['cloud', 'grpc']}"
    return Plane(dsn, folder, env, ports)


_NUMBERS = itertools.count(10)


@dataclass
class FakeAgent:
    """A machine with an agent, speaking the real protocol."""

    plane: Plane
    host_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    hostname: str = "machine-1"
    number: int = field(default_factory=lambda: next(_NUMBERS))
    mac: str = ""
    addresses: list[str] = field(default_factory=list)
    namespaces: list[agent_pb2.NetworkNamespace] = field(default_factory=list)
    processes: list[agent_pb2.Process] = field(default_factory=list)
    version: int = 0
    more_macs: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.mac = self.mac or f"52:54:00:00:{self.number >> 8:02x}:{self.number & 255:02x}"
        self.addresses = self.addresses or [f"192.168.{self.number >> 8}.{self.number & 255}/16"]

    @property
    def ip(self) -> str:
        return self.addresses[0].partition("/")[0]

    def sync_request(self, **more: object) -> agent_pb2.SyncRequest:
        said: dict[str, Any] = {
            "host_id": self.host_id,
            "ctrl_mac": self.mac,
            "ctrl_ip": self.ip,
            "hostname": self.hostname,
            "interface_macs": [self.mac, *self.more_macs],
        }
        return agent_pb2.SyncRequest(**(said | more))

    def facts(self, **more: object) -> agent_pb2.GenesisSyncRequest:
        own = agent_pb2.NetworkNamespace(
            name="",
            inode=1,
            interfaces=[
                agent_pb2.NetworkInterface(index=1, name="lo", kind="loopback", up=True, addresses=["127.0.0.1/8", "::1/128"]),
                agent_pb2.NetworkInterface(index=2, name="eth0", mac=self.mac, kind="ethernet", up=True, addresses=self.addresses),
            ],
        )
        said: dict[str, Any] = {
            "host_id": self.host_id,
            "hostname": self.hostname,
            "version": self.version,
            "ctrl_ip": self.ip,
            "ctrl_mac": self.mac,
            "os": "linux",
        }
        return agent_pb2.GenesisSyncRequest(**(said | {"namespaces": [own, *self.namespaces], "processes": self.processes} | more))

    async def sync(self, **more: object) -> agent_pb2.SyncResponse:
        async with grpc.aio.insecure_channel(self.plane.address("trisolaris")) as channel:
            response: agent_pb2.SyncResponse = await agent_pb2_grpc.SynchronizerStub(channel).Sync(self.sync_request(**more), wait_for_ready=True, timeout=15)  # type: ignore[no-untyped-call]
            return response

    async def report(self, **more: object) -> agent_pb2.GenesisSyncResponse:
        self.version = cast("int", more.pop("version", self.version + 1))
        async with grpc.aio.insecure_channel(self.plane.address("genesis")) as channel:
            response: agent_pb2.GenesisSyncResponse = await agent_pb2_grpc.GenesisStub(channel).GenesisSync(self.facts(**more), wait_for_ready=True, timeout=15)  # type: ignore[no-untyped-call]
            return response

    async def registered(self, timeout_s: float = 10) -> agent_pb2.SyncResponse:
        async def check() -> agent_pb2.SyncResponse:
            response = await self.sync()
            assert response.status == agent_pb2.SYNC_STATUS_OK, response
            return response

        response: agent_pb2.SyncResponse = await eventually(check, timeout_s)
        return response

    async def push(self, **more: object) -> AsyncIterator[agent_pb2.SyncResponse]:
        async with grpc.aio.insecure_channel(self.plane.address("trisolaris")) as channel:
            async for response in agent_pb2_grpc.SynchronizerStub(channel).Push(self.sync_request(**more), wait_for_ready=True):  # type: ignore[no-untyped-call]
                yield response


def namespace(name: str, *addresses: str, inode: int = 7, mac: str = "0a:00:00:00:00:01", kind: str = "veth", workload: str = "") -> agent_pb2.NetworkNamespace:
    interface = agent_pb2.NetworkInterface(index=2, name="eth0", mac=mac, kind=kind, up=True, addresses=addresses)
    return agent_pb2.NetworkNamespace(name=name, inode=inode, workload=workload, interfaces=[interface])
