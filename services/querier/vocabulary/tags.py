"""Tags: what rows are filtered and grouped by. Most come from the declared columns; the rows below are those that do not."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from libs.catalog import RESOURCE_KINDS
from libs.tables import Column, Kind, Role, Table


class TagType(StrEnum):
    """How a tag is shown and compared."""

    TIME = "time"
    """Seconds since the epoch."""
    TIME_US = "time_us"
    """Microseconds since the epoch."""
    RESOURCE = "resource"
    """The name of a resource at the row's time."""
    AUTO = "auto"
    """The name of the most specific resource that is known, else the address."""
    ID = "id"
    """A resource's integer id."""
    IP = "ip"
    """An address, v4 or v6; compares with addresses and with networks (10.0.0.0/8)."""
    MAC = "mac"
    INT = "int"
    INT_ENUM = "int_enum"
    """An integer of a closed set; compares with numbers and with the set's words."""
    STRING_ENUM = "string_enum"
    BITS = "bit_enum"
    """A bit set whose bits have words."""
    STRING = "string"
    MAP = "map"
    """Free keys: `attributes.http.route` asks for one of them."""
    KEY = "map_key"
    """One key of a map; `columns` are the map and the key."""


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag of one table."""

    name: str
    """As it is asked for, with the suffix of its end."""
    type: TagType
    doc: str
    suffix: str = ""
    """`_0` for the client, `_1` for the server, nothing for what has no ends."""
    columns: tuple[str, ...] = ()
    """Stored columns it is made of, in the order its type wants."""
    enum: str = ""
    """Closed set of `libs.catalog`."""
    resource: str = ""
    """Resource kind whose dictionary names it."""
    unit: str = ""

    @property
    def base(self) -> str:
        """The name without the suffix of its end."""
        return self.name.removesuffix(self.suffix) if self.suffix else self.name


@dataclass(frozen=True, slots=True)
class SpecialTag:
    """A tag made of several columns. It exists at each end that has the columns; `same` are columns without a suffix."""

    name: str
    type: TagType
    columns: tuple[str, ...]
    doc: str
    same: tuple[str, ...] = ()


SPECIAL_TAGS: Final = (
    SpecialTag("ip", TagType.IP, ("ip4", "ip6"), "Address.", same=("is_ipv4",)),
    SpecialTag(
        "auto_instance",
        TagType.AUTO,
        ("auto_instance_type", "auto_instance_id", "ip4", "ip6"),
        "Most specific known instance: pod, process, node, host; else the address.",
        same=("is_ipv4",),
    ),
    SpecialTag(
        "auto_service",
        TagType.AUTO,
        ("auto_service_type", "auto_service_id", "ip4", "ip6"),
        "Most specific known service, workload, process or host; else the address.",
        same=("is_ipv4",),
    ),
)

ALIASES: Final = (
    *((alias, kind.kind) for kind in RESOURCE_KINDS for alias in kind.aliases),
    *((f"{alias}_id", kind.id_column) for kind in RESOURCE_KINDS for alias in kind.aliases if alias != "process"),
    ("pod_service_id", "service_id"),
    ("tap_side", "observation_point"),
    ("tap_port", "capture_nic"),
    ("attribute", "attributes"),
)
"""(another name, the tag it stands for), without the suffix of an end."""

BIT_SETS: Final = frozenset({"tag_source"})
"""Closed sets whose members are bits."""
MACS: Final = frozenset({"mac_0", "mac_1"})
SUFFIXES: Final = ("", "_0", "_1")


def _column_type(column: Column) -> TagType:
    plain = {Kind.TIME_S: TagType.TIME, Kind.TIME_US: TagType.TIME_US, Kind.TEXT_MAP: TagType.MAP, Kind.LABEL_MAP: TagType.MAP}
    if column.kind in plain:
        return plain[column.kind]
    text = column.kind in {Kind.LABEL, Kind.TEXT}
    if column.enum in BIT_SETS:
        return TagType.BITS
    if column.enum:
        return TagType.STRING_ENUM if text else TagType.INT_ENUM
    if column.name in MACS:
        return TagType.MAC
    if column.role is Role.ID:
        return TagType.ID
    return TagType.STRING if text else TagType.INT


def _suffix(name: str) -> str:
    return name[-2:] if name[-2:] in SUFFIXES[1:] else ""


def _derived(table: Table) -> list[Tag]:
    hidden = {Kind.IP4, Kind.IP6}
    units = {TagType.TIME: "s", TagType.TIME_US: "us"}
    tags = []
    for column in table.columns:
        if column.role in {Role.TIME, Role.ID, Role.TAG} and column.kind not in hidden:
            kind = _column_type(column)
            tags.append(Tag(column.name, kind, column.doc, _suffix(column.name), (column.name,), column.enum, unit=units.get(kind, column.unit)))
    return tags


def tags_of(table: Table) -> dict[str, Tag]:
    """Every tag of a declared table by its name, with aliases; the order is the one they are shown in."""
    columns = {column.name for column in table.columns}
    tags = [tag for tag in _derived(table) if tag.type in {TagType.TIME, TagType.TIME_US}]
    for suffix in SUFFIXES:
        tags += [
            Tag(f"{kind.kind}{suffix}", TagType.RESOURCE, kind.doc, suffix, (f"{kind.id_column}{suffix}",), resource=kind.kind)
            for kind in RESOURCE_KINDS
            if f"{kind.id_column}{suffix}" in columns
        ]
        for row in SPECIAL_TAGS:
            needed = (*row.same, *(f"{name}{suffix}" for name in row.columns))
            if columns.issuperset(needed):
                tags.append(Tag(f"{row.name}{suffix}", row.type, row.doc, suffix, needed))
    tags += [tag for tag in _derived(table) if tag.type not in {TagType.TIME, TagType.TIME_US}]
    return {tag.name: tag for tag in tags}


def alias_of(name: str) -> str:
    """The tag that another name stands for, suffix kept; the name itself where it is none."""
    suffix = _suffix(name)
    base = name.removesuffix(suffix) if suffix else name
    return next((f"{target}{suffix}" for alias, target in ALIASES if alias == base), name)
