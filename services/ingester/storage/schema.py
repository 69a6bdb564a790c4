"""The tables as they are against the tables as they are declared, settled before the first insert.

ClickHouse silently drops columns it does not know and defaults missing ones, so a difference that nobody notices is data loss.
"""

from __future__ import annotations

import re

from libs.boot import StartError, get_logger
from libs.tables import Table
from libs.tables.ddl import add_column, create_database, create_table, modify_ttl
from services.ingester.storage.client import Store

_TTL = re.compile(r"TTL toDateTime\(\w+\) \+ toIntervalDay\((\d+)\)|TTL \w+ \+ toIntervalDay\((\d+)\)")


def prepare(store: Store, tables: tuple[Table, ...], retention_days: dict[str, int]) -> None:
    """Makes what is missing: databases, tables, columns, retention. Blocks.

    Raises StartError where a column is there with another type, and StoreError where the store does not answer.
    """
    for database in sorted({table.database for table in tables}):
        store.command(create_database(database))
    for table in tables:
        days = retention_days.get(table.full_name, table.ttl_days)
        store.command(create_table(table, ttl_days=days))
        _columns(store, table)
        _engine(store, table, days)


def _columns(store: Store, table: Table) -> None:
    found = {row[0]: row[1] for row in store.rows(f"DESCRIBE TABLE {table.sql_name}")}
    for column in table.columns:
        have = found.get(column.name)
        if have is None:
            store.command(add_column(table, column))
            get_logger("schema").info("column added", table=table.full_name, column=column.name)
        elif have != column.kind.value:
            message = (
                f"Column {column.name} of table {table.full_name} in {store.where} is {have}, but Weir writes {column.kind.value}: "
                f"rename the table (RENAME TABLE {table.sql_name} TO {table.database}.`{table.name}_old`) and start again; a new one is made."
            )
            raise StartError(message)


def _engine(store: Store, table: Table, days: int) -> None:
    rows = store.rows(f"SELECT engine, create_table_query FROM system.tables WHERE database = '{table.database}' AND name = '{table.name}'")  # noqa: S608  declared names
    if not rows:
        return
    engine, query = rows[0][0], rows[0][1]
    if engine == "MergeTree" and "non_replicated_deduplication_window" not in query:
        store.command(f"ALTER TABLE {table.sql_name} MODIFY SETTING non_replicated_deduplication_window = 1000")
    match = _TTL.search(query)
    have = int(match.group(1) or match.group(2)) if match else 0
    if have != days:
        store.command(modify_ttl(table, days), settings={"materialize_ttl_after_modify": 0})
        get_logger("schema").info("retention changed", table=table.full_name, days=days, before=have)
