from __future__ import annotations

from typing import Any

from services.trisolaris.platform import build


def rows(**more: list[dict[str, Any]]) -> dict[str, list[Any]]:
    machine = {"region_id": 1, "az_id": 2, "vpc_id": 3}
    return {
        "vms": [
            {"id": 10, **machine, "host_id": 4, "htype": "host"},
            {"id": 11, **machine, "host_id": 4, "htype": "netns"},
            {"id": 20, **machine, "host_id": 5, "htype": "host"},
        ],
        "vtaps": [{"id": 7, "vm_id": 10}],
        "vinterfaces": [
            {"id": 100, "vm_id": 10, "mac": "aa:00:00:00:00:01"},
            {"id": 101, "vm_id": 11, "mac": ""},
            {"id": 200, "vm_id": 20, "mac": "aa:00:00:00:00:02"},
        ],
        "addresses": [],
        "subnets": [{"id": 50, **machine, "prefix": "10.0.0.0/24"}],
        "processes": [],
        **more,
    }


def address(vinterface: int, ip: str, scope: str = "vpc", subnet: int = 50) -> dict[str, Any]:
    return {"vinterface_id": vinterface, "subnet_id": subnet, "ip": ip, "scope": scope}


def test_an_interface_carries_everything_it_belongs_to_and_who_reports_it() -> None:
    table = build(rows(addresses=[address(100, "10.0.0.1"), address(101, "172.17.0.2", "host", 51)]))
    own, inner, other = table.interfaces
    assert (own.id, own.mac, list(own.ips), own.shared, own.scope_agent_id) == (100, 0xAA0000000001, [bytes([10, 0, 0, 1])], False, 7)
    assert (own.ids.region_id, own.ids.az_id, own.ids.vpc_id, own.ids.host_id, own.ids.chost_id, own.ids.subnet_id) == (1, 2, 3, 4, 10, 50)
    assert (inner.ids.chost_id, inner.ids.subnet_id, inner.shared, inner.scope_agent_id, inner.mac) == (11, 51, True, 7, 0)
    assert (other.ids.chost_id, other.scope_agent_id, list(other.ips)) == (20, 0, [])
    (agent,) = table.agents
    assert (agent.agent_id, agent.vpc_id, agent.ids.chost_id) == (7, 3, 10)
    (cidr,) = table.cidrs
    assert (cidr.prefix, cidr.bits, cidr.ids.subnet_id, cidr.vpc_id) == (bytes([10, 0, 0, 0]), 24, 50, 3)


def test_an_address_that_two_machines_claim_is_shared() -> None:
    table = build(rows(addresses=[address(100, "10.0.0.1"), address(100, "10.0.0.2"), address(200, "10.0.0.1")]))
    shared = {(interface.id, bytes(ip)[-1]): interface.shared for interface in table.interfaces for ip in interface.ips}
    assert shared == {(100, 1): True, (100, 2): False, (200, 1): True}


def test_an_interface_in_two_subnets_is_two_rows_with_one_mac() -> None:
    table = build(rows(addresses=[address(100, "10.0.0.1"), address(100, "fd00::1", subnet=52)]))
    found = [interface for interface in table.interfaces if interface.id == 100]
    assert [(row.ids.subnet_id, bool(row.mac)) for row in found] == [(50, True), (52, False)]
    assert [len(ip) for row in found for ip in row.ips] == [4, 16]


def test_a_process_listens_on_any_address_or_one() -> None:
    listeners = [[6, "0.0.0.0", 80], [6, "::", 81], [17, "10.0.0.1", 53], [6, "::ffff:10.0.0.1", 82], [6, "?", 83]]
    (process,) = build(rows(processes=[{"id": 9, "vm_id": 11, "pid": 1234, "listeners": listeners}])).processes
    assert (process.gprocess_id, process.agent_id, process.pid, process.ids.gprocess_id, process.ids.chost_id) == (9, 7, 1234, 9, 11)
    assert [(bytes(row.ip), row.port, row.protocol) for row in process.listeners] == [
        (b"", 80, 6),
        (b"", 81, 6),
        (bytes([10, 0, 0, 1]), 53, 17),
        (bytes([10, 0, 0, 1]), 82, 6),
        (b"", 83, 6),
    ]


def test_rows_of_a_machine_that_is_gone_are_left_out() -> None:
    orphan = rows(vms=[], vtaps=[], addresses=[address(100, "10.0.0.1")], processes=[{"id": 9, "vm_id": 11, "pid": 1, "listeners": []}])
    table = build(orphan)
    assert (len(table.interfaces), len(table.processes)) == (0, 0)


def test_equal_rows_are_equal_bytes() -> None:
    found = rows(addresses=[address(100, "10.0.0.1")])
    assert build(found).SerializeToString(deterministic=True) == build(found).SerializeToString(deterministic=True)
