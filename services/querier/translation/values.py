"""What a tag looks like in an answer: one small function for each type of tag."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sqlglot import exp

from libs.catalog import ENUMS, RESOURCE_KINDS
from services.querier.translation.nodes import Node, binary, call, column, literal_list, member, number, text
from services.querier.vocabulary.tags import Tag, TagType

NAMES_DATABASE: Final = "tag"
KEPT: Final = "_n_"
"""What names within one expression begin with."""
AUTO_KINDS: Final = {"chost": 1, "host": 6, "pod": 10, "service": 11, "pod_node": 14, "pod_group": 101, "pod_cluster": 103, "gprocess": 120}
"""Resource kind → its number in the closed set `auto_type`."""


@dataclass(frozen=True, slots=True)
class Names:
    """Which dictionaries of names there are now; a kind without one has no names."""

    kinds: frozenset[str] = frozenset(kind.kind for kind in RESOURCE_KINDS)


def name_of(kind: str, identity: Node, names: Names) -> Node:
    """The name that id had at the row's time, '' where it had none."""
    if kind not in names.kinds:
        return text("")
    return call("dictGetOrDefault", text(f"{NAMES_DATABASE}.{kind}"), text("name"), call("toUInt64", identity), column("time"), text(""))


def address(is_ipv4: str, ip4: str, ip6: str) -> Node:
    """The address as text."""
    return call("if", binary(exp.EQ, column(is_ipv4), number(1)), call("toString", column(ip4)), call("toString", column(ip6)))


def _plain(tag: Tag, _: Names) -> Node:
    return column(tag.columns[0])


def _resource(tag: Tag, names: Names) -> Node:
    return name_of(tag.resource, column(tag.columns[0]), names)


def name(tag: Tag, names: Names) -> Node:
    """The name that a tag of type RESOURCE or AUTO has at the row's time, '' where it has none."""
    if tag.type is TagType.RESOURCE:
        return _resource(tag, names)
    _, kind, identity, _, _ = tag.columns
    known = [(number_, resource) for resource, number_ in AUTO_KINDS.items() if resource in names.kinds]
    branches = [part for number_, resource in known for part in (binary(exp.EQ, column(kind), number(number_)), name_of(resource, column(identity), names))]
    return call("multiIf" if len(known) > 1 else "if", *branches, text("")) if known else text("")


def _auto(tag: Tag, names: Names) -> Node:
    is_ipv4, _, _, ip4, ip6 = tag.columns
    where = address(is_ipv4, ip4, ip6)
    if names.kinds.isdisjoint(AUTO_KINDS):
        return where
    # Named where it is made and used again: written twice it would be long, and ifNull(nullIf(…)) looks every address up as well.
    again = exp.Identifier(this=f"{KEPT}{tag.name}", quoted=False)
    return call("if", call("empty", exp.Alias(this=name(tag, names), alias=again)), where, exp.Column(this=again.copy()))


def _ip(tag: Tag, _: Names) -> Node:
    return address(*tag.columns)


def _time(tag: Tag, _: Names) -> Node:
    return call("toUnixTimestamp", column(tag.columns[0]))


def _time_us(tag: Tag, _: Names) -> Node:
    return call("toUnixTimestamp64Micro", column(tag.columns[0]))


def _mac(tag: Tag, _: Names) -> Node:
    return call("MACNumToString", column(tag.columns[0]))


def _key(tag: Tag, _: Names) -> Node:
    return call("arrayElement", column(tag.columns[0]), text(tag.columns[1]))


_VALUES: Final[dict[TagType, Callable[[Tag, Names], Node]]] = {
    TagType.TIME: _time,
    TagType.TIME_US: _time_us,
    TagType.RESOURCE: _resource,
    TagType.AUTO: _auto,
    TagType.IP: _ip,
    TagType.MAC: _mac,
    TagType.KEY: _key,
}


def value(tag: Tag, names: Names) -> Node:
    """The tag's value as it is shown."""
    return _VALUES.get(tag.type, _plain)(tag, names)


def word(tag: Tag) -> Node:
    """`enum(tag)`: the word for the stored value; the value itself, as text, where the closed set has no word for it."""
    members = ENUMS[tag.enum]
    stored = column(tag.columns[0])
    if tag.type is TagType.BITS:
        bits = [call("if", binary(exp.NEQ, call("bitAnd", stored, number(int(row.value))), number(0)), text(row.name), text("")) for row in members]
        return call("arrayStringConcat", call("arrayFilter", _not_empty(), literal_list(bits)), text("|"))
    literals = [text(row.value) if isinstance(row.value, str) else number(row.value) for row in members]
    return call("transform", stored, literal_list(literals), literal_list([text(row.name) for row in members]), call("toString", stored.copy()))


def _not_empty() -> Node:
    bit = exp.Identifier(this="bit", quoted=False)
    return exp.Lambda(this=call("notEmpty", bit.copy()), expressions=[bit])


def stored_values(tag: Tag, word_: str) -> list[int | str]:
    """The stored values that a word of the tag's closed set stands for, whatever its case; none where it is not a word of it."""
    return [row.value for row in ENUMS[tag.enum] if row.name.lower() == word_.lower()]


def value_type(tag: Tag) -> str:
    """Int, String or Map, for the schema."""
    if tag.type is TagType.MAP:
        return "Map"
    return "Int" if tag.type in {TagType.TIME, TagType.TIME_US, TagType.ID, TagType.INT, TagType.INT_ENUM, TagType.BITS} else "String"


def grouped_member(stored: str, values: list[int | str]) -> Node:
    """`column IN (values…)`."""
    return member(column(stored), [text(item) if isinstance(item, str) else number(item) for item in values])
