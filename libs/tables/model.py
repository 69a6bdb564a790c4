"""What a table declaration is made of.

A table is declared once, as data. From the declaration come the ClickHouse DDL (`ddl.py`), the Arrow schema (`arrow.py`), the
native side's column structs (`rust.py`), the querier's catalogue and the reference pages.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """How a column is held; the value is the ClickHouse type."""

    U8 = "UInt8"
    U16 = "UInt16"
    U32 = "UInt32"
    U64 = "UInt64"
    I32 = "Int32"
    I64 = "Int64"
    F64 = "Float64"
    LABEL = "LowCardinality(String)"
    TEXT = "String"
    IP4 = "IPv4"
    IP6 = "IPv6"
    TIME_S = "DateTime('UTC')"
    TIME_US = "DateTime64(6, 'UTC')"
    TEXT_MAP = "Map(LowCardinality(String), String)"
    LABEL_MAP = "Map(LowCardinality(String), LowCardinality(String))"


class Role(StrEnum):
    """What a column is for; the querier derives tags and measures from it."""

    TIME = "time"
    """When it happened."""
    ID = "id"
    """The integer id of a resource; its name lives in a dictionary."""
    TAG = "tag"
    """A property to filter and group by."""
    COUNTER = "counter"
    """A measure that adds up."""
    DELAY = "delay"
    """A measure in three columns, `x_sum`, `x_count` and `x_max`; this is one of the three."""
    GAUGE = "gauge"
    """A measure that does not add up."""
    INTERNAL = "internal"
    """For Weir's own bookkeeping; not offered to people."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, how it is held, what it means, and what it is called on the wire."""

    name: str
    kind: Kind
    doc: str
    role: Role = Role.TAG
    unit: str = ""
    codec: str = ""
    enum: str = ""
    """The closed set of `libs.catalog` that gives this integer its names, or nothing."""
    otlp: str = ""
    """The OTLP attribute that carries it where OpenTelemetry has a standard one; else `weir.<name>`."""

    @property
    def attribute(self) -> str:
        """The OTLP attribute key that carries this column."""
        return self.otlp or f"weir.{self.name}"


@dataclass(frozen=True, slots=True)
class Index:
    """A data-skipping index, with the reason it pays for its insert cost."""

    name: str
    expression: str
    type: str
    granularity: int
    reason: str


@dataclass(frozen=True, slots=True)
class Table:
    """One ClickHouse table. `layout` names the native struct, shared by tables with the same columns (1 s and 1 m)."""

    database: str
    name: str
    layout: str
    doc: str
    columns: tuple[Column, ...]
    order_by: tuple[str, ...]
    time: str = "time"
    partition: str = "toYYYYMMDD(time)"
    ttl_days: int = 3
    indexes: tuple[Index, ...] = ()
    settings: dict[str, str | int] = field(default_factory=dict)

    @property
    def full_name(self) -> str:
        """`database.name`, as it is written in rows and answers; quote it with backticks in SQL."""
        return f"{self.database}.{self.name}"

    @property
    def sql_name(self) -> str:
        """The name as SQL wants it: ``database.`name` ``."""
        return f"{self.database}.`{self.name}`"

    def column(self, name: str) -> Column:
        """The column of that name; raises KeyError where there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)
