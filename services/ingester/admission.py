"""How much may be inside at once. Room is asked for before a body is read; who finds none waits unread, and who may not wait is refused.

A sender that waits costs a socket and what came with its head, at most 256 KiB: the rest stays in the network's own buffers, which is
the back-pressure TCP was made for. Only when that is not enough is a request refused, with a time to come back.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from libs.boot.metrics import QUEUE_DEPTH, QUEUE_DROPPED, QUEUE_LIMIT
from services.ingester.errors import Overloaded, Refused


@dataclass(slots=True)
class _Waiter:
    size: int
    admitted: asyncio.Future[None]


class Admission:
    """Bounds on the requests inside and on the bytes of their bodies; first come, first served."""

    def __init__(self, *, max_bytes: int, max_requests: int, max_queued: int, queue_wait_s: float, closed: Callable[[], Refused | None]) -> None:
        self._max_bytes = max_bytes
        self._max_requests = max_requests
        self._max_queued = max_queued
        self._wait_s = queue_wait_s
        self._closed = closed
        self.bytes = 0
        self.requests = 0
        self._queue: deque[_Waiter] = deque()
        for unit, limit in (("bytes", max_bytes), ("requests", max_requests)):
            QUEUE_LIMIT.labels("admitted", unit).set(limit)
        QUEUE_LIMIT.labels("unread", "requests").set(max_queued)
        QUEUE_DEPTH.labels("admitted", "bytes").set_function(lambda: self.bytes)
        QUEUE_DEPTH.labels("admitted", "requests").set_function(lambda: self.requests)
        QUEUE_DEPTH.labels("unread", "requests").set_function(lambda: len(self._queue))

    def enter_at_once(self, size: int) -> bool:
        """Admits a request of `size` body bytes where there is room and nobody waits; raises the reason where nothing is taken at all."""
        closed = self._closed()
        if closed is not None:
            QUEUE_DROPPED.labels("admitted", "closed").inc()
            raise closed
        if self._queue or not self._fits(size):
            return False
        self.bytes += size
        self.requests += 1
        return True

    async def enter(self, size: int) -> None:
        """Admits a request of `size` body bytes, after a wait where it must. Raises Overloaded or what `closed` says."""
        if self.enter_at_once(size):
            return
        if len(self._queue) >= self._max_queued:
            QUEUE_DROPPED.labels("unread", "full").inc()
            message = f"{self.requests} requests with {self.bytes} bytes are being stored and {len(self._queue)} wait: come back later."
            raise Overloaded(message)
        waiter = _Waiter(size, asyncio.get_running_loop().create_future())
        self._queue.append(waiter)
        try:
            async with asyncio.timeout(self._wait_s):
                await asyncio.shield(waiter.admitted)
        except BaseException as error:
            if waiter.admitted.done() and not waiter.admitted.cancelled() and waiter.admitted.exception() is None:
                if isinstance(error, TimeoutError):
                    return
                self.leave(size)
                raise
            waiter.admitted.cancel()
            self._queue.remove(waiter)
            if isinstance(error, TimeoutError):
                QUEUE_DROPPED.labels("unread", "waited").inc()
                message = f"No room for {self._wait_s:g} s: {self.requests} requests with {self.bytes} bytes are being stored. Come back later."
                raise Overloaded(message) from error
            raise
        closed = self._closed()
        if closed is not None:
            self.leave(size)
            raise closed

    def grow(self, size: int) -> bool:
        """Takes room for `size` more bytes of a request that is inside (its length was not told); false where there is none."""
        if self.bytes + size > self._max_bytes and self.requests > 1:
            QUEUE_DROPPED.labels("admitted", "grown").inc()
            return False
        self.bytes += size
        return True

    def release(self, size: int) -> None:
        """Gives back bytes of a request whose body is not held any more."""
        self.bytes -= size
        self._admit()

    def leave(self, size: int) -> None:
        """A request is answered; `size` is what it has not given back yet."""
        self.bytes -= size
        self.requests -= 1
        self._admit()

    def _fits(self, size: int) -> bool:
        return self.requests < self._max_requests and (self.bytes + size <= self._max_bytes or self.bytes == 0)

    def _admit(self) -> None:
        while self._queue and self._fits(self._queue[0].size):
            waiter = self._queue.popleft()
            self.bytes += waiter.size
            self.requests += 1
            waiter.admitted.set_result(None)
