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
_ANY_4: Final = "0.0.0.0"
_ANY_6: Final = "::"


def _called(alias: str) -> Node:
    """What has that name within the inner SELECT."""
    return exp.Column(this=exp.Identifier(this=alias, quoted=False))


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
    addresses: dict[tuple[str, str], list[Node | None]] = field(default_factory=dict)
    """(IPv4, IPv6) columns of an end → for each key that shows them, under which condition it does not; None: it always does."""

    def add(self, term: Term) -> None:
        """One more key."""
        tag = term.tag
        if tag is None or not (tag.type in _SHOWN or tag.enum):
            at = f"_k{len(self.computed)}"
            self.computed[printed(term.node.copy())] = at
            self.columns[at] = term.node.copy()
        elif tag.type in {TagType.AUTO, TagType.IP}:
            self._address(tag)
        else:
            self.columns[tag.columns[0]] = column(tag.columns[0])
        whose = named(tag, self.names, self.span) if tag is not None else None
        if tag is not None and whose is not None:
            self._name(tag, whose)

    def _address(self, tag: Tag) -> None:
        whose = named(tag, self.names, self.span)
        # Without names of its kinds nothing but the address is shown.
        kept = tag.columns[1:-2] if whose is not None else ()
        self.columns |= {stored: column(stored) for stored in kept}
        self.addresses.setdefault((tag.columns[-2], tag.columns[-1]), []).append(None if whose is None else _called(f"_l_{tag.name}"))

    def _name(self, tag: Tag, whose: Named) -> None:
        """The name itself, where names change: `if` of a constant is gone before anything is read, and so is a key that is a constant."""
        anything = f"_c_{tag.type.value}_{tag.resource}"
        first = anything not in self.changing
        self.changing.setdefault(anything, whose.is_any_changing())
        shown = name(tag, self.names)
        if tag.type is TagType.AUTO:
            chosen = call("if", exp.Alias(this=whose.lasting(), alias=_called(f"_l_{tag.name}").this), text(""), shown)
        else:
            chosen = call("if", whose.changing(), shown, text(""))
        condition = exp.Alias(this=exp.Paren(this=self.changing[anything].copy()), alias=_called(anything).this) if first else _called(anything)
        self.columns[f"_v_{tag.name}"] = call("if", condition, call("xxh3", chosen), number(0))

    def moment(self) -> Node:
        """A time at which the group's names are those of all its rows."""
        first = beginning(self.span)
        return call("if", some(*map(_called, self.changing)), column("time"), first) if self.changing else first

    def of_family(self, *, version_4: bool) -> dict[str, Node]:
        """The addresses, where all rows have those of one family. An end that every key shows by its name has none."""
        found: dict[str, Node] = {}
        for (ip4, ip6), conditions in self.addresses.items():
            shown = ip4 if version_4 else ip6
            none = {ip4: call("toIPv4", text(_ANY_4)), ip6: call("toIPv6", text(_ANY_6))}
            known = [condition.copy() for condition in conditions if condition is not None]
            masked = len(known) == len(conditions)
            # The halves of a UNION are matched by place, not by name.
            found |= {ip4: none[ip4], ip6: none[ip6]}
            found[shown] = call("if", every(*known), none[shown], column(shown)) if masked else column(shown)
        return found


def staged(query: Node, keys: Sequence[Term], names: Names, span: Range) -> Node:
    """The question in two steps where a key of it is worth it; else as it was. `query` is changed."""
    if not any(term.tag is not None and (term.tag.type in _SHOWN or term.key.startswith("enum ")) for term in keys):
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
    halves = [_half(made, states, source, where, version_4=version_4) for version_4 in ((True, False) if made.addresses else (True,))]
    rows = halves[0] if len(halves) == 1 else exp.Union(this=halves[0], expression=halves[1], distinct=False)
    query.set("from_", exp.From(this=exp.Subquery(this=rows, alias=exp.TableAlias(this=exp.Identifier(this=ROW, quoted=False)))))
    return query


def _half(made: _Keys, states: dict[str, Node], source: Node, where: Node, *, version_4: bool) -> Node:
    """The inner SELECT over the rows with addresses of one family: keys that hold both would be twice as wide."""
    columns = {called: node.copy() for called, node in made.columns.items()}
    conditions = [where.this.copy()] if where is not None else []
    if made.addresses:
        columns |= made.of_family(version_4=version_4)
        conditions.insert(0, binary(exp.EQ if version_4 else exp.NEQ, column("is_ipv4"), number(1)))
    said = {"is_ipv4": number(int(version_4))} if made.addresses else {}
    moment = {} if "time" in columns else {"time": aggregate("any", made.moment())}
    select = exp.Select()
    for called, node in {**columns, **said, **moment, **{at: state.copy() for at, state in states.items()}}.items():
        select.append("expressions", exp.Alias(this=node, alias=exp.Identifier(this=called, quoted=not called.isidentifier())))
    select.set("from_", exp.From(this=source.copy()))
    if conditions:
        select.set("where", exp.Where(this=every(*conditions)))
    select.set("group", exp.Group(expressions=[number(at) for at in range(1, len(columns) + 1)]))
    return select
