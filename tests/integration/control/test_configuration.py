"""Groups and configurations: validated, pushed at once."""

from __future__ import annotations

import asyncio
import time

import pytest

from libs.catalog.agent_config import AgentConfig, parse_agent_config
from tests.integration.control.control_plane import FakeAgent, Plane


async def test_a_changed_configuration_reaches_the_agents_of_its_group_at_once(running: Plane) -> None:
    agent, other = FakeAgent(running), FakeAgent(running)
    await agent.report()
    await other.report()
    vtap_id = (await agent.registered()).vtap_id
    before = await other.registered()
    group = running.rest("trisolaris", "/v1/groups", "POST", json={"name": f"fast {vtap_id}"}).json()
    pushes, others = agent.push(), other.push(config_version=before.config_version)
    first = await anext(pushes)
    assert (await anext(others)).config_yaml == ""

    running.rest("trisolaris", f"/v1/agents/{vtap_id}", "PATCH", json={"vtap_group_id": group["id"]})
    moved = await asyncio.wait_for(anext(pushes), 2)
    assert moved.vtap_group_id == group["id"]
    assert moved.config_version != first.config_version
    assert moved.config_yaml == "{}\n"

    started = time.monotonic()
    put = running.rest("trisolaris", f"/v1/groups/{group['id']}/config", "PUT", content="flow: {max_flows: 12345}\nsync: {interval_s: 7}\n")
    assert put.status_code == 200
    pushed = await asyncio.wait_for(anext(pushes), 2)
    assert time.monotonic() - started < 0.5
    assert pushed.config_version == put.json()["version"] > moved.config_version
    assert parse_agent_config(pushed.config_yaml).flow.max_flows == 12345
    assert pushed.sync_interval_s == 7
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(others), 0.5)

    assert running.rest("trisolaris", f"/v1/groups/{group['id']}", "DELETE").status_code == 204
    back = await asyncio.wait_for(anext(pushes), 2)
    assert (back.vtap_group_id, back.config_version) == ("default", first.config_version)
    await pushes.aclose()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("yaml", "sentence"),
    [("flow: {max_flwos: 5}", "did you mean 'flow.max_flows'"), ("flow: {max_flows: -1}", "greater than"), ("a: [", "not YAML"), (b"\xff\xfe\x00", "UTF-8")],
)
async def test_a_wrong_configuration_is_refused_and_changes_nothing(running: Plane, yaml: str | bytes, sentence: str) -> None:
    before = running.rest("trisolaris", "/v1/groups/default/config")
    refused = running.rest("trisolaris", "/v1/groups/default/config", "PUT", content=yaml)
    assert refused.status_code == 400
    assert sentence in refused.json()["error"]
    after = running.rest("trisolaris", "/v1/groups/default/config")
    assert (after.text, after.headers["X-Config-Version"]) == (before.text, before.headers["X-Config-Version"])


async def test_the_same_configuration_again_keeps_its_version(running: Plane) -> None:
    group = running.rest("trisolaris", "/v1/groups", "POST", json={"name": "same", "id": "same"}).json()["id"]
    versions = {running.rest("trisolaris", f"/v1/groups/{group}/config", "PUT", content="l7: {enabled: false}").json()["version"] for _ in range(3)}
    assert len(versions) == 1


async def test_groups_refuse_what_cannot_be(running: Plane) -> None:
    assert running.rest("trisolaris", "/v1/groups/default", "DELETE").status_code == 409
    assert running.rest("trisolaris", "/v1/groups/nobody", "DELETE").status_code == 404
    assert running.rest("trisolaris", "/v1/groups/nobody/config", "PUT", content="{}").status_code == 404
    assert running.rest("trisolaris", "/v1/groups", "POST", json={"name": "default"}).status_code == 409
    assert running.rest("trisolaris", "/v1/groups", "POST", json={"name": "x", "id": "Not An Id"}).status_code == 400
    assert running.rest("trisolaris", "/v1/groups", "POST", json={"name": " "}).status_code == 400
    assert running.rest("trisolaris", "/v1/agents/999999", "PATCH", json={"state": "enabled"}).status_code == 404


async def test_the_schema_and_every_default_can_be_read(running: Plane) -> None:
    assert running.rest("trisolaris", "/v1/agent-config/schema").json()["properties"].keys() == AgentConfig.model_fields.keys()
    assert AgentConfig.model_validate(running.rest("trisolaris", "/v1/agent-config/default").json()) == AgentConfig()
    for name in running.running:
        assert running.rest(name, "/openapi.json").status_code == 200
