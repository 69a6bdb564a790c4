"""recorder's writing, with a real PostgreSQL: ids that stay, LAN and WAN apart, a world that is not deleted by mistake."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from libs.postgres import migrate
from libs.postgres.database import connect
from libs.wire import agent_pb2, snapshot_pb2
from libs.wire.snapshots import Snapshot
from services.cloud.catalogue import build
from services.recorder import tables
from services.recorder.errors import RefusedSnapshot
from services.recorder.recording import Recording
from services.recorder.resources import RESOURCES
from tests.integration.control.control_plane import ROOT, FakeAgent, namespace


class Recorder:
    """recorder's leader without its process."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.recording = Recording(connection, event_retention_days=1, deleted_retention_days=1)
        self.version = 0

    async def load(self) -> None:
        self.recording = Recording(self.connection, event_retention_days=1, deleted_retention_days=1)
        self.recording._recorded = {resource_type.kind: await tables.load(self.connection, resource_type) for resource_type in RESOURCES}

    async def apply(self, *agents: FakeAgent) -> dict[str, Any]:
        return await self.apply_resources(resources_of(*agents))

    async def apply_resources(self, resources: snapshot_pb2.Resources) -> dict[str, Any]:
        self.version += 1
        return await self.recording.apply(Snapshot("cloud.resources", self.version, resources.SerializeToString()))

    async def live(self, kind: str, columns: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in await self.connection.fetch(f"SELECT {columns} FROM meta.{kind} WHERE deleted_at IS NULL ORDER BY id")]


def resources_of(*agents: FakeAgent) -> snapshot_pb2.Resources:
    facts = snapshot_pb2.Facts()
    for agent in agents:
        sync = agent.facts()
        facts.agents.add(
            source=f"agent:{agent.host_id}:{agent.mac}",
            hostname=agent.hostname,
            host_id=agent.host_id,
            ctrl_ip=agent.ip,
            ctrl_mac=agent.mac,
            sync=sync.SerializeToString(),
        )
    return build(Snapshot("genesis.facts", 1, facts.SerializeToString()))


@pytest.fixture
async def recorder(dsn: str) -> AsyncIterator[Recorder]:
    connection = await connect(dsn, "test")
    await migrate(connection, "meta", ROOT / "services" / "recorder" / "migrations")
    built = Recorder(connection)
    await built.load()
    yield built
    await connection.close()


def machine(**more: Any) -> FakeAgent:
    return FakeAgent(None, **more)  # type: ignore[arg-type]


async def test_lan_and_wan_addresses_are_kept_apart(recorder: Recorder) -> None:
    agent = machine(addresses=["10.0.0.1/8", "100.64.3.4/10", "8.8.4.4/24", "fd00::1/64", "fe80::1/64", "2001:db8::1/64", "169.254.9.9/16", "172.32.0.1/16"])
    await recorder.apply(agent)
    assert await recorder.live("vinterface_ip", "ip") == sorted(
        [("10.0.0.1",), ("100.64.3.4",), ("169.254.9.9",), ("fd00::1",), ("fe80::1",)], key=await by_id(recorder)
    )
    assert {row[0] for row in await recorder.live("ip_resource", "ip")} == {"8.8.4.4", "2001:db8::1", "172.32.0.1"}
    assert {row[0] for row in await recorder.live("subnet", "prefix")} == {
        "10.0.0.0/8",
        "100.64.0.0/10",
        "8.8.4.0/24",
        "fd00::/64",
        "2001:db8::/64",
        "172.32.0.0/16",
    }


async def by_id(recorder: Recorder) -> Any:
    order = [row[0] for row in await recorder.live("vinterface_ip", "ip")]
    return lambda row: order.index(row[0])


async def test_what_comes_back_has_its_old_id_and_no_id_is_given_twice(recorder: Recorder) -> None:
    kept, leaving = machine(), machine()
    await recorder.apply(kept, leaving)
    before = dict(await recorder.live("vm", "lcuuid, id"))
    await recorder.apply(kept)
    assert len(await recorder.live("vm", "id")) == 1
    newcomer = machine()
    await recorder.load()  # a restart in between
    await recorder.apply(kept, leaving, newcomer)
    after = dict(await recorder.live("vm", "lcuuid, id"))
    assert after.items() >= before.items()
    assert len(set(after.values())) == 3
    assert max(after.values()) > max(before.values())
    (deleted,) = await recorder.connection.fetch("SELECT count(*) FROM meta.vm WHERE deleted_at IS NOT NULL")
    assert deleted["count"] == 0


async def test_each_change_is_an_event_with_what_was_before_and_after(recorder: Recorder) -> None:
    agent, other = machine(hostname="old"), machine()
    await recorder.apply(agent, other)
    agent.hostname = "new"
    await recorder.apply(agent, other)
    await recorder.apply(other)
    query = (
        "SELECT event, name, before, after FROM meta.resource_event WHERE kind = 'vm' AND resource_id = (SELECT id FROM meta.vm WHERE host_id = $1) ORDER BY id"
    )
    events = await recorder.connection.fetch(query, agent.host_id)
    assert [(row["event"], row["name"]) for row in events] == [("create", "old"), ("update", "new"), ("delete", "new")]
    assert (events[1]["before"], events[1]["after"]) == ({"name": "old"}, {"name": "new"})
    assert events[0]["before"] is None
    assert events[2]["after"] is None


async def test_the_same_world_again_writes_nothing(recorder: Recorder) -> None:
    agent = machine(processes=[agent_pb2.Process(pid=1, start_time_ms=1, name="x", listeners=[agent_pb2.Listener(address="::", port=80, protocol=6)])])
    assert await recorder.apply(agent)
    assert await recorder.apply(agent) == {}
    await recorder.load()
    assert await recorder.apply(agent) == {}


async def test_an_empty_snapshot_deletes_nothing(recorder: Recorder) -> None:
    await recorder.apply(machine())
    with pytest.raises(RefusedSnapshot, match="no region"):
        await recorder.apply_resources(snapshot_pb2.Resources())
    with pytest.raises(RefusedSnapshot, match="no vm"):
        await recorder.apply()
    with pytest.raises(RefusedSnapshot, match="broken"):
        await recorder.recording.apply(Snapshot("cloud.resources", 9, b"\xff\xff\xff"))
    assert len(await recorder.live("vm", "id")) == 1


async def test_what_cannot_be_read_stays_as_it_is_with_everything_below_it(recorder: Recorder) -> None:
    agent, other = machine(), machine()
    await recorder.apply(agent, other)
    before = {kind: await recorder.live(kind, "id, name") for kind in ("host", "vm", "vinterface", "vinterface_ip")}
    resources = resources_of(agent, other)
    for resource in resources.resources:
        if resource.kind == "host" and resource.attributes["host_id"] == agent.host_id:
            resource.refs["region"] = "00000000-0000-0000-0000-000000000000"
    resources.resources.add(kind="starship", lcuuid="00000000-0000-0000-0000-000000000001")
    await recorder.apply_resources(resources)
    assert {kind: await recorder.live(kind, "id, name") for kind in before} == before


async def test_two_hosts_may_have_containers_with_the_same_address_and_name(recorder: Recorder) -> None:
    bridge = namespace("container:abc", "172.17.0.2/16", mac="02:42:ac:11:00:02", workload="web")
    one, two = machine(hostname="one", namespaces=[bridge]), machine(hostname="two", namespaces=[bridge])
    await recorder.apply(one, two)
    rows = await recorder.connection.fetch(
        """SELECT vm.id, vm.name, host.name AS host, a.ip, a.scope FROM meta.vinterface_ip AS a JOIN meta.vm ON vm.id = vm_id JOIN meta.host ON host.id = vm.launch_host_id
        WHERE a.ip = '172.17.0.2' ORDER BY host.name"""
    )
    assert [(row["name"], row["host"], row["scope"]) for row in rows] == [("web", "one", "host"), ("web", "two", "host")]
    assert rows[0]["id"] != rows[1]["id"]
    assert len(await recorder.live("subnet", "id")) == 2


async def test_any_sequence_of_worlds_ends_as_the_last_one_with_ids_that_never_change(recorder: Recorder) -> None:
    rng = random.Random(7)
    fleet = [machine(hostname=f"m{n}", namespaces=[namespace(f"n{m}", f"10.{n}.0.{m + 1}/24") for m in range(3)]) for n in range(6)]
    known: dict[Any, int] = {}
    for step in range(25):
        present = rng.sample(fleet, rng.randint(1, 6))
        for agent in present:
            agent.hostname = rng.choice([agent.hostname, f"renamed-{step}"])
            rng.shuffle(agent.namespaces)
        if rng.random() < 0.2:
            await recorder.load()
        cut = [machine_with(agent, rng.randint(0, 3)) for agent in present]
        await recorder.apply(*cut)
        wanted = {resource.lcuuid: resource.name for resource in resources_of(*cut).resources if resource.kind == "vm"}
        rows = await recorder.live("vm", "lcuuid::text, name, id")
        assert {row[0]: row[1] for row in rows} == wanted
        for lcuuid, _, resource_id in rows:
            assert known.setdefault(lcuuid, resource_id) == resource_id
    assert len(set(known.values())) == len(known)


def machine_with(agent: FakeAgent, namespaces: int) -> FakeAgent:
    return machine(host_id=agent.host_id, hostname=agent.hostname, mac=agent.mac, addresses=agent.addresses, namespaces=agent.namespaces[:namespaces])


async def test_a_failed_write_leaves_nothing_behind(recorder: Recorder) -> None:
    await recorder.apply(machine())
    await recorder.connection.execute("ALTER TABLE meta.vinterface_ip ADD CONSTRAINT sabotage CHECK (ip <> '10.66.0.1')")
    before = await recorder.live("vm", "id")
    with pytest.raises(asyncpg.CheckViolationError):
        await recorder.apply(machine(), machine(addresses=["10.66.0.1/24"]))
    assert await recorder.live("vm", "id") == before


@pytest.mark.parametrize("resource_type", RESOURCES, ids=lambda row: row.kind)
async def test_every_resource_type_has_the_columns_it_declares(recorder: Recorder, resource_type: Any) -> None:
    rows = await recorder.connection.fetch(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'meta' AND table_name = $1", resource_type.kind
    )
    fixed = {"id", "lcuuid", "created_at", "updated_at", "deleted_at"}
    assert {row["column_name"] for row in rows} == fixed | set(resource_type.columns)


def test_a_resource_type_refers_only_to_those_above_it() -> None:
    seen: set[str] = set()
    for resource_type in RESOURCES:
        assert {ref.kind for ref in resource_type.refs} <= seen
        seen.add(resource_type.kind)
