"""The sequence "Agent on Legacy Host", and who counts as the same agent."""

from __future__ import annotations

import asyncio
import time

import grpc
import grpc.aio
import pytest

from libs.wire import agent_pb2
from tests.integration.control.control_plane import FakeAgent, Plane, eventually


async def test_an_unknown_host_becomes_an_agent_with_its_groups_configuration(running: Plane) -> None:
    agent = FakeAgent(running)
    first = await agent.sync()
    assert first.status == agent_pb2.SYNC_STATUS_UNKNOWN
    assert first.platform_enabled
    assert first.genesis_address == running.address("genesis")
    assert 0 < first.retry_after_ms <= 1000
    started = time.monotonic()
    answer = await agent.report()
    assert (answer.version, answer.need_full) == (1, False)
    second = await agent.registered()
    assert time.monotonic() - started < 3
    assert second.vtap_id > 0
    assert second.vpc_id > 0
    assert second.config_version > 0
    assert second.config_yaml == "{}\n"
    assert second.vtap_group_id == "default"
    assert [ingester.decoder for ingester in second.ingesters] == ["flow_log", "flow_metrics"]
    assert ("127.0.0.1", 20416) in {(endpoint.address, endpoint.port) for endpoint in second.weir_endpoints}
    (machine,) = await running.fetch("SELECT name, htype FROM meta.vm WHERE host_id = $1", agent.host_id)
    assert (machine["name"], machine["htype"]) == ("machine-1", "host")


async def test_an_agent_that_runs_the_configuration_is_not_sent_it_again(running: Plane) -> None:
    agent = FakeAgent(running)
    await agent.report()
    registered = await agent.registered()
    again = await agent.sync(config_version=registered.config_version)
    assert again.config_yaml == ""
    assert again.config_version == registered.config_version


async def test_a_push_that_began_unknown_tells_of_the_registration_by_itself(running: Plane) -> None:
    agent = FakeAgent(running)
    pushes = agent.push()
    assert (await anext(pushes)).status == agent_pb2.SYNC_STATUS_UNKNOWN
    started = time.monotonic()
    await agent.report()
    pushed = await asyncio.wait_for(anext(pushes), 5)
    assert pushed.status == agent_pb2.SYNC_STATUS_OK
    assert pushed.vtap_id > 0
    assert time.monotonic() - started < 2
    await pushes.aclose()  # type: ignore[attr-defined]


async def test_a_changed_address_is_the_same_agent(running: Plane) -> None:
    agent = FakeAgent(running)
    await agent.report()
    before = (await agent.registered()).vtap_id
    agent.addresses = ["192.168.250.1/16"]
    assert (await agent.sync()).vtap_id == before
    await agent.report()
    await asyncio.sleep(0.3)
    assert (await agent.sync()).vtap_id == before
    (row,) = await running.fetch("SELECT ctrl_ip FROM agent.vtap WHERE id = $1", before)
    assert row["ctrl_ip"] == "192.168.250.1"


async def test_a_default_route_over_another_interface_is_the_same_agent_and_machine(running: Plane) -> None:
    agent = FakeAgent(running)
    await agent.report()
    before = (await agent.registered()).vtap_id
    other = "52:54:00:ff:ff:01"
    second = agent_pb2.NetworkInterface(index=3, name="eth1", mac=other, kind="ethernet", up=True, addresses=["10.99.0.1/24"])
    first = agent_pb2.NetworkInterface(index=2, name="eth0", mac=agent.mac, kind="ethernet", up=True, addresses=agent.addresses)
    own = agent_pb2.NetworkNamespace(inode=1, interfaces=[first, second])
    assert (await agent.sync(ctrl_mac=other, ctrl_ip="10.99.0.1", interface_macs=[agent.mac, other])).vtap_id == before
    await agent.report(ctrl_mac=other, ctrl_ip="10.99.0.1", namespaces=[own])
    await eventually(lambda: _macs(running, agent.host_id, {agent.mac, other}))
    assert (await agent.sync(ctrl_mac=other, ctrl_ip="10.99.0.1", interface_macs=[agent.mac, other])).vtap_id == before
    assert len(await running.fetch("SELECT id FROM meta.vm WHERE host_id = $1", agent.host_id)) == 1


async def _macs(plane: Plane, host_id: str, expected: set[str]) -> None:
    query = "SELECT mac FROM meta.vinterface JOIN meta.vm ON vm.id = vm_id WHERE vm.host_id = $1 AND vinterface.deleted_at IS NULL"
    assert {row["mac"] for row in await plane.fetch(query, host_id)} == expected


async def test_a_clone_with_the_same_machine_id_is_another_agent(running: Plane) -> None:
    original = FakeAgent(running)
    clone = FakeAgent(running, host_id=original.host_id, hostname="clone")
    await original.report()
    await clone.report()
    first, second = await original.registered(), await clone.registered()
    assert first.vtap_id != second.vtap_id
    assert (await original.sync()).vtap_id == first.vtap_id
    assert (await clone.sync(vtap_id=first.vtap_id)).vtap_id == second.vtap_id
    assert {row["name"] for row in await running.fetch("SELECT name FROM meta.vm WHERE host_id = $1", original.host_id)} == {"machine-1", "clone"}


async def test_someone_elses_mac_and_address_do_not_register(running: Plane) -> None:
    honest = FakeAgent(running)
    await honest.report()
    await honest.registered()
    thief = FakeAgent(running, mac=honest.mac, addresses=honest.addresses)
    assert (await thief.sync()).status == agent_pb2.SYNC_STATUS_UNKNOWN


async def test_an_agent_that_reaches_the_controller_over_loopback_registers(running: Plane) -> None:
    agent = FakeAgent(running, mac="00:00:00:00:00:00", addresses=["127.0.0.1/8"])
    await agent.report()
    assert (await agent.registered()).vtap_id > 0


async def test_many_syncs_of_one_unknown_host_register_it_once(running: Plane) -> None:
    agent = FakeAgent(running)
    await agent.report()
    deadline = time.monotonic() + 5
    answers: list[agent_pb2.SyncResponse] = []
    while not any(answer.status == agent_pb2.SYNC_STATUS_OK for answer in answers) and time.monotonic() < deadline:
        answers += await asyncio.gather(*(agent.sync() for _ in range(20)))
    assert {answer.vtap_id for answer in answers if answer.status == agent_pb2.SYNC_STATUS_OK} == {(await agent.sync()).vtap_id}
    assert len(await running.fetch("SELECT id FROM agent.vtap WHERE host_id = $1", agent.host_id)) == 1


async def test_a_disabled_agent_is_refused_at_once_and_told_why(running: Plane) -> None:
    agent = FakeAgent(running)
    await agent.report()
    vtap_id = (await agent.registered()).vtap_id
    pushes = agent.push()
    assert (await anext(pushes)).status == agent_pb2.SYNC_STATUS_OK
    assert running.rest("trisolaris", f"/v1/agents/{vtap_id}", "PATCH", json={"state": "disabled"}).status_code == 200
    pushed = await asyncio.wait_for(anext(pushes), 2)
    assert pushed.status == agent_pb2.SYNC_STATUS_REFUSED
    assert "disabled" in pushed.message
    assert (await agent.sync()).status == agent_pb2.SYNC_STATUS_REFUSED
    running.rest("trisolaris", f"/v1/agents/{vtap_id}", "PATCH", json={"state": "enabled"})
    assert (await asyncio.wait_for(anext(pushes), 2)).status == agent_pb2.SYNC_STATUS_OK
    await pushes.aclose()  # type: ignore[attr-defined]


@pytest.mark.parametrize("bad", [{"host_id": ""}, {"hostname": "x" * 10_000}])
async def test_a_sync_that_names_nobody_is_refused_with_the_remedy(running: Plane, bad: dict[str, str]) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await FakeAgent(running).sync(**bad)
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert str(refused.value.details()).endswith((".", ")."))


async def test_what_an_agent_says_of_itself_is_listed(running: Plane) -> None:
    agent = FakeAgent(running)
    await agent.report()
    vtap_id = (await agent.registered()).vtap_id
    await agent.sync(revision="9.9", cpus=3, health=agent_pb2.AgentHealth(cpu_percent=1.5, errors=["no BTF."]), config_version=1)

    def listed() -> None:
        (row,) = [row for row in running.rest("trisolaris", "/v1/agents").json()["items"] if row["id"] == vtap_id]
        assert (row["name"], row["revision"], row["cpus"], row["ctrl_mac"], row["state"]) == ("machine-1", "9.9", 3, agent.mac, "enabled")
        assert row["health"]["errors"] == ["no BTF."]

    await eventually(listed, 8)
