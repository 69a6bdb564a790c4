"""uvicorn's HTTP/1.1 protocol, plus a way to hang up on a sender whose body nobody will read.

uvicorn reads the rest of such a body and throws it away, which under overload costs about as much as taking it. Closing at once is no better: the kernel
answers what is still on its way with a reset, and many a sender then never sees why it was refused. So the answer is sent, the sending half is closed, nothing
is read for a moment, and only then the connection goes: whoever looks for an early answer has it at once, and whoever writes on finds a broken pipe behind
which the answer waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HangUp = Callable[[], Awaitable[None]]
HANG_UP: Final = "weir.hang_up"
"""Key of a `HangUp` in a scope's `extensions`; to be called after the whole answer was sent with `more_body` still true."""
_LINGER_S: Final = 0.5


class Protocol(HttpToolsProtocol):
    """One connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A sender is there."""
        self._lost = asyncio.Event()
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        super().connection_lost(exc)
        self._lost.set()

    def on_message_begin(self) -> None:
        """A request begins: its scope gets the extension."""
        super().on_message_begin()
        extensions: dict[str, Any] = {HANG_UP: self._hang_up}
        self.scope["extensions"] = extensions

    async def _hang_up(self) -> None:
        if not self.transport.is_closing():
            self.flow.pause_reading()
            self.transport.write_eof()
            await asyncio.sleep(_LINGER_S)
            self.transport.abort()
        await self._lost.wait()
