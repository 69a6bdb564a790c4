"""Sends a spool's items to one ingester, several at once, until each is acknowledged, refused or dropped."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from agent.backoff import Backoff
from agent.metrics import REQUESTS, SENT_BYTES, count_dropped
from agent.send.halves import halves
from agent.send.item import Item
from agent.send.outcome import Delivered, Later, Outcome, Refused, TooLarge, judge
from agent.send.spool import Spool
from libs.boot import get_logger
from libs.boot.metrics import QUEUE_DEPTH, QUEUE_LIMIT, ROWS_OUT

SUSPECT_ATTEMPTS: Final = 5
"""A body that the ingester answers with an error this often, while it takes others, is dropped: it would block them for ever."""
_SPILL_AFTER_S: Final = 2.0


@dataclass(slots=True)
class _Suspicion:
    """A body that met an error which may be its own fault."""

    attempts: int = 1
    delivered_before: int = 0
    not_before: float = 0.0
    on_its_way: bool = False


@dataclass(slots=True)
class Sender:
    """One ingester's sender. `url` may change while it runs; without one everything waits in the spool."""

    decoder: str
    spool: Spool
    client: httpx.AsyncClient
    url: str = ""
    in_flight: int = 3
    timeout_s: float = 10.0
    backoff: Backoff = field(default_factory=lambda: Backoff(0.25, 10.0))
    last_failure: str = ""
    """Why the last attempt failed, empty while attempts succeed."""
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _open_at: float = 0.0
    _delivered: int = 0
    _aside: dict[Item, _Suspicion] = field(default_factory=dict)
    _posting: int = 0

    def put(self, item: Item) -> None:
        """Takes over `item`."""
        self.spool.put(item)
        self._news.set()

    def direct(self, url: str, timeout_s: float) -> None:
        """Sends to `url` (without the path) from now on."""
        if url != self.url:
            self._open_at = 0.0
            self.backoff.succeeded()
        self.url, self.timeout_s = url, timeout_s
        self._news.set()

    async def run(self) -> None:
        """Sends until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self.in_flight):
                group.create_task(self._work())
            group.create_task(self._keep())

    async def drained(self, timeout_s: float) -> bool:
        """Waits until nothing is left; False where that takes longer."""
        deadline = time.monotonic() + timeout_s
        while self.spool.count and time.monotonic() < deadline:  # noqa: ASYNC110  only at a stop and at the end of a replay
            await asyncio.sleep(0.02)
        return self.spool.count == 0

    def observe(self) -> None:
        """From now on the metrics show this queue as it is when they are asked for."""
        queue, spool = f"spool.{self.decoder}", self.spool
        QUEUE_DEPTH.labels(queue, "rows").set_function(lambda: spool.rows.total())  # noqa: PLW0108  the Counter is a new one each time
        QUEUE_DEPTH.labels(queue, "batches").set_function(lambda: spool.count)
        QUEUE_DEPTH.labels(queue, "bytes").set_function(lambda: spool.memory_bytes + spool.disk_bytes)
        QUEUE_LIMIT.labels(queue, "bytes").set_function(lambda: spool.memory_bound_bytes + spool.disk_bound_bytes)

    async def _keep(self) -> None:
        """Once a second, if there is anything: old items go to disk."""
        while True:
            await asyncio.sleep(1.0)
            if self.spool.memory_bytes:
                self.spool.spill(created_before_ms=int((time.time() - _SPILL_AFTER_S) * 1000))

    async def _work(self) -> None:
        while True:
            now = time.monotonic()
            item = self._next(now)
            if item is None:
                await self._wait(now)
                continue
            self._posting += 1
            try:
                outcome = await self._post(item)
            except BaseException:
                item.sent += 1
                self.spool.give_back(item)
                raise
            finally:
                self._posting -= 1
            self._apply(item, outcome)
            self._news.set()

    def _next(self, now: float) -> Item | None:
        if not self.url or now < self._open_at:
            return None
        if self.last_failure and self._posting:
            return None  # one probe at a time until the ingester is back
        for item, suspicion in self._aside.items():
            if not suspicion.on_its_way and suspicion.not_before <= now:
                suspicion.on_its_way = True
                return item
        return self.spool.take()

    async def _wait(self, now: float) -> None:
        """Until there is news, or until something is due that was not at `now`."""
        self._news.clear()
        due = [self._open_at, *(suspicion.not_before for suspicion in self._aside.values() if not suspicion.on_its_way)]
        nearest = min((at - now for at in due if at > now), default=None)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(nearest):
                await self._news.wait()

    async def _post(self, item: Item) -> Outcome:
        headers = {"content-type": "application/x-protobuf"}
        if item.encoding != "identity":
            headers["content-encoding"] = item.encoding
        if item.sent:
            headers["weir-attempt"] = str(item.sent + 1)
        try:
            answer = await self.client.post(f"{self.url}/v1/{item.signal}", content=item.body, headers=headers, timeout=self.timeout_s)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.InvalidURL) as error:
            return Later(f"unreachable ({error or type(error).__name__})", may_be_stored=False)
        except httpx.TimeoutException:
            return Later("timeout")
        except httpx.TransportError as error:
            return Later(f"unreachable ({error or type(error).__name__})")
        return judge(answer.status_code, answer.content, answer.headers.get("retry-after"))

    def _apply(self, item: Item, outcome: Outcome) -> None:
        REQUESTS.labels(self.decoder, type(outcome).__name__.lower()).inc()
        match outcome:
            case Delivered(partial):
                self._settle(item)
                self._count_delivered(item, min(partial.rejected, item.row_count), partial.message)
            case Refused(reason, message):
                self._settle(item)
                count_dropped(item.rows, reason)
                self._log().warning("the ingester refused a batch", decoder=self.decoder, rows=item.row_count, reason=reason, message=message)
            case TooLarge():
                self._halve(item)
            case Later():
                self._postpone(item, outcome)
        if not isinstance(outcome, Later):
            if self.last_failure:
                self._log().info("the ingester is back", decoder=self.decoder, waiting=self.spool.count)
            self.last_failure = ""
            self._open_at = 0.0
            self.backoff.succeeded()

    def _settle(self, item: Item) -> None:
        self._aside.pop(item, None)
        self.spool.settle(item)

    def _count_delivered(self, item: Item, rejected: int, message: str) -> None:
        self._delivered += 1
        SENT_BYTES.labels(self.decoder).inc(len(item.body))
        for stream, rows in sorted(item.rows.items(), key=lambda pair: -pair[1]):
            lost = min(rejected, rows)
            rejected -= lost
            ROWS_OUT.labels(stream).inc(rows - lost)
            if lost:
                count_dropped({stream: lost}, "rejected")
                self._log().warning("the ingester rejected rows", decoder=self.decoder, stream=stream, rows=lost, message=message)

    def _postpone(self, item: Item, outcome: Later) -> None:
        item.sent += outcome.may_be_stored
        wait_s = self.backoff.failed()
        if outcome.after_s is not None:
            wait_s = outcome.after_s
        self._open_at = max(self._open_at, time.monotonic() + wait_s)
        if not self.last_failure:
            self._log().warning("the ingester does not take batches; they wait", decoder=self.decoder, reason=outcome.reason, again_in_s=round(wait_s, 2))
        self.last_failure = outcome.reason
        if not outcome.suspects_body:
            self._aside.pop(item, None)
            self.spool.give_back(item)
            return
        self._suspect(item, outcome.reason, wait_s)

    def _suspect(self, item: Item, reason: str, wait_s: float) -> None:
        suspicion = self._aside.get(item)
        if suspicion is None:
            if len(self._aside) >= self.in_flight * 4:
                self.spool.give_back(item)
                return
            suspicion = self._aside[item] = _Suspicion()
        elif self._delivered > suspicion.delivered_before:
            suspicion.attempts += 1
        suspicion.delivered_before = self._delivered
        suspicion.not_before = time.monotonic() + wait_s * 2
        suspicion.on_its_way = False
        if suspicion.attempts >= SUSPECT_ATTEMPTS:
            self._settle(item)
            count_dropped(item.rows, reason)
            self._log().warning("the ingester cannot digest a batch; it is dropped", decoder=self.decoder, rows=item.row_count, reason=reason)

    def _halve(self, item: Item) -> None:
        """Cuts a body that is too large for the ingester; one row that is too large alone is dropped."""
        parts = halves(item)
        if parts is None:
            self._settle(item)
            count_dropped(item.rows, "http_413")
            return
        self._aside.pop(item, None)
        self.spool.replace(item, parts)

    def _log(self) -> Any:  # noqa: ANN401  structlog
        return get_logger("agent.send")
