"""The few fields of OTLP's messages that a sender must see: the answer's partial success, and where a request can be cut in two.

Field numbers: opentelemetry-proto, collector/{logs,trace}/v1. This is not on a hot path: one answer a request, one cut a 413.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_LENGTH: Final = 2
_RESOURCE_ITEMS: Final = 1
"""ExportLogsServiceRequest.resource_logs, ExportTraceServiceRequest.resource_spans."""
_SCOPE_ITEMS: Final = 2
"""ResourceLogs.scope_logs, ResourceSpans.scope_spans."""
_RECORDS: Final = 2
"""ScopeLogs.log_records, ScopeSpans.spans."""


@dataclass(frozen=True, slots=True)
class PartialSuccess:
    """What the receiver did not take of a request it answered with success."""

    rejected: int
    message: str


@dataclass(frozen=True, slots=True)
class _Field:
    number: int
    whole: memoryview
    """With its key."""
    content: memoryview
    """Of a length-delimited field; empty otherwise."""
    value: int
    """Of a varint; 0 otherwise."""


def parse_partial_success(answer: bytes) -> PartialSuccess:
    """What an Export{Logs,Trace}ServiceResponse says; an answer that is none says nothing."""
    try:
        for outer in _fields(memoryview(answer)):
            if outer.number == 1:
                inner = list(_fields(outer.content))
                rejected = next((field.value for field in inner if field.number == 1), 0)
                message = next((bytes(field.content).decode("utf-8", "replace") for field in inner if field.number == 2), "")  # noqa: PLR2004  field number
                return PartialSuccess(rejected if rejected < 1 << 63 else 0, message)
    except ValueError:
        pass
    return PartialSuccess(0, "")


def parse_status_message(answer: bytes) -> str:
    """The message of a google.rpc.Status, which is how OTLP over HTTP says what was wrong; empty where it is none."""
    try:
        return next((bytes(field.content).decode("utf-8", "replace") for field in _fields(memoryview(answer)) if field.number == 2), "")  # noqa: PLR2004  field number
    except ValueError:
        return ""


def cut(request: bytes) -> tuple[tuple[bytes, int], tuple[bytes, int]] | None:
    """An export request as two with about half the records each, with how many each has; None where it has fewer than two records.

    Raises ValueError where `request` is no such message.
    """
    total = sum(1 for resource in _fields(memoryview(request)) for scope in _fields(resource.content, _SCOPE_ITEMS) for _ in _fields(scope.content, _RECORDS))
    half = total // 2
    return None if half == 0 else (_slice(request, 0, half), _slice(request, half, total))


def _slice(request: bytes, start: int, end: int) -> tuple[bytes, int]:
    """The request with its records from `start` to `end` only, and how many these are."""
    seen = kept = 0

    def scope_slice(scope: memoryview) -> bytes:
        nonlocal seen, kept
        parts = []
        any_record = False
        for field in _fields(scope):
            if field.number != _RECORDS:
                parts.append(bytes(field.whole))
                continue
            if start <= seen < end:
                parts.append(bytes(field.whole))
                any_record = True
                kept += 1
            seen += 1
        return b"".join(parts) if any_record else b""

    def resource_slice(resource: memoryview) -> bytes:
        parts = []
        any_scope = False
        for field in _fields(resource):
            if field.number != _SCOPE_ITEMS:
                parts.append(bytes(field.whole))
            elif scope := scope_slice(field.content):
                parts.append(_delimited(_SCOPE_ITEMS, scope))
                any_scope = True
        return b"".join(parts) if any_scope else b""

    resources = (resource_slice(field.content) for field in _fields(memoryview(request), _RESOURCE_ITEMS))
    return b"".join(_delimited(_RESOURCE_ITEMS, resource) for resource in resources if resource), kept


def _delimited(number: int, content: bytes) -> bytes:
    return bytes(_varint(number << 3 | _LENGTH) + _varint(len(content))) + content


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:  # noqa: PLR2004  seven bits a byte
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _read_varint(data: memoryview, offset: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 70:  # noqa: PLR2004  ten bytes at most
        if offset >= len(data):
            break
        byte = data[offset]
        value |= (byte & 0x7F) << shift
        offset += 1
        if byte < 0x80:  # noqa: PLR2004  the last byte has no flag
            return value, offset
        shift += 7
    message = f"a number is cut off at byte {offset}"
    raise ValueError(message)


def _fields(data: memoryview, only: int = 0) -> Iterator[_Field]:
    offset = 0
    while offset < len(data):
        start = offset
        key, offset = _read_varint(data, offset)
        value, content = 0, data[:0]
        match key & 7:
            case 0:
                value, offset = _read_varint(data, offset)
            case 1:
                offset += 8
            case 5:
                offset += 4
            case 2:
                length, offset = _read_varint(data, offset)
                content = data[offset : offset + length]
                offset += length
            case kind:
                message = f"wire type {kind} at byte {start}"
                raise ValueError(message)
        if offset > len(data):
            message = f"a field is cut off at byte {start}"
            raise ValueError(message)
        if only in (0, key >> 3):
            yield _Field(key >> 3, data[start:offset], content, value)
