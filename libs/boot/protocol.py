"""uvicorn's HTTP/1.1 protocol, plus two things for large bodies: reading one straight to where it stays, and hanging up on its sender.

Through ASGI a body is copied four times, and its connection stopped and started for every 64 KiB. So an application may give a function that takes each piece as it
comes.

uvicorn reads the rest of such a body and throws it away, which under overload costs about as much as taking it. Closing at once is no better: the kernel
answers what is still on its way with a reset, and many a sender then never sees why it was refused. So the answer is sent, the sending half is closed, nothing
is read for a moment, and only then the connection goes: whoever looks for an early answer has it at once, and whoever writes on finds a broken pipe behind
which the answer waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

HangUp = Callable[[], Awaitable[None]]
HANG_UP: Final = "weir.hang_up"
"""Key of a `HangUp` in a scope's `extensions`; to be called after the whole answer was sent with `more_body` still true."""
_LINGER_S: Final = 0.5
Take = Callable[[bytes], bool]
"""Takes a piece of a body; False ends the reading."""
ReadBody = Callable[[Take], Awaitable[bool]]
READ_BODY: Final = "weir.read_body"
"""Key of a `ReadBody` in a scope's `extensions`: reads what is left of the body; whether it came to its end. False too where the sender is gone."""


class Protocol(HttpToolsProtocol):
    """One connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A sender is there."""
        self._lost = asyncio.Event()
        self._taker: tuple[RequestResponseCycle, Take] | None = None
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        super().connection_lost(exc)
        self._lost.set()

    def on_message_begin(self) -> None:
        """A request begins: its scope gets the extension."""
        super().on_message_begin()
        extensions: dict[str, Any] = {HANG_UP: self._hang_up, READ_BODY: self._read_body}
        self.scope["extensions"] = extensions

    def on_headers_complete(self) -> None:
        """The application may look at the head before the body is read: a body that waits for its turn waits in the network."""
        super().on_headers_complete()
        if any(name == b"transfer-encoding" or (name == b"content-length" and value != b"0") for name, value in self.headers):
            self.flow.pause_reading()

    def on_body(self, body: bytes) -> None:
        """A piece of the body of the request that is being read."""
        if self._taker is None or self._taker[0] is not self.cycle:
            super().on_body(body)
        elif not self._taker[1](body):
            self._taker = None
            self.flow.pause_reading()
            self.cycle.message_event.set()

    async def _read_body(self, take: Take) -> bool:
        cycle = self.cycle
        if cycle.waiting_for_100_continue and not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            cycle.waiting_for_100_continue = False
        if cycle.body:
            early, cycle.body = bytes(cycle.body), bytearray()
            if not take(early):
                return False
        self._taker = (cycle, take)
        self.flow.resume_reading()
        try:
            while cycle.more_body and not cycle.disconnected and self._taker is not None:
                cycle.message_event.clear()
                await cycle.message_event.wait()
            return not cycle.more_body
        finally:
            self._taker = None

    async def _hang_up(self) -> None:
        if not self.transport.is_closing():
            self.flow.pause_reading()
            self.cycle.body = bytearray()  # what had come of it already
            self.transport.write_eof()
            await asyncio.sleep(_LINGER_S)
            self.transport.abort()
        await self._lost.wait()
