"""Compares what is recorded with what is wanted. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from services.recorder.resources.contract import Value

Columns = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Recorded:
    """A live row: its id and the columns that are compared."""

    id: int
    values: Columns


@dataclass(slots=True)
class Difference:
    """What has to be written for one kind, by lcuuid."""

    create: dict[str, Columns] = field(default_factory=dict)
    update: dict[str, Columns] = field(default_factory=dict)
    delete: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.create or self.update or self.delete)


def diff(recorded: Mapping[str, Recorded], wanted: Mapping[str, Columns], keep: AbstractSet[str] = frozenset()) -> Difference:
    """What makes `recorded` into `wanted`; rows whose lcuuid is in `keep` stay whatever is wanted."""
    found = Difference()
    for lcuuid, values in wanted.items():
        row = recorded.get(lcuuid)
        if row is None:
            found.create[lcuuid] = values
        elif row.values != values and lcuuid not in keep:
            found.update[lcuuid] = values
    found.delete = [lcuuid for lcuuid in recorded if lcuuid not in wanted and lcuuid not in keep]
    return found
