"""The conversation of a legacy host with trisolaris and genesis, over real gRPC against servers that keep the protocol."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import grpc.aio
import pytest

from agent.control.client import ControlClient
from agent.control.genesis import Reporter
from agent.control.standing import Standing
from agent.platform.facts import HostFacts, Interface, Namespace
from agent.platform.identity import HostIdentity
from libs.wire import agent_pb2 as pb
from libs.wire import agent_pb2_grpc as pb_grpc

IDENTITY = HostIdentity("id-1", "box", "Linux", "x86_64", "6", 2, 1 << 30, 1_700_000_000)
NIC = Interface(2, "eth0", "02:00:00:00:00:01", up=True, kind="ethernet", addresses=("192.0.2.7/24",), peer_index=0, mtu=1500)
FACTS = HostFacts((Namespace("", 1, "", (NIC,), "/proc/self/ns/net"),))


class ControlPlane(pb_grpc.SynchronizerServicer, pb_grpc.GenesisServicer):
    """trisolaris and genesis on one port: an agent is registered once genesis has its MAC."""

    def __init__(self) -> None:
        self.syncs: list[pb.SyncRequest] = []
        self.reports: list[pb.GenesisSyncRequest] = []
        self.macs: set[str] = set()
        self.held: dict[str, int] = {}
        self.config = pb.SyncResponse(config_version=1, config_yaml="{}")
        self.interval_s = 60
        self.port = 0
        self._changed = asyncio.Event()
        self._server: grpc.aio.Server | None = None

    async def start(self) -> None:
        self._server = grpc.aio.server()
        pb_grpc.add_SynchronizerServicer_to_server(self, self._server)  # type: ignore[no-untyped-call]
        pb_grpc.add_GenesisServicer_to_server(self, self._server)  # type: ignore[no-untyped-call]
        self.port = self._server.add_insecure_port(f"127.0.0.1:{self.port}")
        await self._server.start()

    async def stop(self) -> None:
        assert self._server is not None
        await self._server.stop(0)

    def configure(self, version: int, text: str) -> None:
        self.config = pb.SyncResponse(config_version=version, config_yaml=text)
        self._changed.set()

    def _answer(self, request: pb.SyncRequest) -> pb.SyncResponse:
        address = f"127.0.0.1:{self.port}"
        if request.ctrl_mac not in self.macs:
            return pb.SyncResponse(status=pb.SYNC_STATUS_UNKNOWN, platform_enabled=True, genesis_address=address, retry_after_ms=100)
        answer = pb.SyncResponse(
            status=pb.SYNC_STATUS_OK, vtap_id=5, vpc_id=1, platform_enabled=True, genesis_address=address, sync_interval_s=self.interval_s,
            ingesters=[pb.IngesterEndpoint(decoder="flow_log", otlp_http="http://127.0.0.1:9")],
        )  # fmt: skip
        answer.config_version = self.config.config_version
        if request.config_version != self.config.config_version:
            answer.config_yaml = self.config.config_yaml
        return answer

    async def Sync(self, request: pb.SyncRequest, context: Any) -> pb.SyncResponse:  # noqa: N802, ARG002
        self.syncs.append(request)
        return self._answer(request)

    async def Push(self, request: pb.SyncRequest, context: Any) -> AsyncIterator[pb.SyncResponse]:  # noqa: N802, ARG002
        while True:
            yield self._answer(request)
            self._changed.clear()
            await self._changed.wait()

    async def GenesisSync(self, request: pb.GenesisSyncRequest, context: Any) -> pb.GenesisSyncResponse:  # noqa: N802, ARG002
        self.reports.append(request)
        if request.unchanged and self.held.get(request.host_id) != request.version:
            return pb.GenesisSyncResponse(version=0, need_full=True, interval_s=60)
        if not request.unchanged:
            self.held[request.host_id] = request.version
            self.macs.update(nic.mac for space in request.namespaces for nic in space.interfaces)
        return pb.GenesisSyncResponse(version=request.version, interval_s=self.interval_s)


class Agent:
    def __init__(self, port: int, standing: Standing | None = None) -> None:
        controller = f"127.0.0.1:{port}"
        self.heard: list[Standing] = []
        self.client = ControlClient(controller, standing or Standing(), self._ask, self.heard.append)
        self.reporter = Reporter(IDENTITY, self.client, controller)
        self.reporter.report(FACTS)

    def _ask(self, standing: Standing) -> pb.SyncRequest:
        return pb.SyncRequest(vtap_id=standing.vtap_id, host_id="id-1", ctrl_mac=NIC.mac, ctrl_ip="192.0.2.7", config_version=standing.config_version)


@contextlib.asynccontextmanager
async def running(agent: Agent) -> AsyncIterator[Agent]:
    tasks = [asyncio.create_task(agent.client.run()), asyncio.create_task(agent.reporter.run())]
    try:
        yield agent
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def until(holds: Callable[[], bool], within_s: float = 8.0) -> None:
    async with asyncio.timeout(within_s):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


@pytest.fixture
async def plane() -> AsyncIterator[ControlPlane]:
    made = ControlPlane()
    await made.start()
    yield made
    await made.stop()


async def test_an_unknown_host_reports_itself_and_is_registered(plane: ControlPlane) -> None:
    async with running(Agent(plane.port)) as agent:
        await until(lambda: agent.client.standing.vtap_id == 5)
    assert (plane.syncs[0].vtap_id, plane.reports[0].unchanged, plane.reports[0].hostname) == (0, False, "box")
    assert plane.reports[0].namespaces[0].interfaces[0].addresses == ["192.0.2.7/24"]
    assert agent.client.standing.ingesters == {"flow_log": "http://127.0.0.1:9"}
    assert agent.client.problem == ""


async def test_a_changed_configuration_arrives_by_push(plane: ControlPlane) -> None:
    async with running(Agent(plane.port)) as agent:
        await until(lambda: agent.client.standing.vtap_id == 5)
        await asyncio.sleep(0.3)
        syncs = len(plane.syncs)
        plane.configure(2, "l7: {enabled: false}")
        await until(lambda: agent.client.standing.config_version == 2, 1.0)
        assert not agent.client.standing.config.l7.enabled
        assert len(plane.syncs) == syncs


async def test_a_configuration_that_cannot_be_obeyed_leaves_the_old_one_in_force_and_is_told(plane: ControlPlane) -> None:
    async with running(Agent(plane.port)) as agent:
        await until(lambda: agent.client.standing.vtap_id == 5)
        await asyncio.sleep(0.3)
        plane.configure(2, "captrue: {}")
        await until(lambda: agent.client.config_problem != "", 2.0)
        assert "captrue" in agent.client.config_problem
        assert agent.client.standing.config_version == 1
        plane.configure(3, "{}")
        await until(lambda: agent.client.standing.config_version == 3, 2.0)
        assert agent.client.config_problem == ""


async def test_changed_facts_are_told_at_once_and_unchanged_ones_by_heartbeat(plane: ControlPlane) -> None:
    plane.interval_s = 1
    async with running(Agent(plane.port)) as agent:
        await until(lambda: bool(plane.reports))
        await until(lambda: any(report.unchanged for report in plane.reports), 3.0)
        assert next(report for report in plane.reports if report.unchanged).namespaces == []
        own = replace(FACTS.namespaces[0], interfaces=(replace(NIC, addresses=("192.0.2.8/24",)),))
        agent.reporter.report(HostFacts((own,)))
        await until(lambda: not plane.reports[-1].unchanged and plane.reports[-1].namespaces[0].interfaces[0].addresses == ["192.0.2.8/24"], 1.0)
        versions = [report.version for report in plane.reports]
        assert versions == sorted(versions)
        assert versions[-1] > versions[0]


async def test_a_genesis_that_has_lost_everything_is_told_everything_again(plane: ControlPlane) -> None:
    plane.interval_s = 1
    async with running(Agent(plane.port)):
        await until(lambda: any(report.unchanged for report in plane.reports), 4.0)
        plane.held.clear()
        await until(lambda: bool(plane.held), 3.0)


async def test_restarts_of_the_control_plane_are_outlived(plane: ControlPlane) -> None:
    async with running(Agent(plane.port)) as agent:
        await until(lambda: agent.client.standing.vtap_id == 5)
        await plane.stop()
        await until(lambda: agent.client.problem != "")
        assert agent.client.standing.vtap_id == 5
        plane.configure(2, "l7: {enabled: false}")
        await plane.start()
        await until(lambda: agent.client.standing.config_version == 2, 15.0)
        await until(lambda: agent.client.problem == "" and agent.reporter.problem == "", 15.0)


async def test_an_agent_that_was_registered_before_starts_while_the_control_plane_is_away() -> None:
    plane = ControlPlane()
    plane.macs.add(NIC.mac)
    await plane.start()
    await plane.stop()
    kept = Standing(vtap_id=5, genesis_address=f"127.0.0.1:{plane.port}", config_version=1)
    async with running(Agent(plane.port, kept)) as agent:
        await until(lambda: "does not answer" in agent.client.problem)
        assert agent.client.standing == kept
        await plane.start()
        await until(lambda: agent.client.problem == "", 15.0)
        assert plane.syncs[0].vtap_id == 5
        await until(lambda: bool(plane.held), 15.0)
    await plane.stop()
