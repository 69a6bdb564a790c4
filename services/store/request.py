"""One HTTP request of the ClickHouse protocol as a value: who, which query, which settings, which body."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl

from services.store import codec
from services.store.access import Access
from services.store.engine import Engine
from services.store.errors import BadRequest
from services.store.metrics import BYTES_IN
from services.store.multipart import Part, Parts
from services.store.settings import StoreSettings, User
from services.store.spool import Spool

NOT_SETTINGS: Final = frozenset(
    [
        "query",
        "database",
        "default_format",
        "query_id",
        "session_id",
        "session_timeout",
        "session_check",
        "close_session",
        "compress",
        "decompress",
        "user",
        "password",
        "quota_key",
        "stacktrace",
        "role",
        "buffer_size",
        "wait_end_of_query",
        "client_protocol_version",
        "http_make_head_request",
        "framing",
        "network_compression_method",
    ]
)
_HEADER_LIMIT: Final = 1 << 20


class Disconnected(Exception):  # noqa: N818  an event, nobody's mistake
    """The client went away before its request was complete."""


@dataclass(slots=True)
class Request:
    """A request whose body has come. `close()` gives its spools up."""

    method: str
    headers: Mapping[str, str]
    params: dict[str, str]
    user: User
    body: Spool
    parts: list[Part] = field(default_factory=list)
    peer: tuple[str, int] = ("::", 0)
    query_id: str = ""
    roles: tuple[str, ...] = ()

    @property
    def database(self) -> str:
        """The database to begin in, "" where the client does not say."""
        return self.params.get("database") or self.headers.get("x-clickhouse-database", "")

    @property
    def default_format(self) -> str:
        """The format where the statement names none."""
        return self.params.get("default_format") or self.headers.get("x-clickhouse-format", "") or "TabSeparated"

    @property
    def settings(self) -> dict[str, str]:
        """Every parameter that is a setting."""
        part_names = {f"{part.name}_{kind}" for part in self.parts for kind in ("format", "types", "structure")}
        found = {k: v for k, v in self.params.items() if k not in NOT_SETTINGS and not k.startswith("param_") and k not in part_names}
        if self.revision:
            found["output_format_native_encode_types_in_binary_format"] = "1"
        return found

    @property
    def revision(self) -> int:
        """The protocol revision whose Native blocks the client wants, 0 for those without one."""
        asked = self.params.get("client_protocol_version", "")
        return int(asked) if asked.isdigit() and "output_format_native_encode_types_in_binary_format" not in self.params else 0

    @property
    def query_params(self) -> dict[str, str]:
        """Values of {name:Type}, as they came: escaped as in TabSeparated."""
        return {k.removeprefix("param_"): v for k, v in self.params.items() if k.startswith("param_")}

    def flag(self, name: str, default: str = "0") -> bool:
        """A parameter that is 1 or true."""
        return self.params.get(name, default).lower() in ("1", "true")

    def close(self) -> None:
        """Gives the body up."""
        self.body.close()
        for part in self.parts:
            part.body.close()


def peer(scope: Mapping[str, Any]) -> tuple[str, int]:
    """The client's address, as IPv6, and port."""
    host, port = scope.get("client") or ("::", 0)
    return (host if ":" in host else f"::ffff:{host}"), port


async def read(scope: Mapping[str, Any], receive: Any, *, access: Access, engine: Engine, settings: StoreSettings) -> Request:  # noqa: ANN401  ASGI
    """Reads a request to its end. Raises StoreError, and Disconnected where the end never came."""
    headers = {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in scope["headers"]}
    pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True, max_num_fields=10000)
    params = dict(pairs)
    user = access.authenticate(headers, params)
    if scope["method"] == "POST" and "content-length" not in headers and headers.get("transfer-encoding", "").lower() != "chunked":
        raise BadRequest(381, "HTTP_LENGTH_REQUIRED", "The Transfer-Encoding is not chunked and there is no Content-Length header for POST request")
    spool = Spool(engine.directory, settings.spool_memory_mib << 20)
    request = Request(scope["method"], headers, params, user, spool, roles=tuple(value for key, value in pairs if key == "role"), peer=peer(scope))
    try:
        await _read_body(request, receive, settings.max_body_mib << 20, engine)
    except BaseException:
        request.close()
        raise
    request.query_id = params.get("query_id") or headers.get("x-clickhouse-query-id", "") or str(uuid.uuid4())
    return request


async def _read_body(request: Request, receive: Any, limit: int, engine: Engine) -> None:  # noqa: ANN401
    decoders = _decoders(request)
    content_type = request.headers.get("content-type", "")
    parts = Parts(content_type, engine.directory) if content_type.lower().startswith("multipart/form-data") else None
    sink = parts.feed if parts else request.body.write
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        data, more = message.get("body", b""), message.get("more_body", False)
        size += len(data)
        if size > limit:
            raise BadRequest(229, "QUERY_IS_TOO_LARGE", f"The request body is larger than {limit} bytes")
        if data:
            BYTES_IN.inc(len(data))
            for decoder in decoders:
                data = decoder.feed(data) if len(data) < _HEADER_LIMIT else await asyncio.to_thread(decoder.feed, data)
            sink(data)
    for decoder in decoders:
        decoder.finish()
    if parts:
        fields, request.parts = parts.finish()
        request.params = {**request.params, **fields}


def _decoders(request: Request) -> list[codec.Decoder]:
    found: list[codec.Decoder] = []
    encoding = request.headers.get("content-encoding", "identity").lower().strip()
    if encoding == "x-gzip":
        encoding = "gzip"
    if encoding not in ("", "identity"):
        found.append(codec.Decompressor(encoding))
    if request.flag("decompress"):
        found.append(codec.FrameDecoder())
    return found
