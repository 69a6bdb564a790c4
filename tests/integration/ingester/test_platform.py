"""Ids at ingest: from trisolaris's platform table, also when trisolaris is away."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

import grpc.aio
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse

from libs.wire import platform_pb2, snapshot_pb2_grpc
from libs.wire.snapshots import SnapshotServer
from tests.integration.ingester.processes import Ingester, Make, Store

T = TypeVar("T")
KIND = "trisolaris.platform"


class Trisolaris:
    """The one service of trisolaris that an ingester asks, in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.address = self._run(self._start())

    def publish(self, version: int, subnet_id: int) -> None:
        table = platform_pb2.PlatformTable(version=version)
        ids = platform_pb2.PlatformIds(vpc_id=1, subnet_id=subnet_id, chost_id=10)
        table.interfaces.add(id=1, ips=[socket.inet_aton("10.0.0.1")], ids=ids, scope_agent_id=7)
        table.agents.add(agent_id=7, vpc_id=1, ids=ids)
        self._loop.call_soon_threadsafe(self._snapshots.publish, KIND, version, table.SerializeToString())

    def stop(self) -> None:
        if self._loop.is_running():
            self._run(self._server.stop(0))
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()

    async def _start(self) -> str:
        self._snapshots = SnapshotServer((KIND,))
        self._server = grpc.aio.server()
        snapshot_pb2_grpc.add_SnapshotsServicer_to_server(self._snapshots, self._server)  # type: ignore[no-untyped-call]
        port = self._server.add_insecure_port("127.0.0.1:0")
        await self._server.start()
        return f"127.0.0.1:{port}"

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)


@pytest.fixture
def trisolaris() -> Iterator[Trisolaris]:
    made = Trisolaris()
    yield made
    made.stop()


def flow(event: str = "weir.flow.l4") -> bytes:
    request = ExportLogsServiceRequest()
    group = request.resource_logs.add()
    group.resource.attributes.add(key="service.name").value.string_value = "weir-agent"
    group.resource.attributes.add(key="weir.agent.id").value.int_value = 7
    record = group.scope_logs.add().log_records.add(event_name=event, time_unix_nano=time.time_ns())
    for key, value in {"source.address": "10.0.0.1", "destination.address": "10.0.0.9"}.items():
        record.attributes.add(key=key).value.string_value = value
    return request.SerializeToString()


def subnet(ingester: Ingester, store: Store) -> int:
    """The subnet that a flow sent now is given."""
    store.ask("TRUNCATE TABLE flow_log.l4_flow_log")
    answer = ingester.post(flow(), path="/v1/logs")
    assert (answer.status_code, answer.content) == (200, b"")
    return int(store.ask("SELECT subnet_id_0 FROM flow_log.l4_flow_log")[0][0])


def test_rows_get_ids_and_keep_getting_them_without_trisolaris(make_ingester: Make, store: Store, trisolaris: Trisolaris) -> None:
    trisolaris.publish(1, 30)
    ingester = make_ingester(trisolaris=trisolaris.address)
    assert subnet(ingester, store) == 30
    trisolaris.publish(2, 31)
    end = time.monotonic() + 20
    while ingester.metric("weir_ingester_platform_version") != 2:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert subnet(ingester, store) == 31
    ingester.kill()
    trisolaris.stop()
    ingester.start()
    assert subnet(ingester, store) == 31


def test_without_a_platform_table_rows_are_stored_without_ids_after_a_bounded_wait(make_ingester: Make, store: Store) -> None:
    ingester = make_ingester(trisolaris="127.0.0.1:1", platform_wait_s=2, wait_for="/healthz")
    assert "platform table" in ingester._http.get(ingester.url + "/readyz").json()["waiting_for"]
    ingester.wait_for("/readyz")
    assert subnet(ingester, store) == 0


def test_each_decoder_leaves_the_others_records_out(make_ingester: Make, store: Store) -> None:
    metrics = make_ingester("flow_metrics")
    partial = ExportLogsServiceResponse.FromString(metrics.post(flow(), path="/v1/logs").content).partial_success
    assert partial.rejected_log_records == 1
    assert metrics.post(flow(), path="/v1/traces").status_code == 404
    assert store.count("flow_metrics.`network.1s`") == 0
    metrics.assert_ledger_balances()
