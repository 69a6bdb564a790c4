"""The HTTP side of an answer: headers, compression, the exception that comes after the first byte."""

from __future__ import annotations

import secrets
import string
import time
from typing import Any, Final

from services.store import codec
from services.store.engine import Engine
from services.store.errors import StoreError
from services.store.metrics import BYTES_OUT
from services.store.query import Outcome
from services.store.request import Request

_TYPES: Final = {
    "json": "application/json; charset=UTF-8",
    "jsoneachrow": "application/x-ndjson; charset=UTF-8",
    "xml": "application/xml; charset=UTF-8",
    "csv": "text/csv; charset=UTF-8; header=absent",
    "csvwithnames": "text/csv; charset=UTF-8; header=present",
    "tabseparated": "text/tab-separated-values; charset=UTF-8",
    "arrow": "application/vnd.apache.arrow.file",
    "arrowstream": "application/vnd.apache.arrow.stream",
    "prometheus": "text/plain; version=0.0.4; charset=UTF-8",
    "html": "text/html; charset=UTF-8",
    "markdown": "text/markdown; charset=UTF-8",
}
_BINARY: Final = ("native", "rowbinary", "parquet", "orc", "avro", "msgpack", "protobuf", "capnproto", "bson", "npy", "rawblob")
_HOLD: Final = 1 << 18
_HOLD_S: Final = 0.25
_TAG_LENGTH: Final = 16
_MESSAGE_LIMIT: Final = 16 << 10


def content_type(output_format: str) -> str:
    """The Content-Type of a format."""
    name = output_format.lower()
    if name in _TYPES:
        return _TYPES[name]
    if name.startswith(_BINARY):
        return "application/octet-stream"
    if name.startswith("json"):
        return "application/x-ndjson; charset=UTF-8" if "eachrow" in name else "application/json; charset=UTF-8"
    for prefix, kind in (("csv", "text/csv; charset=UTF-8; header=present"), ("tabseparated", _TYPES["tabseparated"]), ("tsv", _TYPES["tabseparated"])):
        if name.startswith(prefix):
            return kind
    return "text/plain; charset=UTF-8"


class Answer:
    """One response. Bytes are held back until there are many or the query has ended, so that an early error is a plain error."""

    def __init__(self, engine: Engine, send: Any) -> None:  # noqa: ANN401  ASGI
        self._engine = engine
        self._send = send
        self._keep_all = False
        self._hold = _HOLD
        self._revision = 0
        self._first_at = 0.0
        self._format = ""
        self._gives_rows = False
        self._held: list[bytes] = []
        self._held_size = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._encoders: list[codec.Encoder] = []
        self._tag = "".join(secrets.choice(string.ascii_lowercase) for _ in range(_TAG_LENGTH))
        self.begun = False
        self._query_id = ""
        self._http_encoding = ""

    def describe(self, request: Request, output_format: str) -> None:
        """Says what the answer is to: sets its headers and its compression."""
        self._query_id = request.query_id
        self._keep_all = request.flag("wait_end_of_query")
        # A client that says 0 wants every block as it comes; the others get a plain error instead of a broken result where that is soon enough.
        self._hold = 0 if request.params.get("wait_end_of_query") in ("0", "false") else _HOLD
        self._revision = request.revision
        if request.flag("compress"):
            self._encoders.append(codec.FrameEncoder(request.params.get("network_compression_method", "lz4").lower()))
        if request.flag("enable_http_compression"):
            self._http_encoding = codec.choose_encoding(request.headers.get("accept-encoding", ""))
            if self._http_encoding:
                self._encoders.append(codec.encoder(self._http_encoding))
        self._format = output_format

    def describe_result(self, name: str, *, gives_rows: bool) -> None:
        """The statement names its own format, or gives no rows at all: clients tell by the header."""
        self._format = name or self._format
        self._gives_rows = gives_rows
        if self._format.lower() == "native" and self._revision:
            self._encoders.insert(0, codec.RevisionEncoder(self._revision))

    def _start(self, status: int, kind: str, extra: list[tuple[str, str]]) -> dict[str, Any]:
        pairs = [
            ("content-type", kind),
            ("x-clickhouse-server-display-name", self._engine.display_name),
            ("x-clickhouse-timezone", self._engine.timezone),
            (
                "access-control-expose-headers",
                "X-ClickHouse-Query-Id,X-ClickHouse-Summary,X-ClickHouse-Server-Display-Name,X-ClickHouse-Format,X-ClickHouse-Timezone,X-ClickHouse-Exception-Code,X-ClickHouse-Exception-Tag",
            ),
            *([("x-clickhouse-query-id", self._query_id)] if self._query_id else []),
            *extra,
        ]
        self.begun = True
        return {"type": "http.response.start", "status": status, "headers": [(name.encode(), value.encode("latin-1", "replace")) for name, value in pairs]}

    async def _begin(self, summary: str | None) -> None:
        extra = [("x-clickhouse-exception-tag", self._tag)]
        if self._gives_rows:
            extra.append(("x-clickhouse-format", self._format))
        if self._http_encoding:
            extra.append(("content-encoding", self._http_encoding))
        if summary is not None:
            extra.append(("x-clickhouse-summary", summary))
        await self._send(self._start(200, content_type(self._format), extra))

    async def write(self, data: bytes) -> None:
        """Bytes of the result; waits while the client is slow."""
        BYTES_OUT.inc(len(data))
        self._held.append(data)
        self._held_size += len(data)
        self._first_at = self._first_at or time.monotonic()
        if self._held_size >= self._hold and not self._keep_all:
            await self._flush()

    async def tick(self) -> None:
        """Time goes by without new bytes: what has been held long enough goes out."""
        if self._held and not self._keep_all and time.monotonic() - self._first_at > _HOLD_S:
            await self._flush()

    def _encoded(self, *, last: bool) -> bytes:
        data = b"".join(self._held)
        self._held, self._held_size, self._first_at = [], 0, 0.0
        for encoder in self._encoders:
            data = encoder.feed(data) + (encoder.finish() if last else b"")
        return data

    async def _flush(self) -> None:
        data = self._encoded(last=False)
        if not self.begun:
            await self._begin(None)
        if data:
            await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def end(self, outcome: Outcome) -> None:
        """The result is complete."""
        data = self._encoded(last=True)
        if not self.begun:
            await self._begin(outcome.summary())
        await self._send({"type": "http.response.body", "body": data, "more_body": False})

    async def fail(self, error: StoreError) -> None:
        """The query ended with an error: the status says so where none was sent, else the tail of the body and a broken chunk do."""
        body = error.body(self._engine.version).encode("utf-8", "replace")
        if not self.begun:
            extra = [("x-clickhouse-exception-code", str(error.code)), ("content-length", str(len(body)))]
            if error.code == 194:  # noqa: PLR2004  REQUIRED_PASSWORD
                extra.append(("www-authenticate", 'Basic realm="ClickHouse server HTTP API"'))
            await self._send(self._start(error.status, "text/plain; charset=UTF-8", extra))
            await self._send({"type": "http.response.body", "body": body, "more_body": False})
            return
        body = body[:_MESSAGE_LIMIT]
        tag = self._tag.encode()
        self._held.append(b"\r\n__exception__\r\n" + tag + b"\r\n" + body + b"%d " % len(body) + tag + b"\r\n__exception__\r\n")
        self._encoders = [encoder for encoder in self._encoders if not isinstance(encoder, codec.RevisionEncoder)]
        await self._send({"type": "http.response.body", "body": self._encoded(last=True), "more_body": True})
        # Returning without the last chunk breaks the chunked encoding: a client that looks at nothing else still sees that the result is not whole.
