"""Keeps schema tag in step with schema meta and the agents."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from libs.postgres import Database, unavailable
from services.tagrecorder.intervals import EPOCH, Interval, Named, Written, plan
from services.tagrecorder.metrics import INTERVALS
from services.tagrecorder.sources import SOURCES, Source

_SLACK: Final = timedelta(seconds=60)
"""A change's time is when its transaction began; so long may one last without being missed."""

_LATEST: Final = """SELECT DISTINCT ON (id) id, valid_from, valid_to, name, attributes FROM tag.tag
WHERE kind = $1 AND ($2::bigint[] IS NULL OR id = ANY($2)) ORDER BY id, valid_from DESC"""

_WRITE: Final = """INSERT INTO tag.tag (kind, id, valid_from, valid_to, name, attributes, change)
SELECT $1, id, valid_from, valid_to, name, attributes, $2 FROM jsonb_populate_recordset(NULL::tag.tag, $3)
ON CONFLICT (kind, id, valid_from) DO UPDATE SET valid_to = excluded.valid_to, name = excluded.name, attributes = excluded.attributes, change = excluded.change"""


class Recording:
    """Reads from the pool, writes on the leader's connection."""

    def __init__(self, connection: Any, database: Database, *, late_s: float, retention_days: int) -> None:  # noqa: ANN401  asyncpg's types
        self._connection = connection
        self._database = database
        self._late = timedelta(seconds=late_s)
        self._retention_days = retention_days
        self._seen_until = EPOCH

    async def changed(self) -> int:
        """Takes over what changed since the last time, everything at the first time; returns how many intervals were written."""
        now = datetime.now(UTC)
        written = 0
        for source in SOURCES:
            written += await self._kind(source, now)
        self._seen_until = now - _SLACK
        return written

    async def everything(self) -> int:
        """Compares everything, and removes names that ended long ago."""
        self._seen_until = EPOCH
        with unavailable():
            await self._connection.execute("DELETE FROM tag.tag WHERE valid_to < now() - make_interval(days => $1)", self._retention_days)
        return await self.changed()

    async def _kind(self, source: Source, now: datetime) -> int:
        rows = [_named(row) for row in await self._database.fetch(source.query, self._seen_until)]
        whole = self._seen_until == EPOCH or not source.is_incremental
        if not rows and not whole:
            return 0
        with unavailable():
            found = await self._connection.fetch(_LATEST, source.kind, None if whole else [named.id for named in rows])
            latest = {row["id"]: Interval(**row) for row in found}
            removed = latest.keys() - {named.id for named in rows} if whole else ()
            written = plan(rows, latest, now=now, late=self._late, removed=removed)
            if written:
                await self._write(source.kind, written)
        return len(written)

    async def _write(self, kind: str, written: list[Written]) -> None:
        records = [
            {
                "id": row.interval.id,
                "valid_from": row.interval.valid_from,
                "valid_to": row.interval.valid_to,
                "name": row.interval.name,
                "attributes": row.interval.attributes,
            }
            for row in written
        ]
        async with self._connection.transaction():
            change = await self._connection.fetchval("UPDATE tag.clock SET change = change + 1 RETURNING change")
            await self._connection.execute(_WRITE, kind, change, records)
        for row in written:
            INTERVALS.labels(kind, row.change).inc()


def _named(row: Any) -> Named:  # noqa: ANN401  asyncpg's Record
    own = {"id", "name", "updated_at", "deleted_at"}
    attributes = {key: 0 if value is None else value for key, value in row.items() if key not in own}
    attributes["deleted"] = int(row["deleted_at"] is not None)
    return Named(row["id"], row["name"], attributes, row["updated_at"], row["deleted_at"])
