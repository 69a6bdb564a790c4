"""The platform table: what trisolaris publishes turns addresses into ids."""

from __future__ import annotations

import json
import socket
import threading
from typing import Any

import pytest
import weir_native
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from libs.wire.generated.weir.v1 import platform_pb2 as pb

NOW_S = 1_790_000_000


def platform(version: int = 1) -> pb.PlatformTable:
    table = pb.PlatformTable(version=version)
    own = pb.PlatformIds(vpc_id=1, chost_id=10, region_id=4)
    table.agents.add(agent_id=7, vpc_id=1, ids=own)
    table.interfaces.add(id=1, mac=0xAABBCCDDEEFF, ips=[socket.inet_aton("10.0.0.1")], ids=own, scope_agent_id=7)
    table.interfaces.add(
        id=2, ips=[socket.inet_aton("10.0.0.2"), socket.inet_pton(socket.AF_INET6, "fd00::2")], ids=pb.PlatformIds(vpc_id=1, pod_id=20, pod_group_id=21)
    )
    table.cidrs.add(vpc_id=1, prefix=socket.inet_aton("10.0.0.0"), bits=8, ids=pb.PlatformIds(vpc_id=1, subnet_id=30))
    table.processes.add(gprocess_id=40, agent_id=7, pid=1234, ids=own, listeners=[pb.PlatformListener(port=80, protocol=6)])
    return table


def flows(*records: dict[str, str | int], event: str = "weir.flow.l4", agent_id: int = 7) -> bytes:
    request = ExportLogsServiceRequest()
    group = request.resource_logs.add()
    group.resource.attributes.add(key="service.name").value.string_value = "weir-agent"
    group.resource.attributes.add(key="weir.agent.id").value.int_value = agent_id
    scope = group.scope_logs.add()
    for record in records:
        log = scope.log_records.add(event_name=event, time_unix_nano=NOW_S * 10**9)
        for key, value in record.items():
            pair = log.attributes.add(key=key)
            if isinstance(value, int):
                pair.value.int_value = value
            else:
                pair.value.string_value = value
    return request.SerializeToString()


def tagged(tags: weir_native.TagTable, body: bytes, decoder: Any = "flow_log") -> list[dict[str, Any]]:
    gather = weir_native.Gather(decoder, tags)
    append(gather, body)
    return [json.loads(line) for batch in gather.take() for line in batch.to_json_lines().splitlines()]


def append(gather: weir_native.Gather, body: bytes) -> None:
    done = gather.append(body, signal="logs", content_type="protobuf", encoding="identity", batch_id=1, now_us=NOW_S * 10**6, max_bytes=1 << 24)
    assert done.rejected == 0


@pytest.fixture
def tags() -> weir_native.TagTable:
    table = weir_native.TagTable()
    table.load(platform().SerializeToString())
    return table


def test_both_ends_of_a_flow_get_their_ids(tags: weir_native.TagTable) -> None:
    (row,) = tagged(tags, flows({"source.address": "10.0.0.2", "destination.address": "10.0.0.1", "destination.port": 80, "weir.protocol": 6}))
    assert (row["pod_id_0"], row["auto_instance_id_0"], row["auto_instance_type_0"], row["tag_source_0"]) == (20, 20, 10, 2 + 16)
    assert (row["auto_service_id_0"], row["auto_service_type_0"]) == (21, 101)
    assert (row["chost_id_1"], row["gprocess_id_1"], row["region_id_1"], row["tag_source_1"]) == (10, 40, 4, 1 + 32)
    assert (row["auto_instance_id_1"], row["auto_instance_type_1"]) == (40, 120)


def test_a_process_id_names_a_client(tags: weir_native.TagTable) -> None:
    (row,) = tagged(tags, flows({"source.address": "127.0.0.1", "destination.address": "8.8.8.8", "weir.process_id_0": 1234}))
    assert (row["gprocess_id_0"], row["chost_id_0"], row["tag_source_0"]) == (40, 10, 64 + 32)
    assert (row["auto_instance_type_1"], row["tag_source_1"]) == (0, 0)


def test_a_mac_and_a_network_name_what_the_address_does_not(tags: weir_native.TagTable) -> None:
    (row,) = tagged(tags, flows({"source.address": "192.168.1.1", "destination.address": "10.1.1.1", "weir.mac_0": 0xAABBCCDDEEFF}))
    assert (row["chost_id_0"], row["tag_source_0"]) == (10, 4)
    assert (row["subnet_id_1"], row["auto_instance_id_1"], row["auto_instance_type_1"], row["tag_source_1"]) == (30, 30, 255, 8)


def test_ipv6_is_looked_up_too(tags: weir_native.TagTable) -> None:
    (row,) = tagged(tags, flows({"source.address": "fd00::2", "destination.address": "fe80::1"}))
    assert (row["pod_id_0"], row["chost_id_1"]) == (20, 10)


def test_single_ended_documents_are_tagged_by_their_role(tags: weir_native.TagTable) -> None:
    document: dict[str, str | int] = {"weir.table": "network.1s", "weir.ip4": "10.0.0.1", "weir.server_port": 80, "weir.protocol": 6}
    client, server = tagged(tags, flows(document, document | {"weir.role": 1}, event="weir.flow.metrics"), "flow_metrics")
    assert (client["chost_id"], client["gprocess_id"]) == (10, 0)
    assert (server["chost_id"], server["gprocess_id"]) == (10, 40)


def test_without_a_table_ids_stay_as_they_came() -> None:
    gather = weir_native.Gather("flow_log")
    append(gather, flows({"source.address": "10.0.0.2", "weir.chost_id_0": 5}))
    (batch,) = gather.take()
    row = json.loads(batch.to_json_lines())
    assert (row["chost_id_0"], row["auto_instance_type_0"]) == (5, 0)


def test_a_new_table_is_seen_by_the_next_body(tags: weir_native.TagTable) -> None:
    gather = weir_native.Gather("flow_log", tags)
    body = flows({"source.address": "10.0.0.2", "destination.address": "10.0.0.1"})
    append(gather, body)
    changed = platform(2)
    changed.interfaces[1].ids.pod_id = 99
    tags.load(changed.SerializeToString())
    append(gather, body)
    (batch,) = gather.take()
    assert [json.loads(line)["pod_id_0"] for line in batch.to_json_lines().splitlines()] == [20, 99]
    assert tags.version == 2


def test_a_malformed_table_changes_nothing(tags: weir_native.TagTable) -> None:
    with pytest.raises(ValueError, match="at byte"):
        tags.load(platform(2).SerializeToString()[:-3])
    assert tags.version == 1


def test_tables_are_replaced_while_rows_are_tagged(tags: weir_native.TagTable) -> None:
    records: list[dict[str, str | int]] = [{"source.address": f"10.0.{index}.2", "destination.address": "10.0.0.1"} for index in range(200)]
    body = flows(*records)
    gathers = [weir_native.Gather("flow_log", tags) for _ in range(3)]

    def fill(gather: weir_native.Gather) -> None:
        for _ in range(20):
            append(gather, body)

    workers = [threading.Thread(target=fill, args=(gather,)) for gather in gathers]
    for worker in workers:
        worker.start()
    for version in range(2, 60):
        tags.load(platform(version).SerializeToString())
    for worker in workers:
        worker.join()
    assert [gather.rows for gather in gathers] == [4000] * 3
