"""Prints a declaration as the Arrow schema in which rows cross between Rust and Python."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from libs.tables.model import Kind, Table

_LABEL: Final = pa.dictionary(pa.int32(), pa.string())


def _map(value: pa.DataType) -> pa.DataType:
    return pa.map_(pa.field("key", _LABEL, nullable=False), pa.field("value", value, nullable=False))


_TYPES: Final[dict[Kind, pa.DataType]] = {
    Kind.U8: pa.uint8(),
    Kind.U16: pa.uint16(),
    Kind.U32: pa.uint32(),
    Kind.U64: pa.uint64(),
    Kind.I32: pa.int32(),
    Kind.I64: pa.int64(),
    Kind.F64: pa.float64(),
    Kind.LABEL: _LABEL,
    Kind.TEXT: pa.string(),
    Kind.IP4: pa.uint32(),
    Kind.IP6: pa.binary(16),
    Kind.TIME_S: pa.timestamp("s", "UTC"),
    Kind.TIME_US: pa.timestamp("us", "UTC"),
    Kind.TEXT_MAP: _map(pa.string()),
    Kind.LABEL_MAP: _map(_LABEL),
}


def schema(table: Table) -> pa.Schema:
    """The schema of a batch of the table: every declared column, none nullable; labels are dictionaries, addresses numbers or 16 bytes."""
    return pa.schema([pa.field(column.name, _TYPES[column.kind], nullable=False) for column in table.columns])
