from __future__ import annotations

import asyncio
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from google.rpc import error_details_pb2, status_pb2
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from weir_native import RequestBody, batch_hash

from services.ingester.admission import Admission
from services.ingester.decoders import decoder
from services.ingester.edge.http import HttpEdge
from services.ingester.errors import Broken, Refused, Unavailable
from services.ingester.intake import Intake
from services.ingester.outcome import Outcome

PROTOBUF = "application/x-protobuf"


class Recorder(Intake):
    """Takes every body and answers what it is told."""

    def __init__(self, outcome: Outcome | Refused) -> None:
        self.outcome = outcome
        self.taken: list[tuple[int, dict[str, Any]]] = []

    async def take(self, body: bytes | RequestBody, *, decoded: Callable[[], None], **how: Any) -> Outcome:
        self.taken.append((batch_hash(body), how))
        decoded()
        if isinstance(self.outcome, Refused):
            raise self.outcome
        return self.outcome


@dataclass
class Answer:
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    received: int = 0

    async def send(self, message: MutableMapping[str, Any]) -> None:
        self.status = message.get("status", self.status)
        self.headers |= {key.decode(): value.decode() for key, value in message.get("headers", ())}
        self.body += message.get("body", b"")


class Bench:
    def __init__(
        self,
        outcome: Outcome | Refused | None = None,
        *,
        name: str = "flow_log",
        max_bytes: int = 1 << 20,
        max_requests: int = 8,
        closed: Refused | None = None,
    ) -> None:
        self.intake = Recorder(outcome or Outcome(1))
        self.admission = Admission(max_bytes=max_bytes, max_requests=max_requests, max_queued=1, queue_wait_s=0.05, closed=lambda: closed)
        self.edge = HttpEdge(decoder(name), self.intake, self.admission, max_body=100_000, read_timeout_s=0.2)

    async def post(
        self, *chunks: bytes, path: str = "/v1/traces", method: str = "POST", length: int | None = -1, hang: bool = False, gone: bool = False, **headers: str
    ) -> Answer:
        answer = Answer()
        waiting = list(chunks)
        fields = {"content_type": PROTOBUF, **headers}
        if length is None:
            fields["transfer_encoding"] = "chunked"
        else:
            fields["content_length"] = str(sum(map(len, chunks)) if length < 0 else length)
        raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in fields.items() if value]

        async def receive() -> MutableMapping[str, Any]:
            answer.received += 1
            if hang:
                await asyncio.sleep(60)
            if gone:
                return {"type": "http.disconnect"}
            chunk = waiting.pop(0) if waiting else b""
            return {"type": "http.request", "body": chunk, "more_body": bool(waiting)}

        held = (self.admission.bytes, self.admission.requests)
        await self.edge({"type": "http", "path": path, "method": method, "headers": raw}, receive, answer.send)
        assert (self.admission.bytes, self.admission.requests) == held
        return answer


def status_of(answer: Answer) -> status_pb2.Status:
    assert answer.headers["content-type"] == PROTOBUF
    return status_pb2.Status.FromString(answer.body)


async def test_body_in_pieces_reaches_the_intake_whole() -> None:
    bench = Bench()
    answer = await bench.post(b"abc", b"def", content_encoding="zstd", weir_attempt="2")
    assert (answer.status, answer.body, answer.headers["content-type"]) == (200, b"", PROTOBUF)
    assert bench.intake.taken == [(batch_hash(b"abcdef"), {"signal": "traces", "form": "protobuf", "encoding": "zstd", "resent": True})]


async def test_full_success_in_json_is_an_empty_object() -> None:
    answer = await Bench().post(b"{}", content_type="application/json; charset=utf-8")
    assert (answer.status, answer.body) == (200, b"{}")


async def test_rejected_rows_are_counted_with_their_reasons() -> None:
    bench = Bench(Outcome(7, {"time_out_of_range": 2, "invalid_utf8": 1}))
    partial = ExportTraceServiceResponse.FromString((await bench.post(b"x")).body).partial_success
    assert partial.rejected_spans == 3
    assert partial.error_message == "Not stored: 2 time out of range, 1 invalid utf8. Do not send them again."
    said = orjson.loads((await bench.post(b"{}", path="/v1/logs", content_type="application/json")).body)
    assert said["partialSuccess"]["rejectedLogRecords"] == "3"


@pytest.mark.parametrize(
    ("path", "name", "word"), [("/v1/metrics", "flow_log", "Metrics"), ("/v1/traces", "flow_metrics", "/v1/logs"), ("/v1/traces/", "flow_log", "/v1/traces")]
)
async def test_unknown_path_is_told_what_is_taken(path: str, name: str, word: str) -> None:
    answer = await Bench(name=name).post(b"x", path=path)
    assert answer.status == 404
    assert word in status_of(answer).message
    assert answer.received == 0


async def test_other_method_is_405_and_says_post() -> None:
    answer = await Bench().post(method="GET")
    assert (answer.status, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("headers", [{"content_type": "text/plain"}, {"content_encoding": "deflate"}, {"content_encoding": "gzip, zstd"}])
async def test_wrong_type_or_encoding_is_415_before_the_body(headers: dict[str, str]) -> None:
    answer = await Bench().post(b"x", **headers)  # type: ignore[arg-type]
    assert (answer.status, answer.received) == (415, 0)
    assert answer.headers["accept-encoding"] == "identity, gzip, zstd"


async def test_missing_content_type_is_415() -> None:
    assert (await Bench().post(b"x", content_type="")).status == 415


async def test_declared_oversize_is_413_before_the_body() -> None:
    answer = await Bench().post(b"x", length=100_001)
    assert (answer.status, answer.received) == (413, 0)
    assert status_of(answer).code == 3


async def test_undeclared_oversize_is_413_while_it_streams() -> None:
    answer = await Bench().post(*[b"x" * 30_000] * 9, length=None)
    assert (answer.status, answer.received) == (413, 4)


async def test_undeclared_body_without_room_is_429() -> None:
    bench = Bench(max_bytes=70_000)
    bench.admission.enter_at_once(1000)
    assert (await bench.post(*[b"x" * 40_000] * 2, length=None)).status == 429
    bench.admission.leave(1000)
    assert (await bench.post(*[b"x" * 40_000] * 2, length=None)).status == 200


async def test_overload_is_429_with_retry_after_before_the_body() -> None:
    bench = Bench(max_requests=1)
    bench.admission.enter_at_once(10)
    answer = await bench.post(b"x")
    assert (answer.status, answer.headers["retry-after"], answer.received) == (429, "1", 0)
    info = error_details_pb2.RetryInfo()
    status_of(answer).details[0].Unpack(info)
    assert info.retry_delay.seconds == 1


async def test_closed_is_503_with_retry_after_before_the_body() -> None:
    answer = await Bench(closed=Unavailable("The store is away.", 7)).post(b"x")
    assert (answer.status, answer.headers["retry-after"], answer.received) == (503, "7", 0)
    assert status_of(answer).message == "The store is away."


async def test_json_refusal_is_a_json_status() -> None:
    answer = await Bench(closed=Unavailable("The store is away.", 7)).post(b"{}", content_type="application/json")
    said = orjson.loads(answer.body)
    assert (said["code"], said["details"][0]["retryDelay"]) == (14, "7s")


async def test_broken_body_is_400() -> None:
    answer = await Bench(Broken("byte 7: a varint does not end")).post(b"x")
    assert (answer.status, status_of(answer).message) == (400, "byte 7: a varint does not end")
    assert "retry-after" not in answer.headers


async def test_empty_json_body_is_400_and_empty_protobuf_is_an_empty_request() -> None:
    assert (await Bench().post(content_type="application/json")).status == 400
    assert (await Bench(Outcome(0)).post()).status == 200


async def test_body_that_does_not_arrive_is_408_and_gives_its_room_back() -> None:
    answer = await Bench().post(b"x", hang=True)
    assert (answer.status, answer.headers["connection"]) == (408, "close")


async def test_sender_that_hangs_up_gets_no_answer_and_gives_its_room_back() -> None:
    assert (await Bench().post(b"x", gone=True)).status == 0
