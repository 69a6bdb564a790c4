"""Group commit: while one block is being stored the next one gathers, and goes as soon as the first is done.

So a request alone is stored at once, and under load blocks grow by themselves to what the store likes.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, Protocol

import weir_native

from libs.boot import get_logger
from libs.boot.metrics import QUEUE_DEPTH, QUEUE_LIMIT, ROWS_DROPPED, ROWS_DUPLICATE, ROWS_IN, ROWS_OUT
from services.ingester.errors import Broken, NotNow, Oversize, Unavailable
from services.ingester.intake import Request
from services.ingester.memory import Knowledge, Memory
from services.ingester.metrics import DECODE_SECONDS
from services.ingester.outcome import Outcome
from services.ingester.storage.writer import Fate, Fates, Writer

_INLINE_BYTES: Final = 16 << 10
"""A body so small is decoded faster than it is handed to a thread."""


class Gather(Protocol):
    """The open block: `weir_native.Gather`."""

    @property
    def rows(self) -> int:
        """Rows gathered."""

    @property
    def nbytes(self) -> int:
        """Bytes held in columns."""

    @property
    def append(self) -> Callable[..., weir_native.Appended]:
        """Decodes, tags and appends one body."""

    def take(self) -> list[weir_native.Batch]:
        """Everything gathered; empty after."""


@dataclass(slots=True)
class Limits:
    """When a block is full, and how large a body may be when it is decompressed."""

    max_rows: int
    max_bytes: int
    max_body: int


@dataclass(slots=True)
class Pipeline:
    """Decodes requests into the open block and hands full ones to the writer. `run` is its one task."""

    gather: Gather
    writer: Writer
    memory: Memory
    limits: Limits
    _waiting: deque[Request] = field(default_factory=deque)
    _gathered: list[Request] = field(default_factory=list)
    _storing: asyncio.Task[None] | None = None
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "decode"))
    _pending_rows: int = 0

    def __post_init__(self) -> None:
        """Publishes the block's bounds."""
        QUEUE_LIMIT.labels("block", "rows").set(self.limits.max_rows)
        QUEUE_DEPTH.labels("block", "rows").set_function(lambda: self._pending_rows)
        QUEUE_DEPTH.labels("decode", "requests").set_function(lambda: len(self._waiting))

    def submit(self, request: Request) -> None:
        """Takes a request in; admission has bounded how many."""
        self._waiting.append(request)
        self._wake.set()

    async def run(self) -> None:
        """Runs until cancelled; then lets go of what is not stored: nobody was told that it is."""
        try:
            while True:
                if self._gathered and self._storing is None:
                    await self._hand_over()
                elif self._waiting and not self._is_full:
                    await self._decode(self._waiting.popleft())
                else:
                    self._wake.clear()
                    await self._wake.wait()
        finally:
            if self._storing is not None:
                self._storing.cancel()
            self._thread.shutdown(wait=False, cancel_futures=True)

    @property
    def _is_full(self) -> bool:
        return self.gather.rows >= self.limits.max_rows or self.gather.nbytes >= self.limits.max_bytes

    async def _decode(self, request: Request) -> None:
        began = time.perf_counter()
        try:
            if len(request.body) <= _INLINE_BYTES and request.encoding == "identity":
                appended = self._append(request)
                await asyncio.sleep(0)
            else:
                appended = await asyncio.get_running_loop().run_in_executor(self._thread, self._append, request)
        except weir_native.TooLarge as error:
            self._refuse(request, Oversize(str(error)))
            return
        except weir_native.Malformed as error:
            self._refuse(request, Broken(str(error)))
            return
        finally:
            request.body = b""
            request.decoded()
            DECODE_SECONDS.inc(time.perf_counter() - began)
        request.rows, request.rejected = appended.rows, appended.reasons
        ROWS_IN.labels(request.stream).inc(appended.rows + appended.rejected)
        for reason, rows in appended.reasons.items():
            ROWS_DROPPED.labels(request.stream, reason).inc(rows)
        if appended.rows:
            self._pending_rows += appended.rows
            self._gathered.append(request)
        else:
            self._finish(request, None)

    def _append(self, request: Request) -> weir_native.Appended:
        return self.gather.append(
            request.body,
            signal=request.signal,
            content_type=request.form,
            encoding=request.encoding,
            batch_id=request.batch_id,
            now_us=time.time_ns() // 1000,
            max_bytes=self.limits.max_body,
        )

    async def _hand_over(self) -> None:
        batches = await asyncio.get_running_loop().run_in_executor(self._thread, self.gather.take)
        requests, self._gathered = self._gathered, []
        self._storing = asyncio.create_task(self._store(requests, batches), name="store block")
        self._storing.add_done_callback(self._stored)

    def _stored(self, task: asyncio.Task[None]) -> None:
        self._storing = None
        self._wake.set()
        if not task.cancelled() and task.exception() is not None:
            get_logger("pipeline").error("block failed", error=repr(task.exception()), exc_info=task.exception())

    async def _store(self, requests: list[Request], batches: list[weir_native.Batch]) -> None:
        try:
            fates = await self._write(requests, batches)
        except NotNow as error:
            self._give_up(requests, Unavailable(f"The store does not take these rows: {error}", retry_after_s=5))
        except BaseException:  # the batch edge: whatever it was, nobody may wait for ever
            self._give_up(requests, Unavailable("Not stored because of a failure here; it is in the log."))
            raise
        else:
            for request in requests:
                self._finish(request, fates.get(request.batch_id))
        finally:
            self._pending_rows -= sum(request.rows for request in requests)

    async def _write(self, requests: list[Request], batches: list[weir_native.Batch]) -> Fates:
        oldest: dict[int, int] = {}
        for batch in batches:
            for batch_id, _, _, oldest_s, _ in batch.shares():
                oldest[batch_id] = min(oldest_s, oldest.get(batch_id, oldest_s))
        resent = {request.batch_id for request in requests if request.resent}

        def doubt(batch_id: int) -> bool:
            return self.memory.knowledge(batch_id, oldest[batch_id], resent=batch_id in resent) is Knowledge.IN_DOUBT

        written = await asyncio.gather(*(self.writer.write(batch, doubt) for batch in batches))
        return _merged(written)

    def _finish(self, request: Request, fate: Fate | None) -> None:
        """Answers a request whose rows are stored, or were all rejected (`fate` None)."""
        rejected = Counter(request.rejected or {})
        newest_s = int(time.time())
        if fate is not None:
            newest_s = fate.newest_s
            ROWS_OUT.labels(request.stream).inc(fate.stored)
            ROWS_DUPLICATE.labels(request.stream).inc(fate.duplicate)
            for reason, rows in fate.refused.items():
                ROWS_DROPPED.labels(request.stream, reason).inc(rows)
            rejected.update(fate.refused)
        outcome = Outcome(request.rows + sum((request.rejected or {}).values()) - sum(rejected.values()), dict(rejected))
        self.memory.add(request.batch_id, newest_s, outcome)
        if not request.done.done():
            request.done.set_result(outcome)

    def _refuse(self, request: Request, error: Broken | Oversize) -> None:
        if not request.done.done():
            request.done.set_exception(error)

    def _give_up(self, requests: list[Request], error: Unavailable) -> None:
        """Some of the rows may be stored: a repeat has to ask."""
        for request in requests:
            ROWS_DROPPED.labels(request.stream, "unavailable").inc(request.rows)
            self.memory.add(request.batch_id, int(time.time()), None)
            if not request.done.done():
                request.done.set_exception(error)


def _merged(written: list[Fates]) -> Fates:
    """One fate per request out of those of each table."""
    fates: Fates = {}
    for table in written:
        for batch_id, fate in table.items():
            have = fates.get(batch_id)
            if have is None:
                fates[batch_id] = fate
                continue
            have.stored += fate.stored
            have.duplicate += fate.duplicate
            have.refused.update(fate.refused)
            have.newest_s = max(have.newest_s, fate.newest_s)
    return fates
