from __future__ import annotations

from collections import Counter

from libs.wire import agent_pb2, snapshot_pb2
from libs.wire.snapshots import Snapshot
from services.cloud.catalogue import build


def interface(name: str, mac: str, *addresses: str, kind: str = "ethernet") -> agent_pb2.NetworkInterface:
    return agent_pb2.NetworkInterface(name=name, mac=mac, kind=kind, up=True, addresses=addresses)


def agent(
    host_id: str, *namespaces: agent_pb2.NetworkNamespace, ctrl_ip: str = "10.0.0.1", processes: tuple[agent_pb2.Process, ...] = ()
) -> snapshot_pb2.AgentFacts:
    sync = agent_pb2.GenesisSyncRequest(host_id=host_id, namespaces=namespaces, processes=processes, os="linux")
    return snapshot_pb2.AgentFacts(
        source=f"agent:{host_id}", hostname=f"{host_id}.example", host_id=host_id, ctrl_ip=ctrl_ip, ctrl_mac="AA:00:00:00:00:01", sync=sync.SerializeToString()
    )


def resources(*agents: snapshot_pb2.AgentFacts) -> list[snapshot_pb2.Resource]:
    return list(build(Snapshot("genesis.facts", 1, snapshot_pb2.Facts(agents=agents).SerializeToString())).resources)


def of_kind(found: list[snapshot_pb2.Resource], kind: str) -> list[snapshot_pb2.Resource]:
    return [resource for resource in found if resource.kind == kind]


OWN = agent_pb2.NetworkNamespace(
    inode=1,
    interfaces=[
        interface("lo", "00:00:00:00:00:00", "127.0.0.1/8", kind="loopback"),
        interface("eth0", "AA:00:00:00:00:01", "10.0.0.1/24", "203.0.113.7/28"),
        interface("docker0", "02:42:00:00:00:01", "172.17.0.1/16", kind="bridge"),
    ],
)
CONTAINER = agent_pb2.NetworkNamespace(
    name="container:abc", inode=2, workload="web", interfaces=[interface("eth0", "02:42:00:00:00:02", "172.17.0.2/16", kind="veth")]
)
MACVLAN = agent_pb2.NetworkNamespace(name="lan", inode=3, interfaces=[interface("eth0", "02:00:00:00:00:03", "10.0.0.9/24", kind="other")])
EMPTY = agent_pb2.NetworkNamespace(
    name="empty", inode=4, interfaces=[interface("lo", "", "127.0.0.1/8", kind="loopback"), interface("eth9", "02:00:00:00:00:09")]
)


def test_a_machine_is_a_host_and_a_vm_and_so_is_each_namespace_with_an_address() -> None:
    found = resources(agent("one", OWN, CONTAINER, MACVLAN, EMPTY))
    assert {(vm.name, vm.attributes["htype"]) for vm in of_kind(found, "vm")} == {("one.example", "host"), ("web", "netns"), ("lan", "netns")}
    (host,) = of_kind(found, "host")
    assert {vm.refs["host"] for vm in of_kind(found, "vm")} == {host.lcuuid}
    assert Counter(resource.kind for resource in found)["ip_resource"] == 1
    assert {row.attributes["mac"] for row in of_kind(found, "vinterface")} == {
        "aa:00:00:00:00:01",
        "02:42:00:00:00:01",
        "02:42:00:00:00:02",
        "02:00:00:00:00:03",
    }


def test_an_address_is_unique_in_the_vpc_only_where_its_network_leaves_the_machine() -> None:
    found = resources(agent("one", OWN, CONTAINER, MACVLAN))
    scopes = {row.attributes["ip"]: row.attributes["scope"] for kind in ("vinterface_ip", "ip_resource") for row in of_kind(found, kind)}
    assert scopes == {"10.0.0.1": "vpc", "203.0.113.7": "vpc", "172.17.0.1": "host", "172.17.0.2": "host", "10.0.0.9": "vpc"}


def test_a_machine_that_reaches_the_controller_over_a_bridge_or_veth_is_unique_there() -> None:
    own = agent_pb2.NetworkNamespace(inode=1, interfaces=[interface("br0", "aa:00:00:00:00:01", "10.0.0.1/24", kind="bridge")])
    (row,) = of_kind(resources(agent("one", own)), "vinterface_ip")
    assert row.attributes["scope"] == "vpc"


def test_equal_containers_of_two_machines_are_two_and_share_a_subnet() -> None:
    found = resources(agent("one", OWN, CONTAINER), agent("two", OWN, CONTAINER))
    assert len({vm.lcuuid for vm in of_kind(found, "vm") if vm.name == "web"}) == 2
    assert len(of_kind(found, "subnet")) == 3


def test_a_process_belongs_to_the_namespace_it_runs_in() -> None:
    inside = agent_pb2.Process(pid=5, start_time_ms=1, name="nginx", netns_inode=2, listeners=[agent_pb2.Listener(address="::", port=80, protocol=6)])
    outside = agent_pb2.Process(pid=6, start_time_ms=1, kname="sshd", netns_inode=99)
    found = resources(agent("one", OWN, CONTAINER, processes=(inside, outside)))
    vms = {vm.lcuuid: vm.name for vm in of_kind(found, "vm")}
    assert {row.name: vms[row.refs["vm"]] for row in of_kind(found, "process")} == {"nginx": "web", "sshd": "one.example"}
    assert next(row for row in of_kind(found, "process") if row.name == "nginx").attributes["listeners"] == '[[6,"::",80]]'


def test_keys_are_the_same_on_every_run_and_in_any_order() -> None:
    one = {resource.lcuuid for resource in resources(agent("one", OWN, CONTAINER), agent("two", OWN))}
    assert one == {resource.lcuuid for resource in resources(agent("two", OWN), agent("one", CONTAINER, OWN))}


def test_the_same_facts_are_the_same_bytes() -> None:
    facts = Snapshot("genesis.facts", 1, snapshot_pb2.Facts(agents=[agent("one", OWN, CONTAINER)]).SerializeToString())
    assert build(facts).SerializeToString(deterministic=True) == build(facts).SerializeToString(deterministic=True)


def test_broken_addresses_and_texts_cost_themselves_alone() -> None:
    own = agent_pb2.NetworkNamespace(inode=1, interfaces=[interface("eth0", "aa:00:00:00:00:01", "not an address", "10.0.0.1/99", "10.0.0.1/24")])
    process = agent_pb2.Process(pid=1, name="a\x00b", command="c\x00d" * 10_000)
    found = resources(agent("one", own, processes=(process,)))
    assert [row.name for row in of_kind(found, "vinterface_ip")] == ["10.0.0.1"]
    assert of_kind(found, "process")[0].name == "ab"
    assert len(of_kind(found, "process")[0].attributes["command"]) <= 4096
