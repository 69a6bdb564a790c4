"""What an id was called when. Pure: gives the rows to write, from what is and what was recorded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND: Final = timedelta(seconds=1)

Change = Literal["opened", "renamed", "changed", "closed", "reopened"]


@dataclass(frozen=True, slots=True)
class Named:
    """A resource as it is now."""

    id: int
    name: str
    attributes: Mapping[str, Any]
    updated_at: datetime
    deleted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Interval:
    """`name` was that of `id` from `valid_from` until before `valid_to`; None: it still is."""

    id: int
    valid_from: datetime
    valid_to: datetime | None
    name: str
    attributes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Written:
    """An interval to write over whatever has its id and `valid_from`."""

    interval: Interval
    change: Change


def plan(found: Iterable[Named], latest: Mapping[int, Interval], *, now: datetime, late: timedelta, removed: Iterable[int] = ()) -> list[Written]:
    """The rows to write. `latest` has the last interval of each id; `removed` are ids that are not in their source any more.

    The first interval begins in 1970: rows that were captured before the resource was registered have its name too. A rename ends one
    interval where the next begins. A deletion ends the last one after `late`; a resource that comes back has no gap.
    """
    written: list[Written] = []
    for named in found:
        valid_to = None if named.deleted_at is None else _seconds(named.deleted_at + late)
        last = latest.get(named.id)
        if last is None:
            written.append(Written(Interval(named.id, EPOCH, valid_to, named.name, named.attributes), "opened"))
        elif last.name != named.name:
            written += _renamed(last, named, valid_to)
        elif last.valid_to != valid_to:
            change: Change = "reopened" if valid_to is None else "closed"
            written.append(Written(replace(last, valid_to=valid_to, attributes=named.attributes), change))
        elif last.attributes != named.attributes:
            written.append(Written(replace(last, attributes=named.attributes), "changed"))
    for gone in removed:
        last = latest[gone]
        if last.valid_to is None:
            written.append(Written(replace(last, valid_to=_seconds(now + late), attributes={**last.attributes, "deleted": 1}), "closed"))
    return written


def _renamed(last: Interval, named: Named, valid_to: datetime | None) -> list[Written]:
    at = _seconds(named.updated_at)
    if last.valid_to is not None:
        at = min(at, last.valid_to)
    if at <= last.valid_from or at - last.valid_from < _SECOND:
        return [Written(replace(last, name=named.name, valid_to=valid_to, attributes=named.attributes), "renamed")]
    return [
        Written(replace(last, valid_to=at), "closed"),
        Written(Interval(named.id, at, valid_to if valid_to is None or valid_to > at else at + _SECOND, named.name, named.attributes), "renamed"),
    ]


def _seconds(time: datetime) -> datetime:
    return time.astimezone(UTC).replace(microsecond=0)
