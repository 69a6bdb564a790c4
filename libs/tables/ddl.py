"""Prints a declaration as ClickHouse DDL."""

from __future__ import annotations

from typing import Final

from libs.tables.model import Column, Table

# The deduplication window makes an insert that is sent again under its token store nothing twice, also without a replicated engine.
# A block as it is inserted stays one file for all its columns (compact); measured on spans with a hundred columns: three times as quick
# to insert as a file for each.
_FIXED: Final = (
    "index_granularity = 8192, ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000, "
    "min_bytes_for_wide_part = 268435456, min_rows_for_wide_part = 0"
)

# Inserted with the server's default (LZ4), merged with ZSTD: half as quick again to insert, a tenth smaller once merged.
_RECOMPRESS: Final = "RECOMPRESS CODEC(ZSTD(1))"


def _column(column: Column) -> str:
    codec = f" CODEC({column.codec})" if column.codec else ""
    comment = column.doc.replace("\\", "\\\\").replace("'", "\\'")
    return f"    `{column.name}` {column.kind.value}{codec} COMMENT '{comment}'"


def _ttl(table: Table, days: int) -> str:
    recompress = f"toDateTime({table.time}) {_RECOMPRESS}"
    return f"toDateTime({table.time}) + INTERVAL {days} DAY, {recompress}" if days else recompress


def add_column(table: Table, column: Column) -> str:
    """`ALTER TABLE … ADD COLUMN` for a declared column that an older table lacks."""
    return f"ALTER TABLE {table.sql_name} ADD COLUMN IF NOT EXISTS {_column(column).strip()}"


def modify_ttl(table: Table, days: int) -> str:
    """`ALTER TABLE` that keeps rows for `days` days, 0 for ever."""
    return f"ALTER TABLE {table.sql_name} MODIFY TTL {_ttl(table, days)}"


def create_table(table: Table, *, ttl_days: int | None = None) -> str:
    """`CREATE TABLE IF NOT EXISTS` for one declared table; `ttl_days` overrides how long rows are kept (0: for ever)."""
    days = table.ttl_days if ttl_days is None else ttl_days
    lines = [_column(column) for column in table.columns]
    lines += [f"    INDEX `{index.name}` {index.expression} TYPE {index.type} GRANULARITY {index.granularity}" for index in table.indexes]
    settings = "".join(f", {key} = {value!r}" for key, value in table.settings.items())
    return (
        f"CREATE TABLE IF NOT EXISTS {table.sql_name}\n(\n"
        + ",\n".join(lines)
        + f"\n)\nENGINE = MergeTree\nPARTITION BY {table.partition}\nORDER BY ({', '.join(table.order_by)})\nTTL {_ttl(table, days)}\nSETTINGS {_FIXED}{settings}"
    )


def create_database(name: str) -> str:
    """`CREATE DATABASE IF NOT EXISTS`."""
    return f"CREATE DATABASE IF NOT EXISTS `{name}`"
