"""Where both edges meet: a body comes in, its outcome goes out when its rows are stored."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from dataclasses import dataclass

import weir_native

from libs.boot.metrics import ROWS_DUPLICATE, ROWS_IN
from services.ingester.decoders import Decoder, Signal
from services.ingester.edge.answers import Form
from services.ingester.errors import Unavailable
from services.ingester.memory import Memory
from services.ingester.outcome import Outcome


@dataclass(slots=True)
class Request:
    """A request on its way. `body` is let go of when it is decoded."""

    batch_id: int
    body: bytes | weir_native.RequestBody
    signal: Signal
    form: Form
    encoding: str
    resent: bool
    stream: str
    decoded: Callable[[], None]
    done: asyncio.Future[Outcome]
    rows: int = 0
    rejected: dict[str, int] | None = None


class Intake:
    """Recognises repeats, hands everything else to the pipeline, and waits for the outcome."""

    def __init__(self, decoder: Decoder, memory: Memory, submit: Callable[[Request], None], *, answer_timeout_s: float) -> None:
        self._streams = {stream.signal: stream.name for stream in decoder.streams}
        self._memory = memory
        self._submit = submit
        self._timeout_s = answer_timeout_s
        self._inside: dict[int, asyncio.Future[Outcome]] = {}

    async def take(
        self, body: bytes | weir_native.RequestBody, *, signal: Signal, form: Form, encoding: str, resent: bool, decoded: Callable[[], None]
    ) -> Outcome:
        """Stores one export request; returns when it is stored, once, however often it was sent.

        `decoded` is called when the body is not held any more. Raises Refused; Unavailable means that the rows may be stored
        later all the same: the repeat will find them.
        """
        batch_id = weir_native.batch_hash(body)
        stream = self._streams[signal]
        stored = self._memory.stored(batch_id)
        if stored is not None:
            self._count_duplicate(stream, stored.rows)
            return Outcome(stored.rows, stored.rejected, duplicate=True)
        inside = self._inside.get(batch_id)
        if inside is not None:
            outcome = await self._wait(inside)
            self._count_duplicate(stream, outcome.rows)
            return Outcome(outcome.rows, outcome.rejected, duplicate=True)
        done: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._inside[batch_id] = done
        done.add_done_callback(functools.partial(self._answered, batch_id))
        self._submit(Request(batch_id, body, signal, form, encoding, resent, stream, decoded, done))
        del body
        return await self._wait(done)

    async def _wait(self, done: asyncio.Future[Outcome]) -> Outcome:
        """Waits beside others: nobody's time-out or hanging up takes the request from the pipeline."""
        await asyncio.wait((done,), timeout=self._timeout_s)
        if not done.done():
            message = f"Not stored within {self._timeout_s:g} s: send it again, it will not be stored twice."
            raise Unavailable(message)
        return done.result()

    def _answered(self, batch_id: int, done: asyncio.Future[Outcome]) -> None:
        del self._inside[batch_id]
        if not done.cancelled():
            done.exception()  # nobody may be left to look at it

    def _count_duplicate(self, stream: str, rows: int) -> None:
        ROWS_IN.labels(stream).inc(rows)
        ROWS_DUPLICATE.labels(stream).inc(rows)
