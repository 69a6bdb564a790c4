"""`tag <operator> literal` in WHERE, for each type of tag. A name is turned into the ids that ever had it, so that few rows need their name looked up."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sqlglot import exp

from libs.catalog import ENUMS
from services.querier.errors import QueryError, no_such
from services.querier.translation.intervals import named
from services.querier.translation.nodes import Node, binary, call, column, every, member, negated, number, some, text
from services.querier.translation.times import Range
from services.querier.translation.values import Names, stored_values, value
from services.querier.vocabulary.tags import Tag, TagType

ORDERED: Final = (exp.GT, exp.GTE, exp.LT, exp.LTE)
PATTERNS: Final = {exp.Like: "like", exp.ILike: "ilike", exp.RegexpLike: "match"}

Literal = str | int | float


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is compared with: an operator (exp.In for `=` and IN; never a negated one) and its literals."""

    tag: Tag
    operator: type
    literals: tuple[Literal, ...]
    names: Names
    span: Range
    """The time that the rows are of."""

    def against(self, left: Node) -> Node:
        """The comparison of any expression with the literals as they are."""
        options = [literal_node(item) for item in self.literals]
        if self.operator in PATTERNS:
            return call(PATTERNS[self.operator], left, options[0])
        return member(left, options) if self.operator is exp.In else binary(self.operator, left, options[0])

    def words(self) -> tuple[str, ...]:
        """The literals, all of them text; raises QueryError else."""
        if not all(isinstance(item, str) for item in self.literals):
            message = f"{self.tag.name} is text: write what it is compared with in single quotes."
            raise QueryError(message)
        return tuple(str(item) for item in self.literals)

    def numbers(self) -> tuple[int | float, ...]:
        """The literals, all of them numbers (or text that is one); raises QueryError else."""
        if self.operator in PATTERNS:
            message = f"{self.tag.name} is a number: it has no LIKE or REGEXP."
            raise QueryError(message)
        return tuple(self._number(item) for item in self.literals)

    def _number(self, item: Literal) -> int | float:
        if not isinstance(item, str):
            return item
        try:
            return int(item)
        except ValueError as error:
            message = f"{self.tag.name} is a number and cannot be compared with {item[:40]!r}."
            raise QueryError(message) from error

    def with_literals(self, literals: tuple[Literal, ...]) -> Comparison:
        """The same comparison with other literals."""
        return Comparison(self.tag, self.operator, literals, self.names, self.span)


def literal_node(item: Literal) -> Node:
    """A literal of the store's."""
    return text(item) if isinstance(item, str) else number(item)


def _stored_name() -> Node:
    return exp.Column(this=exp.Identifier(this="name", quoted=False))


def _holds_for_nothing(comparison: Comparison) -> bool | None:
    """Whether '' compares so; None where only the store can tell."""
    if comparison.operator is exp.In:
        return "" in comparison.literals
    if comparison.operator in {exp.Like, exp.ILike}:
        return set(str(comparison.literals[0])) <= {"%"}
    empty = comparison.literals[0] == ""
    held: dict[type, bool] = {exp.GT: False, exp.GTE: empty, exp.LT: not empty, exp.LTE: True}
    return held.get(comparison.operator)


def _resource(comparison: Comparison) -> Node:
    comparison.words()
    exact = comparison.against(value(comparison.tag, comparison.names))
    whose = named(comparison.tag, comparison.names, comparison.span)
    if whose is None:
        return exact
    condition = comparison.against(_stored_name())
    if _holds_for_nothing(comparison):
        # Rows without a name have no id among the names: those that do not compare so are fewer to find.
        return negated(whose.matching(negated(condition), negated(exact), few=False, nameless=True))
    found = whose.matching(condition, exact, few=comparison.operator is exp.In, nameless=True)
    # The store folds the comparison of '' to a constant.
    return found if _holds_for_nothing(comparison) is False else some(found, every(comparison.against(text("")), exact.copy()))


_ADDRESS: Final = frozenset("0123456789abcdef:.")


def _may_be_address(comparison: Comparison) -> bool:
    """Whether the text of an address can compare so; what LIKE wants of letters no address has is decided here."""
    if comparison.operator not in {exp.Like, exp.ILike}:
        return True
    pattern = str(comparison.literals[0])
    wanted = {character for character in pattern if character not in "%_"}
    if "\\" in wanted:
        return True
    return wanted <= _ADDRESS if comparison.operator is exp.Like else {character.lower() for character in wanted} <= _ADDRESS


def _auto(comparison: Comparison) -> Node:
    words = comparison.words()
    exact = comparison.against(value(comparison.tag, comparison.names))
    whose = named(comparison.tag, comparison.names, comparison.span)
    found = [] if whose is None else [whose.matching(comparison.against(_stored_name()), exact, few=comparison.operator is exp.In)]
    if comparison.operator is exp.In:
        is_ipv4, _, _, ip4, ip6 = comparison.tag.columns
        addresses = [_one_address(network, is_ipv4, ip4, ip6) for network in map(_network_or_none, words) if network is not None]
        found += [every(some(*addresses), exact.copy())] if addresses else []
    elif whose is None:
        found.append(exact)
    elif _may_be_address(comparison):
        found.append(every(negated(whose.lasting()), exact.copy()))
    return some(*found) if found else exact


_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _network_or_none(word: str) -> _Network | None:
    try:
        return ipaddress.ip_network(word, strict=False)
    except ValueError:
        return None


def _network(name: str, word: str) -> _Network:
    network = _network_or_none(word)
    if network is None:
        message = f"{name} is compared with an address or a network such as '10.0.0.0/8', not with {word[:60]!r}."
        raise QueryError(message)
    return network


def _one_address(network: _Network, is_ipv4: str, ip4: str, ip6: str) -> Node:
    family = network.version == 4  # noqa: PLR2004
    convert = "toIPv4" if family else "toIPv6"
    left = column(ip4 if family else ip6)
    first, last = (call(convert, text(str(end))) for end in (network[0], network[-1]))
    inside = binary(exp.EQ, left, first) if network.num_addresses == 1 else every(binary(exp.GTE, left, first), binary(exp.LTE, left.copy(), last))
    return every(binary(exp.EQ, column(is_ipv4), number(int(family))), inside)


def _ip(comparison: Comparison) -> Node:
    tag = comparison.tag
    words = comparison.words()
    if comparison.operator in PATTERNS:
        return comparison.against(value(tag, comparison.names))
    is_ipv4, ip4, ip6 = tag.columns
    networks = [_network(tag.name, word) for word in words]
    if comparison.operator is exp.In:
        return some(*(_one_address(network, is_ipv4, ip4, ip6) for network in networks))
    network = networks[0]
    family = network.version == 4  # noqa: PLR2004
    end = network[-1] if comparison.operator in {exp.GT, exp.LTE} else network[0]
    bound = call("toIPv4" if family else "toIPv6", text(str(end)))
    return every(binary(exp.EQ, column(is_ipv4), number(int(family))), binary(comparison.operator, column(ip4 if family else ip6), bound))


def _mac(comparison: Comparison) -> Node:
    if comparison.operator in PATTERNS:
        return comparison.against(value(comparison.tag, comparison.names))
    numbers = []
    for word in comparison.words():
        digits = word.replace(":", "").replace("-", "").lower()
        if len(digits) != 12 or not set(digits) <= set("0123456789abcdef"):  # noqa: PLR2004
            message = f"{comparison.tag.name} is compared with a MAC address such as '02:42:ac:11:00:02', not with {word[:40]!r}."
            raise QueryError(message)
        numbers.append(int(digits, 16))
    return comparison.with_literals(tuple(numbers)).against(column(comparison.tag.columns[0]))


def _enum(comparison: Comparison) -> Node:
    tag = comparison.tag
    stored: list[Literal] = []
    for item in comparison.literals:
        if not isinstance(item, str):
            stored.append(item)
            continue
        words = stored_values(tag, item)
        if not words and not item.lstrip("-").isdigit():
            no_such("value", item, tag.name, _words(tag))
        stored += words or [int(item)]
    return comparison.with_literals(tuple(comparison.with_literals(tuple(stored)).numbers())).against(column(tag.columns[0]))


def _string_enum(comparison: Comparison) -> Node:
    tag = comparison.tag
    words = comparison.words()
    if comparison.operator is not exp.In:
        return comparison.against(column(tag.columns[0]))
    meant = tuple(str(item) for word in words for item in ([word] if word in _stored(tag) else stored_values(tag, word) or [word]))
    return comparison.with_literals(meant).against(column(tag.columns[0]))


def _words(tag: Tag) -> list[str]:
    return [row.name for row in ENUMS[tag.enum]]


def _stored(tag: Tag) -> set[int | str]:
    return {row.value for row in ENUMS[tag.enum]}


def _bits(comparison: Comparison) -> Node:
    tag = comparison.tag
    if all(isinstance(item, str) for item in comparison.literals) and comparison.operator is exp.In:
        conditions = []
        for word in comparison.words():
            bits = stored_values(tag, word)
            if not bits:
                no_such("value", word, tag.name, _words(tag))
            conditions.append(binary(exp.NEQ, call("bitAnd", column(tag.columns[0]), number(int(bits[0]))), number(0)))
        return some(*conditions)
    return _int(comparison)


def _int(comparison: Comparison) -> Node:
    return comparison.with_literals(tuple(comparison.numbers())).against(column(comparison.tag.columns[0]))


def _string(comparison: Comparison) -> Node:
    comparison.words()
    return comparison.against(value(comparison.tag, comparison.names))


def _map(comparison: Comparison) -> Node:
    message = f"{comparison.tag.name} is compared by one of its keys: `{comparison.tag.name}.key` = '…'."
    raise QueryError(message)


_COMPARE: Final[dict[TagType, Callable[[Comparison], Node]]] = {
    TagType.RESOURCE: _resource,
    TagType.AUTO: _auto,
    TagType.IP: _ip,
    TagType.MAC: _mac,
    TagType.ID: _int,
    TagType.INT: _int,
    TagType.INT_ENUM: _enum,
    TagType.STRING_ENUM: _string_enum,
    TagType.BITS: _bits,
    TagType.STRING: _string,
    TagType.KEY: _string,
    TagType.MAP: _map,
}


def compare(comparison: Comparison) -> Node:
    """The store's condition; raises QueryError where the literals do not fit the tag."""
    return _COMPARE[comparison.tag.type](comparison)
