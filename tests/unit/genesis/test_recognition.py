import pytest

from libs.wire import agent_pb2
from services.genesis.errors import BadFacts
from services.genesis.facts import Held, check, digest, new_source, recognise


def report(ctrl_mac: str, *macs: str, netns_macs: tuple[str, ...] = ()) -> agent_pb2.GenesisSyncRequest:
    own = agent_pb2.NetworkNamespace(interfaces=[agent_pb2.NetworkInterface(mac=mac) for mac in macs])
    other = agent_pb2.NetworkNamespace(name="x", interfaces=[agent_pb2.NetworkInterface(mac=mac) for mac in netns_macs])
    return agent_pb2.GenesisSyncRequest(host_id="h", ctrl_mac=ctrl_mac, namespaces=[own, other])


KNOWN = (Held("one", "aa:aa:aa:aa:aa:01", 1, b""), Held("two", "aa:aa:aa:aa:aa:02", 1, b""))


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (report("AA:AA:AA:AA:AA:02"), "two"),
        (report("bb:00:00:00:00:00", "aa:aa:aa:aa:aa:01", "bb:00:00:00:00:00"), "one"),
        (report("aa:aa:aa:aa:aa:02", "aa:aa:aa:aa:aa:01", "aa:aa:aa:aa:aa:02"), "two"),
        (report("bb:00:00:00:00:00", "bb:00:00:00:00:00"), None),
        (report("bb:00:00:00:00:00", netns_macs=("aa:aa:aa:aa:aa:01",)), None),
    ],
)
def test_a_machine_is_known_by_its_control_mac_or_another_of_its_own(request_: agent_pb2.GenesisSyncRequest, expected: str | None) -> None:
    held = recognise(request_, KNOWN)
    assert (held.source if held else None) == expected


def test_a_clone_is_a_source_of_its_own() -> None:
    assert new_source(report("aa:00:00:00:00:01")) != new_source(report("aa:00:00:00:00:02"))


def test_the_digest_is_of_what_is_said_not_of_who_counts() -> None:
    one, two, three = report("a", "b"), report("a", "b"), report("a", "c")
    two.version, two.vtap_id = 9, 9
    assert digest(one) == digest(two) != digest(three)


def test_a_report_of_nobody_is_refused() -> None:
    with pytest.raises(BadFacts, match="host_id"):
        check(agent_pb2.GenesisSyncRequest())
    with pytest.raises(BadFacts, match="256"):
        check(agent_pb2.GenesisSyncRequest(host_id="h", hostname="x" * 300))
