"""Keeps ClickHouse in step with schema tag: each change as it comes, and everything by comparison at the start and now and then."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any, Final

from libs.boot import get_logger
from libs.postgres import Database, PostgresUnavailable
from libs.tables.tag import NAME_TABLES, NameTable
from services.tagrecorder.clickhouse import Clickhouse
from services.tagrecorder.errors import ClickhouseUnavailable
from services.tagrecorder.metrics import CLICKHOUSE_FAILURES, PUSH_SECONDS, PUSHED, REPAIRED
from services.tagrecorder.names import Key, Values, compare, row_of

_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 10.0
_TABLES: Final = {table.kind: table for table in NAME_TABLES}
_CHANGED: Final = "SELECT kind, id, valid_from, valid_to, name, attributes FROM tag.tag WHERE change > $1 AND change <= $2 ORDER BY change"


class Publishing:
    """`wake` after each change. A failure of either database means: compare everything once it is back."""

    def __init__(self, database: Database, clickhouse: Clickhouse, *, compare_interval_s: float) -> None:
        self._database = database
        self._clickhouse = clickhouse
        self._compare_interval_s = compare_interval_s
        self._woken = asyncio.Event()
        self._pushed_change = 0
        self.compared_at = 0.0

    def wake(self) -> None:
        """Says that schema tag has changed."""
        self._woken.set()

    async def run(self, on_state: Callable[[str], None]) -> None:
        """Publishes for ever; `on_state` hears "" while ClickHouse takes what it is given."""
        pause = _FIRST_PAUSE_S
        while True:
            try:
                await self._everything()
                on_state("")
                pause = _FIRST_PAUSE_S
                compare_at = time.monotonic() + self._compare_interval_s
                while (left_s := compare_at - time.monotonic()) > 0:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(left_s):
                            await self._woken.wait()
                    self._woken.clear()
                    await self._changes()
            except (ClickhouseUnavailable, PostgresUnavailable) as error:
                CLICKHOUSE_FAILURES.inc()
                on_state(str(error))
                get_logger("tagrecorder").warning("names are not published now", reason=str(error))
                await asyncio.to_thread(self._clickhouse.close)
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE_S)

    async def _clock(self) -> int:
        (row,) = await self._database.fetch("SELECT change FROM tag.clock")
        return int(row["change"])

    async def _everything(self) -> None:
        await asyncio.to_thread(self._clickhouse.prepare)
        change = await self._clock()
        for table in NAME_TABLES:
            intervals = await self._database.fetch("SELECT id, valid_from, valid_to, name, attributes FROM tag.tag WHERE kind = $1", table.kind)
            wanted = dict(row_of(table, interval) for interval in intervals)
            await asyncio.to_thread(self._repair, table, wanted)
        self._pushed_change = change
        self.compared_at = time.time()

    def _repair(self, table: NameTable, wanted: dict[Key, Values]) -> None:
        repair = compare(wanted, self._clickhouse.present(table))
        if repair.write or repair.remove:
            self._clickhouse.write(table, repair.write, repair.remove)
            REPAIRED.labels(table.kind).inc(len(repair.write) + len(repair.remove))

    async def _changes(self) -> None:
        change = await self._clock()
        if change != self._pushed_change:
            with PUSH_SECONDS.time():
                await self._push(change)

    async def _push(self, change: int) -> None:
        by_kind: dict[str, list[Any]] = defaultdict(list)
        for row in await self._database.fetch(_CHANGED, self._pushed_change, change):
            by_kind[row["kind"]].append(row)
        for kind, rows in by_kind.items():
            table = _TABLES[kind]
            await asyncio.to_thread(self._clickhouse.write, table, dict(row_of(table, row) for row in rows))
            PUSHED.labels(kind).inc(len(rows))
        self._pushed_change = change
