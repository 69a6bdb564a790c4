from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import weir_native

from agent.capture.exclusion import own_endpoints
from agent.capture.making import engine_config
from agent.capture.plan import make_plan
from agent.control.standing import Standing
from agent.platform.facts import HostFacts, Namespace
from agent.settings import AgentSettings
from libs.catalog.agent_config import parse_agent_config

SETTINGS = AgentSettings(protocols_dir=Path("/protocols"))
FACTS = HostFacts((Namespace("", 1, "", (), "/proc/self/ns/net"), Namespace("blue", 2, "", (), "/run/netns/blue")))


def standing(text: str = "") -> Standing:
    return replace(Standing(), vtap_id=4, config=parse_agent_config(text))


def test_every_namespace_but_the_own_is_handed_over() -> None:
    plan = make_plan(standing(), FACTS, 0, SETTINGS, 20440)
    assert plan.namespaces == (("blue", "/run/netns/blue"),)
    assert make_plan(standing("capture: {network_namespaces: false}"), FACTS, 0, SETTINGS, 1).namespaces == ()


def test_a_refused_or_disabled_agent_captures_nothing() -> None:
    assert make_plan(standing(), FACTS, 0, SETTINGS, 1).enabled
    assert not make_plan(standing("capture: {enabled: false}"), FACTS, 0, SETTINGS, 1).enabled
    assert not make_plan(replace(standing(), refused="no"), FACTS, 0, SETTINGS, 1).enabled


def test_what_is_shed_is_not_made() -> None:
    plans = [make_plan(standing(), FACTS, level, SETTINGS, 1).engine for level in (0, 1, 2)]
    assert [(plan["l7"], plan["l7_log"], plan["l4_log"], plan["documents"]) for plan in plans] == [
        (True, True, True, True),
        (False, False, True, True),
        (False, False, False, True),
    ]


def test_the_configuration_reaches_the_engine() -> None:
    text = "{flow: {max_flows: 5000, enabled: false, merge_health_checks: true, timeouts_s: {opening: 0.5}}, l7: {dns_session_timeout_s: 2}}"
    engine = make_plan(standing(text), FACTS, 0, SETTINGS, 1).engine
    assert (engine["max_flows"], engine["l4_log"], engine["timeouts"]["opening_s"]) == (5000, False, 1)
    assert engine["merge_health_checks"]
    assert engine["l7_settings"]["udp_request_timeout_us"] == 2_000_000
    assert engine["agent_id"] == 4


def test_interfaces_protocols_and_limits_reach_the_engine() -> None:
    text = "{capture: {interfaces: [eth*], exclude_interfaces: [blue/lo]}, flow: {rows_per_s: 7}, l7: {rows_per_s: 8, protocols: [DNS]}}"
    engine = make_plan(standing(text), FACTS, 0, SETTINGS, 1).engine
    assert (engine["interfaces"], engine["exclude_interfaces"]) == (["eth*"], ["blue/lo"])
    assert (engine["l4_rows_per_s"], engine["l7_rows_per_s"], engine["l7_settings"]["protocols"]) == (7, 8, ["DNS"])


def test_weirs_own_listeners_are_left_out_as_the_control_plane_says() -> None:
    told = replace(standing(), weir_endpoints=(("10.0.0.1", 20430),), ingesters={"flow_log": "http://10.0.0.2:20430"}, genesis_address="10.0.0.3:20036")
    found = own_endpoints(told, "10.0.0.4:20035", 20440)
    assert {("10.0.0.1", 20430), ("10.0.0.2", 20430), ("10.0.0.3", 20036), ("10.0.0.4", 20035), ("127.0.0.1", 20440)} <= set(found)
    assert ("127.0.0.1", 8123) not in found


def test_until_it_has_spoken_the_usual_ports_of_this_machine_are_left_out() -> None:
    found = own_endpoints(Standing(), "127.0.0.1:20035", 0)
    assert {("127.0.0.1", 8123), ("::1", 20416), ("127.0.0.1", 20440)} <= set(found)


def test_ports_that_a_person_excludes_are_left_out_on_every_address() -> None:
    plan = make_plan(standing("capture: {exclude_ports: [22]}"), FACTS, 0, SETTINGS, 1)
    assert {("0.0.0.0", 22), ("::", 22)} <= set(plan.exclude)


def test_custom_protocols_are_processes_with_ports() -> None:
    text = 'l7: {custom: [{parser: "tally:Tally", ports: [7000, "7100-7199"]}, {parser: "other:Other"}]}'
    first, second = make_plan(standing(text), FACTS, 0, SETTINGS, 1).custom
    assert (first.source.path, first.source.name, first.ports) == (Path("/protocols/tally.py"), "tally:Tally", ((7000, 7000), (7100, 7199)))
    assert second.ports == ()
    assert make_plan(standing(text + "\n"), FACTS, 0, SETTINGS, 1).custom == (first, second)


def test_the_rows_of_every_flow_fit_in_the_engine_when_a_minute_ends(tmp_path: Path) -> None:
    flows = 2000
    path = tmp_path / "capture.pcap"
    records = []
    for number in range(flows):
        # Nobody has anything in common with another.
        client, server = struct.pack(">I", 0x0A000001 + number), struct.pack(">I", 0x0B000001 + number)
        frame = (
            b"\2\0\0\0\0\1\2\0\0\0\0\2\x08\0"
            + struct.pack(">BBHHHBBH", 0x45, 0, 28, 0, 0, 64, 17, 0)
            + client
            + server
            + struct.pack(">HHHH", 40_000, number + 1, 8, 0)
        )
        records.append(struct.pack("<IIII", 1_700_000_000, number, len(frame), len(frame)) + frame)
    path.write_bytes(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 1) + b"".join(records))
    made = sum(batch.nbytes for batch in weir_native.Engine({}).replay(path))
    bound = engine_config(parse_agent_config("flow: {max_flows: 100000}"), 1)["max_ready_bytes"]
    # The replay makes those of one second besides, which live are taken a second at a time.
    assert made / flows * 100_000 < bound * 1.6
