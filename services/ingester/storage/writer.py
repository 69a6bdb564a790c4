"""Writes finished batches: each row once, each refusal to the request it belongs to.

Retrying is the writer's business, for as long as it takes: a batch that was given to it is never given up because the store is
away, so nothing that may be stored later is forgotten. Whoever waits for it has a time limit of his own.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeVar

from weir_native import Batch

from libs.boot import StartError, get_logger
from services.ingester.errors import InDoubt, NotNow, Rejected, StoreError
from services.ingester.metrics import INSERT_BYTES, INSERT_FAILURES, INSERT_ROWS, INSERT_SECONDS, STORE_CHECKS

NO_TABLE: Final = frozenset((16, 47, 60, 81))
"""Codes of ClickHouse for a database, table or column that is not there."""
FIRST_PAUSE_S: Final = 0.2
LONGEST_PAUSE_S: Final = 3.0
MAX_SPLITS: Final = 64
"""Inserts spent on finding the bad rows of one request; what is then still together is refused together."""


@dataclass(slots=True)
class Fate:
    """What became of the rows of one request."""

    stored: int = 0
    duplicate: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    oldest_s: int = 0
    newest_s: int = 0


T = TypeVar("T")

Fates = dict[int, Fate]
"""By batch id."""
Doubt = Callable[[int], bool]
"""Whether the request of that batch id may be in the store already."""


class Sink(Protocol):
    """Where rows go in the end. Blocks; called in threads."""

    def insert(self, batch: Batch, token: str) -> int:
        """Stores a batch; returns the bytes sent. Raises StoreError."""

    def stored(self, batch: Batch, batch_ids: list[int]) -> dict[tuple[int, int], int]:
        """Rows that the batch's table has of these requests, by (batch id, day)."""

    def forget(self, batch: Batch, shares: list[tuple[int, int]]) -> None:
        """Deletes the rows of these shares from the batch's table."""

    def repair(self) -> None:
        """Makes tables and columns that somebody took away while they were in use."""


@dataclass(slots=True)
class Trouble:
    """Why the store does not take rows, and since when (monotonic seconds)."""

    reason: str = ""
    since: float = 0.0

    def starts(self, reason: str) -> None:
        """Something failed."""
        if not self.reason:
            self.since = time.monotonic()
        self.reason = reason

    def ends(self) -> None:
        """Something worked."""
        self.reason = ""

    @property
    def lasts_s(self) -> float:
        """Seconds since it began, 0 where there is none."""
        return time.monotonic() - self.since if self.reason else 0.0


class Writer:
    """Writes batches through a sink, in threads."""

    def __init__(self, sink: Sink, *, threads: int = 4) -> None:
        self._sink = sink
        self._threads = ThreadPoolExecutor(threads, "insert")
        self._prefix = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self._count = 0
        self.trouble = Trouble()

    def close(self) -> None:
        """Waits for nothing."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def write(self, batch: Batch, doubt: Doubt) -> Fates:
        """Stores every row of `batch` that is not stored yet and that the store takes; returns when that is done.

        Raises NotNow only where the store refused every row and did not clearly blame the rows.
        """
        began = time.monotonic()
        shares = batch.shares()
        fates: Fates = {}
        for batch_id, _, rows, oldest, newest in shares:
            fate = fates.setdefault(batch_id, Fate(oldest_s=oldest))
            fate.stored += rows
            fate.oldest_s, fate.newest_s = min(fate.oldest_s, oldest), max(fate.newest_s, newest)
        doubtful = [batch_id for batch_id in fates if doubt(batch_id)]
        table, rows = batch.table, batch.rows
        if doubtful:
            batch, there = await self._missing(batch, doubtful)
            for batch_id, count in there.items():
                fates[batch_id].stored -= count
                fates[batch_id].duplicate += count
        if batch.rows:
            await self._insert_or_refuse(batch, fates)
        INSERT_SECONDS.labels(table).observe(time.monotonic() - began)
        INSERT_ROWS.labels(table).observe(rows)
        return fates

    async def _missing(self, batch: Batch, batch_ids: list[int]) -> tuple[Batch, dict[int, int]]:
        """The part of `batch` that is not stored yet, and how many rows of each request are."""
        have = await self._until_it_works(lambda: self._sink.stored(batch, batch_ids), batch.table)
        whole: list[tuple[int, int]] = []
        half: list[tuple[int, int]] = []
        there: Counter[int] = Counter()
        for batch_id, day, rows, _, _ in batch.shares():
            stored = have.get((batch_id, day), 0)
            if stored >= rows:
                whole.append((batch_id, day))
                there[batch_id] += rows
            elif stored:
                # Only where a process died while it looked for a bad row: a share is stored whole otherwise.
                half.append((batch_id, day))
        STORE_CHECKS.labels("there" if whole else "half" if half else "missing").inc()
        if half:
            await self._until_it_works(lambda: self._sink.forget(batch, half), batch.table)
        return (batch.without(whole) if whole else batch), dict(there)

    async def _insert_or_refuse(self, batch: Batch, fates: Fates) -> None:
        parts = [batch]
        splits: Counter[int] = Counter()
        refused: list[tuple[Batch, Rejected]] = []
        accepted = False
        while parts:
            part = parts.pop()
            try:
                await self._insert(part)
                accepted = True
            except Rejected as error:
                batch_id = part.shares()[0][0]
                splits[batch_id] += 1
                if part.rows == 1 or splits[batch_id] > MAX_SPLITS:
                    refused.append((part, error))
                else:
                    parts.extend(_halves(part))
        if refused and not accepted and not any(refusal.certain for _, refusal in refused):
            raise NotNow(str(refused[0][1]), refused[0][1].code)
        for part, refusal in refused:
            for batch_id, _, rows, _, _ in part.shares():
                fates[batch_id].stored -= rows
                fates[batch_id].refused[f"refused_by_store_code_{refusal.code}"] += rows
        if refused:
            rows = sum(part.rows for part, _ in refused)
            get_logger("writer").warning("rows refused by the store", table=batch.table, rows=rows, reason=str(refused[0][1])[:500])

    async def _insert(self, batch: Batch) -> None:
        """Inserts until the store has it. Raises Rejected."""
        token = self._token()
        in_doubt = False
        for pause in _pauses():
            try:
                sent = await self._run(lambda token=token: self._sink.insert(batch, token))  # type: ignore[misc]
            except Rejected:
                INSERT_FAILURES.labels(batch.table, "rejected").inc()
                self.trouble.ends()
                raise
            except (NotNow, InDoubt) as error:
                in_doubt = in_doubt or isinstance(error, InDoubt) or bool(error.code)
                INSERT_FAILURES.labels(batch.table, type(error).__name__.lower()).inc()
                self._failed(error)
                if error.code in NO_TABLE:
                    await self._repair()
            else:
                self.trouble.ends()
                INSERT_BYTES.labels(batch.table).inc(sent)
                if in_doubt:
                    await self._verify(batch)
                return
            await asyncio.sleep(pause)

    async def _repair(self) -> None:
        try:
            await self._run(self._sink.repair)
        except (StoreError, StartError) as error:
            self.trouble.starts(str(error))

    async def _verify(self, batch: Batch) -> None:
        """After a lost answer: the token says that nothing is twice, this says that nothing is missing."""
        missing, _ = await self._missing(batch, list({share[0] for share in batch.shares()}))
        if missing.rows:
            get_logger("writer").warning("rows missing after a lost answer", table=batch.table, rows=missing.rows)
            await self._insert(missing)

    async def _until_it_works(self, ask: Callable[[], T], table: str) -> T:
        for pause in _pauses():
            try:
                answer = await self._run(ask)
            except StoreError as error:
                INSERT_FAILURES.labels(table, "check").inc()
                self._failed(error)
                await asyncio.sleep(pause)
            else:
                self.trouble.ends()
                return answer
        raise AssertionError  # pauses never end

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _failed(self, error: StoreError) -> None:
        if not self.trouble.reason:
            get_logger("writer").warning("the store does not take rows", reason=str(error)[:500], code=error.code)
        self.trouble.starts(f"The store does not take rows: {str(error)[:300]}")

    def _token(self) -> str:
        self._count += 1
        return f"{self._prefix}-{self._count}"


def _halves(batch: Batch) -> Iterator[Batch]:
    """Two parts: between requests where there are several, else between rows."""
    shares = batch.shares()
    ids = list(dict.fromkeys(share[0] for share in shares))
    if len(ids) > 1:
        first = set(ids[: len(ids) // 2])
        yield batch.without([(share[0], share[1]) for share in shares if share[0] not in first])
        yield batch.without([(share[0], share[1]) for share in shares if share[0] in first])
    else:
        middle = batch.rows // 2
        yield batch.slice(0, middle)
        yield batch.slice(middle, batch.rows)


def _pauses() -> Iterator[float]:
    pause = FIRST_PAUSE_S
    while True:
        yield pause
        pause = min(pause * 2, LONGEST_PAUSE_S)
