"""Rows of the ClickHouse tables `tag.<kind>_rows`. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from libs.tables.model import Kind
from libs.tables.tag import FOR_EVER, NameTable

Key = tuple[int, int]
"""id and valid_from, seconds since 1970."""
Values = tuple[Any, ...]
"""valid_to (the last second), then the table's columns."""


def row_of(table: NameTable, interval: Any) -> tuple[Key, Values]:  # noqa: ANN401  a row of tag.tag
    """The row that an interval becomes."""
    attributes = interval["attributes"]
    valid_to = FOR_EVER if interval["valid_to"] is None else min(int(interval["valid_to"].timestamp()) - 1, FOR_EVER)
    values = [valid_to, interval["name"]]
    for column in table.columns[1:]:
        value = attributes.get(column.name)
        values.append(str(value or "") if column.kind is Kind.TEXT else int(value or 0))
    return (interval["id"], int(interval["valid_from"].timestamp())), tuple(values)


@dataclass(slots=True)
class Repair:
    """What makes the rows that are into those that should be."""

    write: dict[Key, Values] = field(default_factory=dict)
    remove: dict[Key, Values] = field(default_factory=dict)


def compare(wanted: Mapping[Key, Values], present: Mapping[Key, Values]) -> Repair:
    """Rows that are missing or different, and rows that are too many."""
    return Repair(
        {key: values for key, values in wanted.items() if present.get(key) != values},
        {key: values for key, values in present.items() if key not in wanted},
    )
