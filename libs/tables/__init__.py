"""ClickHouse tables as data.

Admission rule: a module here declares tables or turns declarations into something else (DDL, Arrow, Rust, docs); it opens no
connection and imports nothing of a service.
"""

from __future__ import annotations

from typing import Final

from libs.tables.flow_log import FLOW_LOG
from libs.tables.flow_metrics import FLOW_METRICS
from libs.tables.model import Column, Index, Kind, Role, Table

TABLES: Final[tuple[Table, ...]] = (
    *FLOW_LOG,
    *FLOW_METRICS,
)


def table(full_name: str) -> Table:
    """The table declared as `database.name`; raises KeyError where there is none."""
    for declared in TABLES:
        if declared.full_name == full_name:
            return declared
    raise KeyError(full_name)


__all__ = ["TABLES", "Column", "Index", "Kind", "Role", "Table", "table"]
