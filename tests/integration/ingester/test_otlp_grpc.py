"""What comes in over gRPC, and what stock exporters leave in the table."""

from __future__ import annotations

import random
from typing import cast

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2_grpc import MetricsServiceStub
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

from tests.integration.ingester.processes import Body, Ingester, Make, Store

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


def call(ingester: Ingester, body: bytes, compression: grpc.Compression = grpc.Compression.NoCompression, timeout: float = 30) -> bytes:
    options = (("grpc.max_send_message_length", -1), ("grpc.enable_http_proxy", 0))
    with grpc.insecure_channel(f"127.0.0.1:{ingester.grpc_port}", options=options) as channel:
        return bytes(channel.unary_unary(EXPORT, None, None)(body, compression=compression, timeout=timeout))


def details(error: grpc.RpcError) -> status_pb2.Status:
    trailers = dict(cast("tuple[tuple[str, bytes], ...]", error.trailing_metadata()))
    return status_pb2.Status.FromString(trailers["grpc-status-details-bin"])


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
def test_call_is_answered_when_it_is_stored(shared_ingester: Ingester, store: Store, body: Body, compression: grpc.Compression) -> None:
    ingester, one = shared_ingester, body()
    assert call(ingester, one, compression) == b""
    assert call(ingester, one, compression) == b""
    assert store.count() == 100


def test_broken_bytes_are_invalid_argument(shared_ingester: Ingester, body: Body) -> None:
    ingester = shared_ingester
    dice = random.Random(3)
    codes = set()
    for _ in range(50):
        try:
            call(ingester, dice.randbytes(dice.randrange(2, 200)))
        except grpc.RpcError as error:
            codes.add(error.code())
    assert codes == {grpc.StatusCode.INVALID_ARGUMENT}
    assert call(ingester, body()) == b""


def test_metrics_are_unimplemented_with_a_sentence(shared_ingester: Ingester) -> None:
    ingester = shared_ingester
    with grpc.insecure_channel(f"127.0.0.1:{ingester.grpc_port}") as channel, pytest.raises(grpc.RpcError) as caught:
        MetricsServiceStub(channel).Export(ExportMetricsServiceRequest(), timeout=10)  # type: ignore[no-untyped-call]
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert "it takes traces and logs" in str(caught.value.details())


def test_oversize_message_is_refused(make_ingester: Make) -> None:
    ingester = make_ingester(max_body_mib=1)
    with pytest.raises(grpc.RpcError) as caught:
        call(ingester, bytes(2 << 20))
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_overload_is_resource_exhausted_with_retry_info(make_ingester: Make, store: Store, body: Body) -> None:
    ingester = make_ingester(max_requests=1, max_queued=0)

    with grpc.insecure_channel(f"127.0.0.1:{ingester.grpc_port}") as channel:
        export = channel.unary_unary(EXPORT, None, None)
        calls = [export.future(body(number), timeout=30) for number in range(48)]
        answers = [(number, cast("grpc.RpcError | None", call.exception())) for number, call in enumerate(calls)]
    refused = [error for _, error in answers if error is not None]
    assert refused
    for error in refused:
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        info = error_details_pb2.RetryInfo()
        assert details(error).details[0].Unpack(info)
        assert info.retry_delay.seconds >= 1
    acknowledged = {number for number, error in answers if error is None}
    assert store.batches("01020304") == dict.fromkeys(acknowledged, (100, 100))


def test_store_that_is_away_is_unavailable(make_ingester: Make, store: Store, body: Body) -> None:
    ingester = make_ingester(answer_timeout_s=0.5)
    store.kill()
    try:
        with pytest.raises(grpc.RpcError) as caught:
            call(ingester, body())
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        assert len(details(caught.value).details) == 1
    finally:
        store.start()


def test_stock_exporters_spans_land_beside_each_other(shared_ingester: Ingester, store: Store) -> None:
    ingester = shared_ingester
    exporters: dict[str, SpanExporter] = {
        "http": HttpExporter(endpoint=f"{ingester.url}/v1/traces", compression=Compression.Gzip),
        "grpc": GrpcExporter(endpoint=f"127.0.0.1:{ingester.grpc_port}", insecure=True),
    }
    for name, exporter in exporters.items():
        provider = TracerProvider(resource=Resource.create({"service.name": f"shop-{name}"}))
        provider.add_span_processor(BatchSpanProcessor(exporter))
        tracer = provider.get_tracer("test")
        for number in range(500):
            with tracer.start_as_current_span("GET /orders", attributes={"http.request.method": "GET", "http.response.status_code": 200, "n": number}):
                pass
        assert provider.force_flush()
        provider.shutdown()
    sql = (
        "SELECT app_service, count(), uniq(span_id), any(request_type), any(response_code) FROM flow_log.l7_flow_log GROUP BY app_service ORDER BY app_service"
    )
    assert store.ask(sql) == [[f"shop-{name}", "500", "500", "GET", "200"] for name in ("grpc", "http")]


def test_partial_success_over_grpc(shared_ingester: Ingester, store: Store, body: Body) -> None:
    request = ExportTraceServiceRequest.FromString(body())
    for row in (3, 4):
        request.resource_spans[0].scope_spans[0].spans[row].end_time_unix_nano = 1 << 62
        request.resource_spans[0].scope_spans[0].spans[row].start_time_unix_nano = 1 << 62
    partial = ExportTraceServiceResponse.FromString(call(shared_ingester, request.SerializeToString())).partial_success
    assert partial.rejected_spans == 2
    assert store.count() == 98
