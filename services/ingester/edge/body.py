"""A request's body on its way in, and the room it has."""

from __future__ import annotations

from typing import Final

from weir_native import RequestBody

from libs.boot.observe import Receive, Scope
from libs.boot.protocol import READ_BODY, ReadBody
from services.ingester.admission import Admission
from services.ingester.errors import Overloaded, Oversize, Refused

_UNTOLD: Final = 64 << 10
"""Room taken at first for a body whose length is not told."""
_SKIPPED: Final = 1 << 20
"""So much of a refused body is read and thrown away for the sake of the connection; where more is left, the connection ends."""


class Gone(Exception):  # noqa: N818  the sender is gone; nobody is left to answer
    """The sender hung up before its body was complete."""


class Incoming:
    """One body. `enter` before it is read, `leave` when its request is answered."""

    def __init__(self, admission: Admission, length: int | None, max_body: int) -> None:
        self.length = length
        """As declared, None where it is not."""
        self._admission = admission
        self._max_body = max_body
        self._held = 0
        self._is_inside = False
        self._is_complete = False
        self._refusal: Refused | None = None
        self._bytes: RequestBody | None = None

    @property
    def is_worth_skipping(self) -> bool:
        """Whether what was not read of it is known and little."""
        received = 0 if self._bytes is None else len(self._bytes)
        return self._is_complete or (self.length is not None and self.length - received <= _SKIPPED)

    def oversize(self, size: int) -> Oversize:
        """What to say to a body of `size` bytes."""
        message = f"The body has {size} bytes or more; at most {self._max_body} are taken: send less at once."
        return Oversize(message)

    async def enter(self) -> None:
        """Waits for room. Raises Refused."""
        size = self.length if self.length is not None else _UNTOLD
        await self._admission.enter(size)
        self._held, self._is_inside = size, True

    async def read(self, scope: Scope, receive: Receive) -> RequestBody:
        """All of it. Raises Gone or Refused."""
        body = self._bytes = RequestBody(self.length or 0)
        read: ReadBody | None = scope.get("extensions", {}).get(READ_BODY)
        if read is not None:
            self._is_complete = await read(self._take)
        else:
            await self._receive(receive)
        if self._refusal is not None:
            raise self._refusal
        if not self._is_complete:
            raise Gone
        return body

    def release(self) -> None:
        """The body is decoded and gone."""
        self._admission.release(self._held)
        self._held = 0

    def leave(self) -> None:
        """The request is answered."""
        if self._is_inside:
            self._admission.leave(self._held)
            self._held, self._is_inside = 0, False

    async def _receive(self, receive: Receive) -> None:
        """The way of any ASGI server."""
        while not self._is_complete:
            message = await receive()
            if message["type"] == "http.disconnect" or not self._take(message.get("body", b"")):
                return
            self._is_complete = not message.get("more_body", False)

    def _take(self, piece: bytes) -> bool:
        if not piece or self._bytes is None:
            return True
        size = len(self._bytes) + len(piece)
        if size > self._max_body:
            self._refusal = self.oversize(size)
        elif size > self._held and not self._grow(max(size - self._held, _UNTOLD)):
            self._refusal = Overloaded("No room for the rest of this body: come back later, and tell its length.")
        else:
            self._bytes.push(piece)
            return True
        return False

    def _grow(self, size: int) -> bool:
        if self._admission.grow(size):
            self._held += size
            return True
        return False
