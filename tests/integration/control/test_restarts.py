"""kill -9 of each in turn, any order of starting, PostgreSQL away, a second replica: nothing is lost, nobody is registered again."""

from __future__ import annotations

import asyncio
import shutil
import signal
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest

from libs.wire import agent_pb2
from tests.integration.control.control_plane import CONTROL, FakeAgent, Plane, eventually, free_port, namespace, new_plane

FIVE = (*CONTROL, "tagrecorder")


async def ids(plane: Plane) -> dict[str, Any]:
    return {
        "vtap": {(row["host_id"], row["ctrl_mac"]): row["id"] for row in await plane.fetch("SELECT host_id, ctrl_mac, id FROM agent.vtap")},
        "vm": {row["lcuuid"]: row["id"] for row in await plane.fetch("SELECT lcuuid, id FROM meta.vm WHERE deleted_at IS NULL")},
        "vinterface": {row["lcuuid"]: row["id"] for row in await plane.fetch("SELECT lcuuid, id FROM meta.vinterface WHERE deleted_at IS NULL")},
    }


def includes(later: dict[str, Any], earlier: dict[str, Any]) -> None:
    for kind, known in earlier.items():
        assert later[kind].items() >= known.items(), kind


async def named(plane: Plane, name: str) -> None:
    assert await plane.fetch("SELECT id FROM meta.vm WHERE name = $1 AND deleted_at IS NULL", name)
    assert await plane.fetch("SELECT id FROM tag.tag WHERE name = $1", name)


@pytest.mark.timeout(400)
async def test_killing_any_of_the_five_loses_nothing_and_registers_nobody_again(plane: Plane) -> None:
    plane.env["WEIR_CLICKHOUSE_URL"] = f"http://127.0.0.1:{free_port()}"  # away all the time: names go on in PostgreSQL
    plane.may_wait_for = {"clickhouse"}
    plane.start(*FIVE)
    await plane.ready()
    agents = [FakeAgent(plane), FakeAgent(plane)]
    for agent in agents:
        await agent.report()
    registered = [(await agent.registered()).vtap_id for agent in agents]
    known = await ids(plane)
    for victim in FIVE:
        plane.kill(victim)
        agents[0].namespaces.append(namespace(f"while-{victim}-was-down", f"10.9.0.{len(agents[0].namespaces) + 1}/24"))
        if victim != "genesis":
            await agents[0].report()
        if victim != "trisolaris":
            assert [(await agent.sync()).vtap_id for agent in agents] == registered
        plane.start(victim)
        await plane.ready(victim)
        if victim == "genesis":
            heartbeat = await agents[1].report(version=agents[1].version, unchanged=True, namespaces=[])
            assert not heartbeat.need_full, "what genesis had acknowledged, it still has"
            await agents[0].report()
        await eventually(lambda victim=victim: named(plane, f"while-{victim}-was-down"), 15)  # type: ignore[misc]
        assert [(await agent.sync()).vtap_id for agent in agents] == registered
        includes(await ids(plane), known)
        known = await ids(plane)
    assert len(known["vtap"]) == 2

    # All at once, then back in the wrong order: cloud and recorder long before genesis has said anything.
    platform = plane.rest("trisolaris", "/v1/platform").json()["version"]
    facts = plane.rest("genesis", "/v1/snapshot").json()["version"]
    plane.kill(*FIVE)
    plane.start("tagrecorder", "recorder", "cloud")
    await plane.ready("tagrecorder")
    await asyncio.sleep(1)
    assert await ids(plane) == known
    plane.start("trisolaris", "genesis")
    await plane.ready()
    await asyncio.sleep(0.5)
    assert await ids(plane) == known
    assert [(await agent.registered()).vtap_id for agent in agents] == registered
    assert plane.rest("trisolaris", "/v1/platform").json()["version"] == platform
    assert plane.rest("genesis", "/v1/snapshot").json()["version"] == facts
    assert not await plane.fetch("SELECT FROM meta.resource_event WHERE event = 'delete'")
    assert "ClickHouse cannot answer" in plane.rest("tagrecorder", "/readyz").text
    for name in FIVE:
        plane.kill(name, sig=signal.SIGTERM)  # asserts that each ends with 0


def pg_ctl(server: Any, *words: str) -> None:
    folder = server.pgdata
    command = [str(server.bin_path / "pg_ctl"), "-D", str(folder), *words]
    runuser = shutil.which("runuser")
    if runuser and server.system_user:
        command = [runuser, "-u", server.system_user, "--", *command]
    subprocess.run(command, check=True, capture_output=True, timeout=60)


async def test_postgresql_away_is_said_survived_and_made_up_for(own_postgres: Any, tmp_path: Path) -> None:
    plane = new_plane(own_postgres.get_uri(), tmp_path)
    options = f'-h "" -k {own_postgres.pgdata}'
    try:
        plane.start(*CONTROL)
        await plane.ready()
        agent, stranger = FakeAgent(plane), FakeAgent(plane)
        await agent.report()
        before = await agent.registered()
        pg_ctl(own_postgres, "stop", "-m", "immediate", "-w")

        def says_so() -> None:
            for name in CONTROL:
                answer = plane.rest(name, "/readyz")
                assert answer.status_code == 503
                assert "PostgreSQL" in answer.text

        await eventually(says_so, 10)
        assert (await agent.sync()).vtap_id == before.vtap_id, "a known agent is answered from memory"
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stranger.sync()
        assert refused.value.code() == grpc.StatusCode.UNAVAILABLE
        assert "PostgreSQL" in str(refused.value.details())
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await agent.report()
        assert refused.value.code() == grpc.StatusCode.UNAVAILABLE
        assert plane.rest("trisolaris", "/v1/agents").status_code == 503
        assert all(process.poll() is None for process in plane.running.values())

        pg_ctl(own_postgres, "start", "-w", "-o", options, "-l", str(own_postgres.log))
        await plane.ready(timeout_s=30)
        await stranger.report()
        assert (await stranger.registered()).vtap_id != before.vtap_id
        assert (await agent.sync()).vtap_id == before.vtap_id
        assert (await agent.report()).version == agent.version
    finally:
        plane.end()


async def test_a_second_recorder_stands_by_and_takes_over(plane: Plane, tmp_path: Path) -> None:
    plane.start("genesis", "cloud", "recorder")
    await plane.ready()
    standby = replace(new_plane(plane.dsn, tmp_path / "standby"), running={})
    standby.folder.mkdir()
    standby.env["WEIR_RECORDER_CLOUD_ADDRESS"] = plane.address("cloud")
    try:
        standby.start("recorder")
        await standby.ready()
        agent = FakeAgent(plane)
        await agent.report()
        await eventually(lambda: has_vm(plane, agent.host_id, 1))
        assert len(await plane.fetch("SELECT FROM meta.resource_event WHERE kind = 'vm'")) == 1, "only one of them writes"
        plane.kill("recorder")
        agent.namespaces = [namespace("after", "10.1.0.2/24")]
        await agent.report()
        await eventually(lambda: has_vm(plane, agent.host_id, 2), 5)
    finally:
        standby.end()


async def has_vm(plane: Plane, host_id: str, count: int) -> None:
    assert len(await plane.fetch("SELECT id FROM meta.vm WHERE host_id = $1", host_id)) == count


async def test_silent_sources_expire_but_the_last_machines_are_not_forgotten(plane: Plane) -> None:
    plane.env["WEIR_GENESIS_EXPIRE_S"] = "1.5"
    plane.start(*CONTROL)
    await plane.ready()
    silent, alive = FakeAgent(plane), FakeAgent(plane)
    await silent.report()
    await alive.report()
    vtap_id = (await silent.registered()).vtap_id
    (machine,) = await plane.fetch("SELECT id FROM meta.vm WHERE host_id = $1", silent.host_id)

    async def only_one() -> None:
        heartbeat = await alive.report(version=alive.version, unchanged=True, namespaces=[])
        assert not heartbeat.need_full
        assert {row["host_id"] for row in await plane.fetch("SELECT host_id FROM meta.vm WHERE deleted_at IS NULL")} == {alive.host_id}

    await eventually(only_one, 10, 0.2)
    assert (await silent.sync()).vtap_id == vtap_id, "an agent is known for longer than its facts"
    assert (await silent.report(version=silent.version, unchanged=True)).need_full

    await eventually(lambda: refused(plane), 10, 0.2)
    assert len(await plane.fetch("SELECT FROM meta.vm WHERE deleted_at IS NULL")) == 1, "everyone silent at once is not everyone gone"
    await silent.report()
    await eventually(lambda: recorded(plane, silent.host_id, machine["id"]))
    assert (await silent.sync()).status == agent_pb2.SYNC_STATUS_OK


def refused(plane: Plane) -> None:
    assert "no vm" in plane.rest("recorder", "/v1/resources").json()["refused"]


async def recorded(plane: Plane, host_id: str, resource_id: int) -> None:
    assert [row["id"] for row in await plane.fetch("SELECT id FROM meta.vm WHERE host_id = $1 AND deleted_at IS NULL", host_id)] == [resource_id]
