"""A grouped question in two steps: rows are added up by ids, and only the groups that come of it are named.

The inner SELECT groups by the stored columns that a tag is made of, the outer one by what is shown, because two ids may have one name.
The outer one reads the inner as `_r`, with the columns called as in the table, so that what shows a tag is the same expression in both.
Where an id changes its name within the range, the name itself (its hash) is one more key of the inner SELECT.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlglot import exp

from services.querier.translation.expressions import Term
from services.querier.translation.intervals import Named, beginning, named
from services.querier.translation.nodes import ROW, Node, aggregate, binary, call, column, every, in_steps, is_aggregate, number, printed, some, text
from services.querier.translation.times import Range
from services.querier.translation.values import Names, name
from services.querier.vocabulary.tags import Tag, TagType

_SHOWN: Final = (TagType.RESOURCE, TagType.AUTO, TagType.IP, TagType.MAC)
"""Tags that are shown by something that takes long to make of what is stored."""


def _called(alias: str) -> Node:
    """What has that name within the inner SELECT."""
    return exp.Column(this=exp.Identifier(this=alias, quoted=False))


def _as(node: Node, alias: str) -> Node:
    """The value under a name."""
    return exp.Alias(this=node, alias=exp.Identifier(this=alias, quoted=not alias.isidentifier()))


@dataclass(slots=True)
class _Keys:
    """What the inner SELECT groups by."""

    names: Names
    span: Range
    columns: dict[str, Node] = field(default_factory=dict)
    """Column of the inner SELECT → what it is."""
    computed: dict[str, str] = field(default_factory=dict)
    """SQL of a key that is computed within → its column."""
    changing: dict[str, Node] = field(default_factory=dict)
    """Name within the inner SELECT → the constant whether any name of its kinds changes."""
    ends: dict[tuple[str, str], list[Tag]] = field(default_factory=dict)
    """(IPv4, IPv6) columns of an end → the tags that show a name of it, or its address."""
    addresses: set[tuple[str, str]] = field(default_factory=set)
    """Ends whose address is shown whatever its name."""

    def add(self, term: Term) -> None:
        """One more key."""
        tag = term.tag
        whose = named(tag, self.names, self.span) if tag is not None else None
        if tag is None or not is_shown(term) or (term.key.startswith("enum ") and tag.columns[0].startswith("auto_")):
            at = f"_k{len(self.computed)}"
            self.computed[printed(term.node.copy())] = at
            self.columns[at] = term.node.copy()
        elif tag.type in {TagType.AUTO, TagType.IP}:
            tags = self.ends.setdefault((tag.columns[-2], tag.columns[-1]), [])
            if whose is None:
                self.addresses.add((tag.columns[-2], tag.columns[-1]))
            else:
                tags.append(tag)
                self._auto(tag, whose)
        else:
            self.columns[tag.columns[0]] = column(tag.columns[0])
            if whose is not None:
                changing = call("if", whose.changing(), name(tag, self.names), text(""))
                self.columns[f"_v_{tag.name}"] = call("if", self._changes(tag, whose), call("xxh3", changing), number(0))

    def _auto(self, tag: Tag, whose: Named) -> None:
        """Rows that have a name are told apart by its kind and id, the others by their address in the place of the id."""
        kind = tag.columns[1]
        changing = call("if", self._changes(tag, whose), call("if", whose.changing(), name(tag, self.names), text("")), text(""))
        has_name = exp.Paren(this=some(whose.lasting(), call("notEmpty", _called(f"_s_{tag.name}"))))
        self.columns[f"_v_{tag.name}"] = call("xxh3", _as(changing, f"_s_{tag.name}"))
        self.columns[f"_t_{tag.name}"] = call("if", _as(has_name, f"_l_{tag.name}"), column(kind), number(0))

    def _changes(self, tag: Tag, whose: Named) -> Node:
        """A constant: `if` of it is gone before anything is read, and so is a key that is a constant."""
        called = f"_c_{tag.type.value}_{tag.resource}"
        if called in self.changing:
            return _called(called)
        self.changing[called] = whose.is_any_changing()
        return _as(exp.Paren(this=self.changing[called].copy()), called)

    def moment(self) -> Node:
        """A time at which the group's names are those of all its rows."""
        first = beginning(self.span)
        return call("if", some(*map(_called, self.changing)), column("time"), first) if self.changing else first

    def of_family(self, *, version_4: bool) -> tuple[dict[str, Node], dict[str, Node]]:
        """The columns to group by where all rows have addresses of one family, and those that follow from them."""
        keys = {called: node.copy() for called, node in self.columns.items()}
        known: dict[str, Node] = {"is_ipv4": number(int(version_4))} if self.ends else {}
        for (ip4, ip6), tags in self.ends.items():
            for tag in tags:
                _, kind, identity, _, _ = tag.columns
                instead = call("toUInt32", column(ip4)) if version_4 else number(0)
                keys[f"_i_{tag.name}"] = call("if", _called(f"_l_{tag.name}"), column(identity), instead)
                known |= {kind: _called(f"_t_{tag.name}"), identity: _called(f"_i_{tag.name}")}
            always = (ip4, ip6) in self.addresses
            if not version_4:
                keys[ip6] = column(ip6) if always else call("if", every(*(_called(f"_l_{tag.name}") for tag in tags)), call("toIPv6", text("::")), column(ip6))
                known[ip4] = call("toIPv4", text("0.0.0.0"))
                continue
            known[ip6] = call("toIPv6", text("::"))
            if always:
                keys[ip4] = column(ip4)
            else:
                known[ip4] = call("toIPv4", _in_place_of_id(tags))
        return keys, known


def _in_place_of_id(tags: list[Tag]) -> Node:
    """The IPv4 address of an end that has no name."""
    found = call("toUInt32", number(0))
    for tag in tags:
        found = call("if", binary(exp.EQ, _called(f"_t_{tag.name}"), number(0)), _called(f"_i_{tag.name}"), found)
    return found


def is_shown(term: Term) -> bool:
    """Whether it is a tag that is shown by something that takes long to make of what is stored."""
    return term.tag is not None and (term.tag.type in _SHOWN or term.key.startswith("enum "))


def staged(query: Node, keys: Sequence[Term], names: Names, span: Range) -> Node:
    """The question in two steps where a key of it is worth it; else as it was. `query` is changed."""
    if not any(map(is_shown, keys)):
        return query
    made = _Keys(names, span)
    for term in keys:
        made.add(term)
    kept: dict[str, tuple[str, Node]] = {}

    def outer(node: Node) -> Node:
        if is_aggregate(node):
            written = printed(node.copy())
            if written not in kept:
                kept[written] = (f"_a{len(kept)}", node)
            return in_steps(node, kept[written][0])[1]
        at = made.computed.get(printed(node.copy())) if made.computed and isinstance(node, exp.Column | exp.Binary | exp.Func) else None
        return node if at is None else column(at)

    query.set("expressions", [item.transform(outer) for item in query.expressions])
    for clause in ("group", "having", "order"):
        if query.args.get(clause) is not None:
            query.set(clause, query.args[clause].transform(outer))
    states = {at: in_steps(node, at)[0] for at, node in kept.values()}
    where = query.args.pop("where", None)
    source = query.args["from_"].this
    halves = [_half(made, states, source, where, version_4=version_4) for version_4 in ((True, False) if made.ends else (True,))]
    rows = halves[0] if len(halves) == 1 else exp.Union(this=halves[0], expression=halves[1], distinct=False)
    query.set("from_", exp.From(this=exp.Subquery(this=rows, alias=exp.TableAlias(this=exp.Identifier(this=ROW, quoted=False)))))
    return query


def _half(made: _Keys, states: dict[str, Node], source: Node, where: Node, *, version_4: bool) -> Node:
    """The inner SELECT over the rows with addresses of one family: keys that hold both would be twice as wide."""
    keys, known = made.of_family(version_4=version_4)
    conditions = [where.this.copy()] if where is not None else []
    if made.ends:
        conditions.insert(0, binary(exp.EQ if version_4 else exp.NEQ, column("is_ipv4"), number(1)))
    if "time" not in keys:
        known["time"] = aggregate("any", made.moment())
    known |= {at: state.copy() for at, state in states.items()}
    # The halves of a UNION are matched by place, not by name.
    columns = sorted((keys | known).items())
    select = exp.Select()
    for called, node in columns:
        select.append("expressions", _as(node, called))
    select.set("from_", exp.From(this=source.copy()))
    if conditions:
        select.set("where", exp.Where(this=every(*conditions)))
    select.set("group", exp.Group(expressions=[number(at) for at, (called, _) in enumerate(columns, 1) if called in keys]))
    return select
