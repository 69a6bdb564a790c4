"""OTLP bytes → tagged rows: spans per CPU-second of the native walker against a Python loop over opentelemetry-proto, in one run.

The payload is what a Collector forwards for an HTTP service: 12 attributes and 551 bytes a span, 10 000 spans a body.
Run as `python -m tests.bench.otlp`; `make bench` collects its rows.
"""

from __future__ import annotations

import random
import time
from typing import Final

import weir_native
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from libs.wire.generated.weir.v1 import platform_pb2 as pb
from tests.bench.figure import Figure, rate, show

SPANS: Final = 10_000
_BODIES: Final = 8


def _text(key: str, value: str) -> KeyValue:
    pair = KeyValue(key=key)
    pair.value.string_value = value
    return pair


def _int(key: str, value: int) -> KeyValue:
    pair = KeyValue(key=key)
    pair.value.int_value = value
    return pair


def collector_body(spans: int, now_ns: int, seed: int = 1) -> bytes:
    """An export request as a Collector sends it, `spans` spans of some 551 bytes with 12 attributes each."""
    dice = random.Random(seed)
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    group.resource.attributes.extend(
        _text(key, value)
        for key, value in (
            ("service.name", "checkout"),
            ("service.instance.id", "checkout-7d9f8b6c5-x2x4v"),
            ("service.version", "1.14.2"),
            ("telemetry.sdk.language", "go"),
            ("host.name", "node-17.eu-west-1.example.com"),
        )
    )
    scope = group.scope_spans.add()
    scope.scope.name = "go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
    for index in range(spans):
        span = scope.spans.add()
        span.trace_id = dice.randbytes(16)
        span.span_id = dice.randbytes(8)
        span.parent_span_id = dice.randbytes(8)
        route = dice.choice(("/api/v1/orders/{id}", "/api/v1/carts/{id}/items", "/api/v1/users/{id}"))
        span.name = f"GET {route}"
        span.kind = Span.SPAN_KIND_SERVER if index % 2 == 0 else Span.SPAN_KIND_CLIENT
        span.start_time_unix_nano = now_ns - dice.randrange(10**9)
        span.end_time_unix_nano = span.start_time_unix_nano + dice.randrange(10**6, 10**8)
        path = route.replace("{id}", str(dice.randrange(10**6)))
        span.attributes.extend(
            (
                _text("http.request.method", "GET"),
                _text("url.scheme", "https"),
                _text("url.path", path),
                _text("http.route", route),
                _int("http.response.status_code", dice.choice((200, 200, 200, 200, 404, 500))),
                _text("server.address", f"orders-{index % 16}.shop.svc.cluster.local"),
                _int("server.port", 8443),
                _text("client.address", f"10.0.{dice.randrange(4)}.{dice.randrange(250)}"),
                _text("network.protocol.version", "1.1"),
                _text("user_agent.original", f"Mozilla/5.0 (X11; Linux x86_64) shop/{index % 8}"),
                _text("enduser.id", f"user-{dice.randrange(10**5)}"),
                _int("thread.id", dice.randrange(64)),
            )
        )
    return request.SerializeToString()


def native_rate(bodies: list[bytes], rounds: int, tags: weir_native.TagTable | None = None, *, native_block: bool = False) -> float:
    """Spans per CPU-second through a Gather (and into a Native block where asked); every span must come out."""
    rows = 0
    now_us = time.time_ns() // 1000
    started = time.process_time()
    for _ in range(rounds):
        gather = weir_native.Gather("flow_log", tags)
        for index, body in enumerate(bodies):
            done = gather.append(body, signal="traces", content_type="protobuf", encoding="identity", batch_id=index, now_us=now_us, max_bytes=1 << 26)
            rows += done.rows
            for batch in gather.take():
                if native_block:
                    batch.to_native("none")
    spent = time.process_time() - started
    return rate(rows, rounds * len(bodies) * SPANS, spent)


def loop_rate(body: bytes) -> float:
    """Spans per CPU-second through the generated parser and a Python loop into plain lists of columns."""
    started = time.process_time()
    request = ExportTraceServiceRequest.FromString(body)
    columns: dict[str, list[object]] = {
        name: [] for name in ("trace_id", "span_id", "parent", "name", "kind", "start", "end", "status", "attributes", "service")
    }
    for group in request.resource_spans:
        service = next((pair.value.string_value for pair in group.resource.attributes if pair.key == "service.name"), "")
        for scope in group.scope_spans:
            for span in scope.spans:
                columns["trace_id"].append(span.trace_id.hex())
                columns["span_id"].append(span.span_id.hex())
                columns["parent"].append(span.parent_span_id.hex())
                columns["name"].append(span.name)
                columns["kind"].append(span.kind)
                columns["start"].append(span.start_time_unix_nano // 1000)
                columns["end"].append(span.end_time_unix_nano // 1000)
                columns["status"].append(span.status.code)
                columns["service"].append(service)
                attributes = {}
                for pair in span.attributes:
                    value = pair.value
                    attributes[pair.key] = value.string_value if value.HasField("string_value") else str(value.int_value)
                columns["attributes"].append(attributes)
    spent = time.process_time() - started
    return len(columns["name"]) / spent


def measure(*, quick: bool) -> list[Figure]:
    """The walker's tagged rows, and further into a Native block."""
    now_ns = time.time_ns()
    bodies = [collector_body(SPANS, now_ns, seed) for seed in range(_BODIES)]
    tags = _tags()
    native_rate(bodies, 1, tags)
    loop = max(loop_rate(bodies[0]) for _ in range(3))
    times = 4 if quick else 12
    to_rows = max(native_rate(bodies, 1, tags) for _ in range(times))
    to_block = max(native_rate(bodies, 1, tags, native_block=True) for _ in range(times))
    note = f"{len(bodies[0]) / SPANS:.0f} bytes and 12 attributes a span"
    peer = "Python loop"
    return [
        Figure("OTLP traces → tagged record batch", to_rows, "spans/CPU-s", 1_500_000, baseline=loop, baseline_name=peer, goal_ratio=20, note=note),
        Figure("OTLP traces → Native block", to_block, "spans/CPU-s", 0, baseline=loop, baseline_name=peer, note="the same, and the block's bytes"),
    ]


def _tags() -> weir_native.TagTable:
    """A table that knows each of the payload's thousand clients."""
    table = pb.PlatformTable(version=1)
    table.cidrs.add(prefix=bytes((10, 0, 0, 0)), bits=8, ids=pb.PlatformIds(subnet_id=1))
    for number in range(1_000):
        ids = pb.PlatformIds(region_id=1, subnet_id=2, chost_id=number + 1)
        table.interfaces.add(id=number + 1, ips=[bytes((10, 0, number // 250, number % 250))], ids=ids)
    tags = weir_native.TagTable()
    tags.load(table.SerializeToString())
    return tags


if __name__ == "__main__":
    show(measure(quick=False))
