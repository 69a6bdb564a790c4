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
from services.ingester.errors import Broken, NotFound, Overloaded, Oversize, Refused, TooSlow, WrongMethod, WrongType
from services.ingester.intake import Intake
from services.ingester.metrics import BODY_BYTES, REQUESTS

PATHS: Final[dict[str, Signal]] = {"/v1/traces": "traces", "/v1/logs": "logs"}
_UNTOLD: Final = 64 << 10
"""Room taken at first for a body whose length is not told."""
_SKIPPED: Final = 1 << 20
"""So much of a refused body is read and thrown away for the sake of the connection; where more is left, the connection ends."""


class Gone(Exception):  # noqa: N818  the sender is gone; nobody is left to answer
    """The sender hung up before its body was complete."""


@dataclass(slots=True)
class _Progress:
    """How much of a body has been read."""

    length: int | None
    received: int = 0
    complete: bool = False

    @property
    def is_worth_skipping(self) -> bool:
        """Whether what is left of it is known and little."""
        return self.complete or (self.length is not None and self.length - self.received <= _SKIPPED)


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
        progress = _Progress(_length(headers))
        try:
            head = self._head(scope, headers, progress.length)
            body = await self._take(head, form, receive, progress)
        except Gone:
            REQUESTS.labels("http", "gone").inc()
        except Refused as error:
            REQUESTS.labels("http", type(error).__name__.lower()).inc()
            retry = ((b"retry-after", str(error.retry_after_s).encode()),) if error.retry_after_s else ()
            hang_up = None if progress.is_worth_skipping else scope.get("extensions", {}).get(HANG_UP)
            await answer(send, error.http, failure(error, form), CONTENT_TYPES[form], (*error.headers, *retry), hang_up=hang_up)
        else:
            self._stored.inc()
            await answer(send, 200, body, CONTENT_TYPES[form])

    def _head(self, scope: Scope, headers: MutableMapping[bytes, bytes], length: int | None) -> _Head:
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
        if length is not None and length > self._max_body:
            raise self._oversize(length)
        attempt = headers.get(b"weir-attempt", b"1")
        return _Head(signal, encoding, int(attempt[:9]) if attempt.isdigit() else 1)

    async def _take(self, head: _Head, form: Form, receive: Receive, progress: _Progress) -> bytes:
        held = progress.length if progress.length is not None else _UNTOLD
        await self._admission.enter(held)
        holding = _Holding(self._admission, held)
        try:
            try:
                async with asyncio.timeout(self._read_timeout_s):
                    body = await self._read(receive, holding, progress)
            except TimeoutError as error:
                message = f"The body did not arrive within {self._read_timeout_s:g} s."
                raise TooSlow(message) from error
            self._bytes.inc(len(body))
            if not body and form == "json":
                message = "The body is empty."
                raise Broken(message)
            outcome = await self._intake.take(body, signal=head.signal, form=form, encoding=head.encoding, resent=head.attempt > 1, decoded=holding.release)
            return success(outcome, head.signal, form)
        finally:
            holding.leave()

    async def _read(self, receive: Receive, holding: _Holding, progress: _Progress) -> bytes:
        chunks: list[bytes] = []
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Gone
            chunk: bytes = message.get("body", b"")
            if chunk:
                chunks.append(chunk)
                size = progress.received = progress.received + len(chunk)
                if size > self._max_body:
                    raise self._oversize(size)
                if size > holding.held and not holding.grow(max(size - holding.held, _UNTOLD)):
                    text = "No room for the rest of this body: come back later, and tell its length."
                    raise Overloaded(text)
            if not message.get("more_body", False):
                progress.complete = True
                return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def _oversize(self, size: int) -> Oversize:
        message = f"The body has {size} bytes or more; at most {self._max_body} are taken: send less at once."
        return Oversize(message)


class _Holding:
    """The room that one request has."""

    __slots__ = ("_admission", "held")

    def __init__(self, admission: Admission, held: int) -> None:
        self._admission = admission
        self.held = held

    def grow(self, size: int) -> bool:
        if self._admission.grow(size):
            self.held += size
            return True
        return False

    def release(self) -> None:
        """The body is decoded and gone."""
        self._admission.release(self.held)
        self.held = 0

    def leave(self) -> None:
        self._admission.leave(self.held)
        self.held = 0


def _length(headers: MutableMapping[bytes, bytes]) -> int | None:
    told = headers.get(b"content-length", b"")
    if told.isdigit():
        return int(told)
    return None if b"transfer-encoding" in headers else 0


def _media_type(headers: MutableMapping[bytes, bytes]) -> str:
    return headers.get(b"content-type", b"").decode("latin-1").partition(";")[0].strip().lower()
