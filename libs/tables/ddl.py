"""Prints a declaration as ClickHouse DDL."""

from __future__ import annotations

from typing import Final

from libs.tables.model import Column, Table

_FIXED: Final = "index_granularity = 8192, ttl_only_drop_parts = 1"


def _column(column: Column) -> str:
    codec = f" CODEC({column.codec})" if column.codec else ""
    comment = column.doc.replace("\\", "\\\\").replace("'", "\\'")
    return f"    `{column.name}` {column.kind.value}{codec} COMMENT '{comment}'"


def create_table(table: Table, *, ttl_days: int | None = None) -> str:
    """`CREATE TABLE IF NOT EXISTS` for one declared table; `ttl_days` overrides how long rows are kept (0: for ever)."""
    days = table.ttl_days if ttl_days is None else ttl_days
    lines = [_column(column) for column in table.columns]
    lines += [f"    INDEX `{index.name}` {index.expression} TYPE {index.type} GRANULARITY {index.granularity}" for index in table.indexes]
    ttl = f"\nTTL toDateTime({table.time}) + INTERVAL {days} DAY" if days else ""
    settings = "".join(f", {key} = {value!r}" for key, value in table.settings.items())
    return (
        f"CREATE TABLE IF NOT EXISTS {table.sql_name}\n(\n"
        + ",\n".join(lines)
        + f"\n)\nENGINE = MergeTree\nPARTITION BY {table.partition}\nORDER BY ({', '.join(table.order_by)}){ttl}\nSETTINGS {_FIXED}{settings}"
    )


def create_database(name: str) -> str:
    """`CREATE DATABASE IF NOT EXISTS`."""
    return f"CREATE DATABASE IF NOT EXISTS `{name}`"
