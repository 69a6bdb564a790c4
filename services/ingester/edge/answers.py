"""The answers of OTLP, in the form of the request.

Source: https://opentelemetry.io/docs/specs/otlp/ (full and partial success, failures, throttling).
"""

from __future__ import annotations

from typing import Final, Literal

import orjson
from google.protobuf import duration_pb2
from google.rpc import error_details_pb2, status_pb2
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

from services.ingester.decoders import Signal
from services.ingester.errors import Refused
from services.ingester.outcome import Outcome

Form = Literal["protobuf", "json"]

CONTENT_TYPES: Final[dict[Form, str]] = {"protobuf": "application/x-protobuf", "json": "application/json"}
FORMS: Final[dict[str, Form]] = {"application/x-protobuf": "protobuf", "application/protobuf": "protobuf", "application/json": "json"}
ENCODINGS: Final = {"": "identity", "identity": "identity", "none": "identity", "gzip": "gzip", "x-gzip": "gzip", "zstd": "zstd"}


def success(outcome: Outcome, signal: Signal, form: Form) -> bytes:
    """Export*ServiceResponse: empty for full success, with the count and the reason where rows were rejected."""
    if not outcome.rejected:
        return b"" if form == "protobuf" else b"{}"
    count, message = outcome.rejected_rows, outcome.message
    if form == "json":
        # Protobuf's JSON writes 64-bit integers as text.
        key = "rejectedSpans" if signal == "traces" else "rejectedLogRecords"
        return orjson.dumps({"partialSuccess": {key: str(count), "errorMessage": message}})
    if signal == "traces":
        spans = trace_service_pb2.ExportTracePartialSuccess(rejected_spans=count, error_message=message)
        return bytes(trace_service_pb2.ExportTraceServiceResponse(partial_success=spans).SerializeToString())
    records = logs_service_pb2.ExportLogsPartialSuccess(rejected_log_records=count, error_message=message)
    return bytes(logs_service_pb2.ExportLogsServiceResponse(partial_success=records).SerializeToString())


def status(error: Refused) -> status_pb2.Status:
    """google.rpc.Status of a refusal, with RetryInfo where the sender may come back."""
    answer = status_pb2.Status(code=error.grpc.value[0], message=str(error))
    if error.retry_after_s:
        info = error_details_pb2.RetryInfo(retry_delay=duration_pb2.Duration(seconds=error.retry_after_s))
        answer.details.add().Pack(info)
    return answer


def failure(error: Refused, form: Form) -> bytes:
    """The body of a refusal over HTTP: google.rpc.Status."""
    if form == "protobuf":
        return bytes(status(error).SerializeToString())
    body: dict[str, object] = {"code": error.grpc.value[0], "message": str(error)}
    if error.retry_after_s:
        body["details"] = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{error.retry_after_s}s"}]
    return orjson.dumps(body)
