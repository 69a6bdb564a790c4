"""Database tag: per kind of resource a table of names with the time each was valid, and a dictionary over it.

`dictGetOrDefault('tag.<kind>', 'name', toUInt64(id), time, '')` is the name that id had at that time. The dictionaries read a table of
the same server, so no password stands in their DDL.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from libs.catalog.kinds import RESOURCE_KINDS
from libs.tables.model import Column, Kind

DATABASE: Final = "tag"
FOR_EVER: Final = (1 << 32) - 1
"""`valid_to` of a name that is still in use: the last second a DateTime can hold."""

FIXED: Final = (
    Column("name", Kind.TEXT, "Name."),
    Column("uid", Kind.TEXT, "Key that stays the same in every installation (lcuuid)."),
    Column("deleted", Kind.U8, "1 once the resource is gone."),
)

_ATTRIBUTES: Final[dict[str, tuple[Column, ...]]] = {
    "az": (Column("region_id", Kind.U64, "Region it is in."),),
    "vpc": (Column("region_id", Kind.U64, "Region it is in."),),
    "subnet": (Column("prefix", Kind.TEXT, "Network, address/bits."), Column("vpc_id", Kind.U64, "VPC it is in.")),
    "host": (Column("ip", Kind.TEXT, "Address."), Column("machine_id", Kind.TEXT, "The machine's own stable id.")),
    "chost": (
        Column("type", Kind.TEXT, "host for a machine, netns for a network namespace or container on it."),
        Column("ip", Kind.TEXT, "Address by which it reaches the controller."),
        Column("host_id", Kind.U64, "Host it runs on."),
        Column("vpc_id", Kind.U64, "VPC it is in."),
        Column("workload", Kind.TEXT, "What runs in it, in words."),
    ),
    "gprocess": (
        Column("pid", Kind.U64, "Process id."),
        Column("command", Kind.TEXT, "Command line."),
        Column("kname", Kind.TEXT, "The kernel's name of it."),
        Column("user", Kind.TEXT, "User it runs as."),
        Column("container_id", Kind.TEXT, "Container it runs in."),
        Column("chost_id", Kind.U64, "Where it runs."),
    ),
    "agent": (
        Column("ip", Kind.TEXT, "Address by which it reaches the controller."),
        Column("mac", Kind.TEXT, "MAC of that interface."),
        Column("chost_id", Kind.U64, "Where it runs."),
        Column("group", Kind.TEXT, "Its group."),
    ),
}


@dataclass(frozen=True, slots=True)
class NameTable:
    """The names of one kind."""

    kind: str
    attributes: tuple[Column, ...]

    @property
    def columns(self) -> tuple[Column, ...]:
        """What a dictionary gives for an id and a time."""
        return (*FIXED, *self.attributes)

    @property
    def rows(self) -> str:
        """The table behind the dictionary, as SQL wants it."""
        return f"`{DATABASE}`.`{self.kind}_rows`"

    @property
    def dictionary(self) -> str:
        """The dictionary, as SQL wants it."""
        return f"`{DATABASE}`.`{self.kind}`"

    def create_rows(self) -> str:
        """The latest row of an id and a `valid_from` wins; `gone` takes it away."""
        columns = "".join(f"    `{column.name}` {column.kind.value} COMMENT '{_quoted(column.doc)}',\n" for column in self.columns)
        body = (
            f"CREATE TABLE {self.rows}\n(\n    `id` UInt64,\n    `valid_from` DateTime,\n    `valid_to` DateTime COMMENT 'Last second it was valid.',\n{columns}"
            "    `version` UInt64,\n    `gone` UInt8\n)\nENGINE = ReplacingMergeTree(version, gone)\nORDER BY (id, valid_from)"
        )
        return _stamped(body)

    def create_dictionary(self) -> str:
        """Loaded again on SYSTEM RELOAD DICTIONARY; its lifetime is for the case that nobody said so."""
        names = ["id", "valid_from", "valid_to", *(column.name for column in self.columns)]
        typed = ["`id` UInt64", "`valid_from` DateTime", "`valid_to` DateTime", *(f"`{c.name}` {c.kind.value} DEFAULT {_default(c)}" for c in self.columns)]
        query = f"SELECT {', '.join(f'`{name}`' for name in names)} FROM {self.rows} FINAL"  # noqa: S608  constants of this module
        body = (
            f"CREATE OR REPLACE DICTIONARY {self.dictionary}\n(\n    " + ",\n    ".join(typed) + f"\n)\nPRIMARY KEY id\n"
            f"SOURCE(CLICKHOUSE(QUERY '{_quoted(query)}'))\nLAYOUT(RANGE_HASHED(RANGE_LOOKUP_STRATEGY 'max'))\n"
            "RANGE(MIN valid_from MAX valid_to)\nLIFETIME(MIN 300 MAX 600)"
        )
        return _stamped(body)


def _default(column: Column) -> str:
    return "''" if column.kind is Kind.TEXT else "0"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


def stamp(ddl: str) -> str:
    """What stands in the comment of a table or dictionary: whether it is the one this version of Weir declares."""
    return "weir " + hashlib.blake2b(ddl.partition("\nCOMMENT 'weir ")[0].encode(), digest_size=8).hexdigest()


def _stamped(body: str) -> str:
    return f"{body}\nCOMMENT '{stamp(body)}'"


NAME_TABLES: Final[tuple[NameTable, ...]] = tuple(NameTable(kind.kind, _ATTRIBUTES.get(kind.kind, ())) for kind in RESOURCE_KINDS)
