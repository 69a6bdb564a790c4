"""What a starting process has to learn from the store before it may insert."""

from __future__ import annotations

import time
from typing import Final

from libs.boot import get_logger
from libs.tables import Table
from services.ingester.memory import Memory
from services.ingester.storage.client import Store
from services.ingester.storage.sinks import query_prefix

_PATIENCE_S: Final = 30.0


def wait_for_predecessor(store: Store, decoder: str) -> None:
    """Blocks until no insert of a process before this one is running: what it may still store could not be seen."""
    sql = f"SELECT count() FROM system.processes WHERE startsWith(query_id, '{query_prefix(decoder)}')"  # noqa: S608  a host name
    end = time.monotonic() + _PATIENCE_S
    while int(store.rows(sql)[0][0]):
        if time.monotonic() > end:
            get_logger("recovery").warning("an insert of the process before this one does not end", waited_s=_PATIENCE_S)
            store.command(f"KILL QUERY WHERE startsWith(query_id, '{query_prefix(decoder)}') SYNC")
            return
        time.sleep(0.1)


def recall(store: Store, tables: tuple[Table, ...], memory: Memory, *, remember_s: int, limit: int) -> None:
    """Loads the requests whose rows are at most `remember_s` old, and sets memory's horizon accordingly."""
    now = int(store.rows("SELECT toUnixTimestamp(now())")[0][0])
    horizon = now - remember_s
    for table in tables:
        rows = store.rows(
            f"SELECT batch_id, toUnixTimestamp(max(time)) AS newest FROM {table.sql_name} "  # noqa: S608  a declared name
            f"WHERE time >= toDateTime({horizon}, 'UTC') GROUP BY batch_id ORDER BY newest DESC LIMIT {limit + 1}"
        )
        if len(rows) > limit:
            horizon = max(horizon, int(rows[-1][1]) + 1)
        for batch_id, newest in rows:
            memory.add(int(batch_id), int(newest), None)
    memory.horizon_s = max(memory.horizon_s, horizon)
    get_logger("recovery").info("stored requests recalled", requests=len(memory), horizon_s=memory.horizon_s)
