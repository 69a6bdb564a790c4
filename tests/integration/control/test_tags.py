"""From a report to a name in a dictionary; renames, deletions, ClickHouse lost and restored."""

from __future__ import annotations

import time
from typing import Any

from libs.catalog.kinds import RESOURCE_KINDS
from libs.wire import agent_pb2
from tests.integration.control.control_plane import FakeAgent, Plane, eventually, namespace

NOW = 0


def name(store: Any, kind: str, resource_id: int, at: int = NOW, attribute: str = "name") -> Any:
    time_ = f"toDateTime({at})" if at else "now()"
    empty = "''" if attribute in {"name", "type", "command"} else "toUInt64(0)"
    return store.command(f"SELECT dictGetOrDefault('tag.{kind}', '{attribute}', toUInt64({resource_id}), {time_}, {empty})")


async def test_names_are_in_the_dictionaries_soon_after_the_first_report(running: Plane, store: Any) -> None:
    agent = FakeAgent(running, hostname="alpha", namespaces=[namespace("client", "10.7.0.2/24")])
    agent.processes = [agent_pb2.Process(pid=77, start_time_ms=5, name="nginx", command="nginx -g x", netns_inode=7)]
    started = time.monotonic()
    await agent.report()
    vtap_id = (await agent.registered()).vtap_id
    registered_s = time.monotonic() - started
    machines = {row["name"]: row["id"] for row in await running.fetch("SELECT id, name FROM meta.vm WHERE host_id = $1", agent.host_id)}
    (process,) = await running.fetch("SELECT process.id FROM meta.process JOIN meta.vm ON vm.id = vm_id WHERE vm.host_id = $1", agent.host_id)

    def named() -> None:
        assert name(store, "agent", vtap_id) == "alpha"
        assert name(store, "chost", machines["client"]) == "client"
        assert name(store, "gprocess", process["id"]) == "nginx"

    await eventually(named, 25)
    assert registered_s < 3
    assert time.monotonic() - started < 5
    assert name(store, "chost", machines["alpha"], attribute="type") == "host"
    assert name(store, "gprocess", process["id"], attribute="pid") == 77
    assert name(store, "gprocess", process["id"], attribute="command") == "nginx -g x"
    assert name(store, "gprocess", process["id"], attribute="chost_id") == machines["client"]
    assert name(store, "chost", machines["alpha"], at=1) == "alpha", "rows from before the registration have its name too"
    assert name(store, "chost", 4_000_000) == ""
    assert {row[0] for row in store.query("SELECT name FROM system.dictionaries WHERE database = 'tag'").result_rows} == {kind.kind for kind in RESOURCE_KINDS}
    assert "password" not in str(store.command("SHOW CREATE DICTIONARY tag.chost")).lower()


async def test_a_row_has_the_name_of_its_time_through_rename_deletion_and_return(running: Plane, store: Any) -> None:
    agent = FakeAgent(running, hostname="before", namespaces=[namespace("shop", "10.7.0.2/24")])
    await agent.report()
    await agent.registered(30)
    (machine,) = await running.fetch("SELECT id FROM meta.vm WHERE name = 'before' AND host_id = $1", agent.host_id)
    (shop,) = await running.fetch("SELECT id FROM meta.vm WHERE name = 'shop' AND host_id = $1", agent.host_id)
    await eventually(lambda: _is(name(store, "chost", machine["id"]), "before"), 20)
    first = int(time.time())
    time.sleep(2.1)  # noqa: ASYNC251  validity counts in whole seconds
    agent.hostname, agent.namespaces = "after", []
    await agent.report()
    await eventually(lambda: _is(name(store, "chost", machine["id"]), "after"))
    assert name(store, "chost", machine["id"], at=first) == "before"
    assert name(store, "chost", shop["id"]) == "shop", "rows that come late still find a deleted resource's name"
    assert name(store, "chost", shop["id"], at=int(time.time()) + 4000) == ""
    agent.namespaces = [namespace("shop", "10.7.0.2/24")]
    await agent.report()
    await eventually(lambda: _is(name(store, "chost", shop["id"], at=int(time.time()) + 4000), "shop"))
    (again,) = await running.fetch("SELECT id FROM meta.vm WHERE name = 'shop' AND host_id = $1", agent.host_id)
    assert again["id"] == shop["id"]
    tags = running.rest("tagrecorder", f"/v1/tags/chost?id={machine['id']}").json()["tags"]
    assert [tag["name"] for tag in tags] == ["before", "after"]
    assert tags[0]["valid_to"] == tags[1]["valid_from"]
    assert tags[0]["valid_from"].startswith("1970-01-01")


def _is(found: object, expected: object) -> None:
    assert found == expected


async def test_a_restart_repairs_what_clickhouse_lost_or_should_not_have(running: Plane, store: Any) -> None:
    agent = FakeAgent(running, hostname="alpha")
    await agent.report()
    await agent.registered(30)
    (machine,) = await running.fetch("SELECT id FROM meta.vm WHERE host_id = $1", agent.host_id)
    await eventually(lambda: _is(name(store, "chost", machine["id"]), "alpha"), 20)
    running.kill("tagrecorder")
    store.command("TRUNCATE TABLE tag.chost_rows")
    store.command("INSERT INTO tag.host_rows (id, valid_from, valid_to, name, version) VALUES (99999, 0, 4294967295, 'ghost', 1)")
    store.command("DROP DICTIONARY tag.subnet")
    store.command("SYSTEM RELOAD DICTIONARIES")
    assert name(store, "chost", machine["id"]) == ""
    running.start("tagrecorder")
    await running.ready("tagrecorder")
    assert name(store, "chost", machine["id"]) == "alpha"
    assert name(store, "host", 99999) == ""
    (subnet,) = await running.fetch("SELECT id FROM meta.subnet WHERE name = '192.168.0.0/16'")
    assert name(store, "subnet", subnet["id"]) == "192.168.0.0/16"
