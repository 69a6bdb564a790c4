"""Sources: what may stand after FROM. One declared table, or a family of tables that differ in how long a row's interval is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from libs.tables import TABLES, Table
from services.querier.errors import QueryError, no_such
from services.querier.vocabulary.measures import Measure, measures_of
from services.querier.vocabulary.tags import Tag, TagType, alias_of, tags_of

_INTERVAL: Final = re.compile(r"^(?P<family>.+)\.(?P<count>\d+)(?P<unit>[smhd])$")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, slots=True)
class Source:
    """One declared table with its vocabulary."""

    table: Table
    family: str
    """The name without the interval."""
    interval_s: int
    """Seconds that one row stands for; 0 where rows are single events."""
    tags: dict[str, Tag]
    measures: dict[str, Measure]

    @property
    def name(self) -> str:
        """The name within its database."""
        return self.table.name

    @property
    def database(self) -> str:
        """The database it is in."""
        return self.table.database

    @property
    def both_ends(self) -> bool:
        """Whether its rows have a client and a server."""
        return any(tag.suffix for tag in self.tags.values())

    def tag(self, name: str) -> Tag | None:
        """The tag of that name or alias, or one key of a map (`attributes.http.route`); None where there is none."""
        found = self.tags.get(name) or self.tags.get(alias_of(name))
        head, dot, key = name.partition(".")
        if found is None and dot and key:
            whole = self.tags.get(head) or self.tags.get(alias_of(head))
            if whole is not None and whole.type is TagType.MAP:
                return Tag(name, TagType.KEY, f"Key {key} of {whole.name}.", columns=(*whole.columns, key))
        return found

    def names(self) -> list[str]:
        """Every name that can be asked for, for hints."""
        return [*self.tags, *self.measures]


def _source(table: Table) -> Source:
    match = _INTERVAL.match(table.name)
    family = match["family"] if match else table.name
    interval = int(match["count"]) * _SECONDS[match["unit"]] if match else 0
    return Source(table, family, interval, tags_of(table), measures_of(table))


SOURCES: Final = tuple(_source(table) for table in TABLES)
DATABASES: Final = tuple(dict.fromkeys(source.database for source in SOURCES))


def source(name: str, database: str = "") -> tuple[Source, ...]:
    """What a name after FROM stands for: one source, or every interval of a family, shortest first.

    `name` may carry its database (`flow_log.l7_flow_log`); `database` is the request's. Raises QueryError naming the nearest right one.
    """
    if database and database not in DATABASES:
        no_such("database", database, "this store", DATABASES)
    head, dot, rest = name.partition(".")
    if dot and head in DATABASES:
        if database and database != head:
            message = f"The statement asks for database {head} and the request for {database}: leave out one of the two."
            raise QueryError(message)
        database, name = head, rest
    known = [candidate for candidate in SOURCES if not database or candidate.database == database]
    found = [candidate for candidate in known if name in {candidate.name, candidate.family}]
    if not found:
        no_such("table", name, database or "any database", [part for candidate in known for part in (candidate.name, candidate.family)])
    if len({candidate.database for candidate in found}) > 1:
        message = f"Table {name} is in {' and '.join(sorted({candidate.database for candidate in found}))}: say which, as db or before a dot."
        raise QueryError(message)
    return tuple(sorted(found, key=lambda candidate: candidate.interval_s))
