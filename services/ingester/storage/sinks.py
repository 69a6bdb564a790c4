"""Where rows go: ClickHouse, or nowhere."""

from __future__ import annotations

import socket
from typing import Final

from weir_native import Batch

from libs.tables import table as declared
from services.ingester.decoders import Decoder
from services.ingester.storage.client import Store
from services.ingester.storage.schema import prepare

SECONDS_A_DAY: Final = 86_400


def query_prefix(decoder: str) -> str:
    """What the ids of this machine's inserts begin with, so that a new process finds those of the one before it."""
    return f"weir-ingester-{decoder}-{socket.gethostname()}-"


class ClickHouse:
    """Native blocks over HTTP. See `writer.Sink`."""

    def __init__(self, store: Store, decoder: Decoder, retention_days: dict[str, int], *, compress: bool) -> None:
        self._store = store
        self._tables = decoder.tables
        self._retention_days = retention_days
        self._prefix = query_prefix(decoder.name)
        self._compress = compress

    def repair(self) -> None:
        """Makes what is missing of the decoder's tables."""
        prepare(self._store, self._tables, self._retention_days)

    def insert(self, batch: Batch, token: str) -> int:
        """Stores a batch under `token`."""
        block = batch.to_native("lz4" if self._compress else "none")
        self._store.insert(
            declared(batch.table).sql_name,
            batch.native_columns(),
            block,
            token=token,
            query_id=self._prefix + token,
            compressed=self._compress,
        )
        return len(block)

    def stored(self, batch: Batch, batch_ids: list[int]) -> dict[tuple[int, int], int]:
        """Rows that are there, by (batch id, day). A repeat has the same times, so only those are looked at."""
        wanted = set(batch_ids)
        shares = [share for share in batch.shares() if share[0] in wanted]
        oldest, newest = min(share[3] for share in shares), max(share[4] for share in shares)
        sql = (
            f"SELECT batch_id, toUInt32(toDate(time, 'UTC')) AS day, count() FROM {declared(batch.table).sql_name} "  # noqa: S608  declared name and integers
            f"WHERE batch_id IN ({','.join(map(str, wanted))}) AND time >= toDateTime({oldest}, 'UTC') AND time <= toDateTime({newest}, 'UTC') "
            "GROUP BY batch_id, day"
        )
        return {(int(row[0]), int(row[1])): int(row[2]) for row in self._store.rows(sql)}

    def forget(self, batch: Batch, shares: list[tuple[int, int]]) -> None:
        """Deletes the rows of these shares."""
        which = " OR ".join(f"(batch_id = {batch_id} AND toUInt32(toDate(time, 'UTC')) = {day})" for batch_id, day in shares)
        sql = f"DELETE FROM {declared(batch.table).sql_name} WHERE {which}"  # noqa: S608  declared name and integers
        self._store.command(sql, settings={"lightweight_deletes_sync": 2, "mutations_sync": 2})


class Discard:
    """Encodes blocks and throws them away: what everything before the store costs."""

    def insert(self, batch: Batch, token: str) -> int:  # noqa: ARG002  a sink
        """Encodes."""
        return len(batch.to_native("none"))

    def stored(self, batch: Batch, batch_ids: list[int]) -> dict[tuple[int, int], int]:  # noqa: ARG002  a sink
        """Nothing is."""
        return {}

    def forget(self, batch: Batch, shares: list[tuple[int, int]]) -> None:
        """Nothing is there."""

    def repair(self) -> None:
        """Nothing is needed."""
