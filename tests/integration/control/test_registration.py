"""The sequence "Agent on Legacy Host", from the first Sync to the second."""

from __future__ import annotations

import time

from control_plane import CONTROL, FakeAgent, Plane

from libs.wire import agent_pb2


async def test_an_unknown_host_becomes_an_agent_with_its_groups_configuration(plane: Plane) -> None:
    plane.start(*CONTROL)
    await plane.ready()
    agent = FakeAgent(plane)
    first = await agent.sync()
    assert first.status == agent_pb2.SYNC_STATUS_UNKNOWN
    assert first.platform_enabled
    assert first.genesis_address == plane.address("genesis")
    assert 0 < first.retry_after_ms <= 1000
    started = time.monotonic()
    answer = await agent.report()
    assert answer.version == 1
    assert not answer.need_full
    second = await agent.registered()
    took_s = time.monotonic() - started
    assert second.vtap_id > 0
    assert second.vpc_id > 0
    assert second.config_version > 0
    assert second.config_yaml == "{}\n"
    assert [ingester.decoder for ingester in second.ingesters] == ["flow_log", "flow_metrics"]
    assert second.weir_endpoints
    assert took_s < 2
