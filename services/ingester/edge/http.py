"""OTLP over HTTP: a bare ASGI application that reads bodies by hand (a framework's body costs as much again).

Order of checks: path, method, content type, encoding, declared length, room — all before the first byte of the body is read.
"""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Final

from libs.boot.observe import App, Receive, Scope, Send, answer
from libs.boot.protocol import HANG_UP
from services.ingester.admission import Admission
from services.ingester.decoders import Decoder, Signal
from services.ingester.edge.answers import CONTENT_TYPES, ENCODINGS, FORMS, Form, failure, success
from services.ingester.edge.body import Gone, Incoming
from services.ingester.errors import Broken, NotFound, Refused, TooSlow, WrongMethod, WrongType
from services.ingester.intake import Intake
from services.ingester.metrics import BODY_BYTES, REQUESTS

PATHS: Final[dict[str, Signal]] = {"/v1/traces": "traces", "/v1/logs": "logs"}


@dataclass(slots=True)
class _Head:
    """What the head of a request says."""

    signal: Signal
    encoding: str
    attempt: int


class HttpEdge:
    """The ASGI application."""

    def __init__(self, decoder: Decoder, intake: Intake, admission: Admission, *, max_body: int, read_timeout_s: float) -> None:
        self._decoder = decoder
        self._intake = intake
        self._admission = admission
        self._max_body = max_body
        self._read_timeout_s = read_timeout_s
        self._bytes = BODY_BYTES.labels("http")
        self._stored = REQUESTS.labels("http", "stored")

    @property
    def app(self) -> App:
        """For `Runtime.serve_http`."""
        return self

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the server's own start and stop."""
        if scope["type"] == "lifespan":
            while True:
                message = await receive()
                await send({"type": f"{message['type']}.complete"})
                if message["type"] == "lifespan.shutdown":
                    return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        form: Form = FORMS.get(_media_type(headers), "json")
        body = Incoming(self._admission, _length(headers), self._max_body)
        try:
            head = self._head(scope, headers, body)
            said = await self._take(head, form, body, scope, receive)
        except Gone:
            REQUESTS.labels("http", "gone").inc()
        except Refused as error:
            REQUESTS.labels("http", type(error).__name__.lower()).inc()
            retry = ((b"retry-after", str(error.retry_after_s).encode()),) if error.retry_after_s else ()
            hang_up = None if body.is_worth_skipping else scope.get("extensions", {}).get(HANG_UP)
            await answer(send, error.http, failure(error, form), CONTENT_TYPES[form], (*error.headers, *retry), hang_up=hang_up)
        else:
            self._stored.inc()
            await answer(send, 200, said, CONTENT_TYPES[form])

    def _head(self, scope: Scope, headers: MutableMapping[bytes, bytes], body: Incoming) -> _Head:
        path = str(scope["path"])
        signal = PATHS.get(path)
        if signal is None or self._decoder.stream(signal) is None:
            taken = " and ".join(f"/v1/{stream.signal}" for stream in self._decoder.streams)
            what = "Metrics are not taken here" if path == "/v1/metrics" else f"Nothing at {path[:100]}"
            message = f"{what}: this is ingester {self._decoder.name}, it takes {taken}."
            raise NotFound(message)
        if scope["method"] != "POST":
            message = f"{path} takes POST, not {scope['method']}."
            raise WrongMethod(message)
        media_type = _media_type(headers)
        if media_type not in FORMS:
            message = f"The content type is {media_type[:100] or 'missing'}: send application/x-protobuf or application/json."
            raise WrongType(message)
        encoding = ENCODINGS.get(headers.get(b"content-encoding", b"").decode("latin-1").strip().lower())
        if encoding is None:
            message = f"The content encoding is {headers[b'content-encoding'][:100].decode('latin-1')}: send identity, gzip or zstd."
            raise WrongType(message)
        if body.length is not None and body.length > self._max_body:
            raise body.oversize(body.length)
        attempt = headers.get(b"weir-attempt", b"1")
        return _Head(signal, encoding, int(attempt[:9]) if attempt.isdigit() else 1)

    async def _take(self, head: _Head, form: Form, body: Incoming, scope: Scope, receive: Receive) -> bytes:
        try:
            await body.enter()
            try:
                async with asyncio.timeout(self._read_timeout_s):
                    read = await body.read(scope, receive)
            except TimeoutError as error:
                message = f"The body did not arrive within {self._read_timeout_s:g} s."
                raise TooSlow(message) from error
            self._bytes.inc(len(read))
            if not len(read) and form == "json":
                message = "The body is empty."
                raise Broken(message)
            outcome = await self._intake.take(read, signal=head.signal, form=form, encoding=head.encoding, resent=head.attempt > 1, decoded=body.release)
            return success(outcome, head.signal, form)
        finally:
            body.leave()


def _length(headers: MutableMapping[bytes, bytes]) -> int | None:
    told = headers.get(b"content-length", b"")
    if told.isdigit():
        return int(told)
    return None if b"transfer-encoding" in headers else 0


def _media_type(headers: MutableMapping[bytes, bytes]) -> str:
    return headers.get(b"content-type", b"").decode("latin-1").partition(";")[0].strip().lower()
