"""What comes to the live ports with bad intent costs nobody else anything: a known load runs meanwhile, and every request of it is a row."""

from __future__ import annotations

import gzip
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import grpc
import psutil
import pytest
import zstandard
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse

from tests.e2e.load import Load, steady
from tests.e2e.machine import HTTP, QUERIER, Machine
from tests.e2e.stage import Stage

PORT = 8091
MIB = 1 << 20
INGESTERS = {"ingester.flow_log": (20430, "traces"), "ingester.flow_metrics": (20432, "logs")}
GRPC = "127.0.0.1:20431"
MEMORY_MAX_MIB = 400

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def load(machine: Machine, wire: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Load]:
    with steady(machine, wire, PORT, tmp_path_factory.mktemp("load")) as running:
        running.settled()
        yield running


@pytest.fixture
def innocent(machine: Machine, load: Load) -> Iterator[None]:
    """Around each test: the same processes live afterwards, within their memory, and the load is stored whole."""
    before = machine.pids()
    yield
    assert machine.pids() == before
    for name in INGESTERS:
        used = psutil.Process(before[name]).memory_info().rss // MIB
        assert used < MEMORY_MAX_MIB, f"{name} holds {used} MiB"
    load.settled()


@dataclass(frozen=True, slots=True)
class Attack:
    """A body and how it says that it is encoded."""

    body: bytes
    encoding: str = "identity"
    form: str = "application/x-protobuf"

    def post(self, port: int, signal: str) -> int:
        headers = {"content-type": self.form, "content-encoding": self.encoding}
        return HTTP.post(f"http://127.0.0.1:{port}/v1/{signal}", content=self.body, headers=headers).status_code


def spans(count: int, name: str) -> ExportTraceServiceRequest:
    request, now = ExportTraceServiceRequest(), time.time_ns()
    group = request.resource_spans.add()
    group.resource.attributes.add(key="service.name").value.string_value = name
    scope = group.scope_spans.add()
    for number in range(count):
        one = scope.spans.add(name="GET /a", kind=2, start_time_unix_nano=now - 1000, end_time_unix_nano=now)
        one.trace_id, one.span_id = number.to_bytes(16, "big"), (number + 1).to_bytes(8, "big")
    return request


def nested(levels: int) -> bytes:
    """A message in a message in a message …, with right lengths."""
    content = b""
    for _ in range(levels):
        length, size = b"", len(content)
        while size > 0x7F:
            length, size = length + bytes([size & 0x7F | 0x80]), size >> 7
        content = b"\x0a" + length + bytes([size]) + content
    return content


def small_attacks() -> Iterator[Attack]:
    dice, whole = random.Random(5), spans(50, "hostile").SerializeToString()
    bodies = [dice.randbytes(dice.randrange(1, 400)) for _ in range(40)] + [whole[: dice.randrange(1, len(whole))] for _ in range(40)]
    for body in bodies:
        yield Attack(body)
        yield Attack(body, encoding=dice.choice(["gzip", "zstd"]))
        yield Attack(body, form="application/json")
        yield Attack(gzip.compress(body)[:-3], encoding="gzip")
    yield Attack(nested(5000))
    yield Attack(b'{"resourceSpans":' + b"[" * 100_000, form="application/json")
    yield Attack(b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f" + whole)  # a length of 2^63 - 1
    yield Attack(b"\x0a\xff\xff\xff\xff\x0f" * 1000)  # 4 GiB each, a thousand times
    yield Attack(whole + b"\x0a\x05x")  # right until the last length
    yield Attack(b"\x0a\x00" * 500_000)  # half a million empty resources


def large_attacks() -> Iterator[Attack]:
    zeros = bytes(300 * MIB)
    yield Attack(gzip.compress(zeros, 1), encoding="gzip")
    yield Attack(zstandard.compress(zeros), encoding="zstd")
    yield Attack(bytes(65 * MIB))


@pytest.mark.usefixtures("innocent")
@pytest.mark.parametrize("make", [small_attacks, large_attacks])
def test_hostile_bodies_are_refused_and_hurt_nobody(make: Callable[[], Iterator[Attack]]) -> None:
    for port, signal in INGESTERS.values():
        with ThreadPoolExecutor(4) as pool:
            statuses = set(pool.map(lambda attack, port=port, signal=signal: attack.post(port, signal), make()))
        assert statuses <= {200, 400, 413, 429}, statuses
        assert statuses & {400, 413}


@pytest.mark.usefixtures("innocent")
def test_a_row_with_repeated_keys_and_deep_values_costs_at_most_itself(machine: Machine) -> None:
    request = spans(10, "half-hostile")
    bad = request.resource_spans[0].scope_spans[0].spans[3]
    for _ in range(1000):
        bad.attributes.add(key="twice").value.string_value = "x"
    value = bad.attributes.add(key="deep").value
    for _ in range(40):
        value = value.array_value.values.add()
    far = request.resource_spans[0].scope_spans[0].spans[5]
    far.start_time_unix_nano = far.end_time_unix_nano = 10**18  # 2001
    answer = HTTP.post("http://127.0.0.1:20430/v1/traces", content=request.SerializeToString(), headers={"content-type": "application/x-protobuf"})
    rejected = ExportTraceServiceResponse.FromString(answer.content).partial_success.rejected_spans
    assert (answer.status_code, rejected in (1, 2)) == (200, True)
    assert machine.query("SELECT Count(row) AS n FROM l7_flow_log WHERE app_service = 'half-hostile'") == [{"n": 10 - rejected}]


@pytest.mark.usefixtures("innocent")
def test_hostile_calls_over_grpc_are_refused() -> None:
    dice, codes = random.Random(6), set()
    options = (("grpc.max_send_message_length", -1),)
    with grpc.insecure_channel(GRPC, options=options) as channel:
        export = channel.unary_unary("/opentelemetry.proto.collector.trace.v1.TraceService/Export", None, None)
        for body in [*(dice.randbytes(dice.randrange(2, 300)) for _ in range(50)), bytes(65 * MIB), nested(5000)]:
            try:
                export(body, timeout=30)
            except grpc.RpcError as error:
                codes.add(error.code())
    assert codes == {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.RESOURCE_EXHAUSTED}


@pytest.mark.usefixtures("innocent")
@pytest.mark.parametrize(
    "sql",
    [
        "DROP TABLE flow_log.l7_flow_log",
        "SELECT 1; TRUNCATE TABLE flow_log.l7_flow_log",
        "SELECT request_resource FROM l7_flow_log WHERE request_type = '' OR 1 = 1; DROP TABLE flow_log.l7_flow_log --",
        "SELECT * FROM url('http://127.0.0.1:20417/v1/agents', 'RawBLOB')",
        "SELECT request_type FROM l7_flow_log JOIN l4_flow_log ON 1 = 1",
        "SELECT request_type FROM (SELECT * FROM system.users)",
        "SELECT file('/etc/passwd') FROM l7_flow_log",
        "SELECT request_type FROM l7_flow_log INTO OUTFILE '/tmp/x'",
        "SELECT sleep(3) FROM l7_flow_log",
        "INSERT INTO flow_log.l7_flow_log SELECT * FROM flow_log.l7_flow_log",
        "SELECT " + "(" * 5000 + "1" + ")" * 5000 + " FROM l7_flow_log",
        "SELECT request_type FROM l7_flow_log WHERE " + " OR ".join(["request_type = 'x'"] * 20_000),
        "SELECT no_such_tag FROM l7_flow_log",
        "SELECT '\x00' FROM l7_flow_log LIMIT -1",
    ],
    ids=lambda sql: sql[:30],
)
def test_hostile_sql_is_refused_with_a_sentence(sql: str) -> None:
    answer = HTTP.post(f"{QUERIER}/v1/query/", json={"db": "flow_log", "sql": sql})
    assert answer.status_code in (400, 413), answer.text[:500]
    assert answer.json()["DESCRIPTION"]
    assert "Traceback" not in answer.text
