"""What a translation yields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the answer, as DeepFlow's `schemas` describe it."""

    name: str
    metric: bool
    """Whether it is a measure (`type` 1) and not a tag (`type` 0)."""
    unit: str = ""
    value_type: str = "String"
    """Int, Float, String, Array or Map."""
    label_type: str = ""
    """What kind of tag it is: time, time_us, resource, ip, enum …; nothing for measures."""
    pre_as: str = ""
    """What was asked, before AS."""

    def schema(self) -> dict[str, str | int]:
        """One entry of `schemas`."""
        return {"unit": self.unit, "type": int(self.metric), "value_type": self.value_type, "pre_as": self.pre_as, "label_type": self.label_type}


@dataclass(frozen=True, slots=True)
class Plan:
    """A translated statement: either SQL for the store, or rows that are known already."""

    columns: tuple[Column, ...]
    sql: str = ""
    leaner_sql: str = ""
    """The same asked in one step, which takes longer and less memory; nothing where `sql` has one step."""
    rows: tuple[tuple[Any, ...], ...] = ()
    table: str = ""
    default_limit: int = 0
    """The limit that was put in because the statement had none; 0 where it had one."""
