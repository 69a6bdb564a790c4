from dataclasses import dataclass

import pytest

from libs.wire import agent_pb2
from services.trisolaris.errors import BadRequest
from services.trisolaris.identity import identify


@dataclass(frozen=True)
class Agent:
    host_id: str
    ctrl_mac: str


ONE, TWO = Agent("h", "aa:00:00:00:00:01"), Agent("h", "aa:00:00:00:00:02")


@pytest.mark.parametrize(
    ("mac", "macs", "expected"),
    [
        ("AA:00:00:00:00:01", [], ONE),
        ("aa:00:00:00:00:02", ["aa:00:00:00:00:01", "aa:00:00:00:00:02"], TWO),
        ("bb:00:00:00:00:00", ["bb:00:00:00:00:00", "AA:00:00:00:00:01"], ONE),
        ("bb:00:00:00:00:00", ["bb:00:00:00:00:00"], None),
    ],
)
def test_an_agent_is_known_by_its_control_mac_or_another_of_its_macs(mac: str, macs: list[str], expected: Agent | None) -> None:
    identity = identify(agent_pb2.SyncRequest(host_id="h", ctrl_mac=mac, ctrl_ip="10.0.0.1", interface_macs=macs, vtap_id=1))
    assert identity.find([ONE, TWO]) == expected


@pytest.mark.parametrize("request_", [agent_pb2.SyncRequest(), agent_pb2.SyncRequest(host_id="a\x00b"), agent_pb2.SyncRequest(host_id="h", kernel="x" * 300)])
def test_who_cannot_be_told_is_refused(request_: agent_pb2.SyncRequest) -> None:
    with pytest.raises(BadRequest):
        identify(request_)
