"""Which syntax trees are read at all: a list of node types with the arguments each may carry. Everything else is refused by name."""

from __future__ import annotations

from typing import Any, Final

from sqlglot import exp

from services.querier.errors import QueryError

_BINARY: Final = frozenset({"this", "expression"})
_NODES: Final[dict[type, frozenset[str]]] = {
    exp.Select: frozenset({"expressions", "from_", "where", "group", "having", "order", "limit", "offset", "kind"}),
    exp.From: frozenset({"this"}),
    exp.Table: frozenset({"this", "db", "catalog"}),
    exp.Where: frozenset({"this"}),
    exp.Having: frozenset({"this"}),
    exp.Group: frozenset({"expressions"}),
    exp.Order: frozenset({"expressions"}),
    exp.Ordered: frozenset({"this", "desc", "nulls_first"}),
    exp.Limit: frozenset({"expression", "offset"}),
    exp.Offset: frozenset({"expression"}),
    exp.Alias: frozenset({"this", "alias"}),
    exp.Column: frozenset({"this", "table", "db", "catalog"}),
    exp.Dot: _BINARY,
    exp.Identifier: frozenset({"this", "quoted"}),
    exp.Literal: frozenset({"this", "is_string"}),
    exp.Star: frozenset(),
    exp.Var: frozenset({"this"}),
    exp.Anonymous: frozenset({"this", "expressions"}),
    exp.Interval: frozenset({"this", "unit"}),
    exp.Paren: frozenset({"this"}),
    exp.Tuple: frozenset({"expressions"}),
    exp.Neg: frozenset({"this"}),
    exp.Not: frozenset({"this"}),
    exp.And: _BINARY,
    exp.Or: _BINARY,
    exp.Add: _BINARY,
    exp.Sub: _BINARY,
    exp.Mul: _BINARY,
    exp.Div: _BINARY | {"typed", "safe"},
    exp.Mod: _BINARY,
    exp.EQ: _BINARY,
    exp.NEQ: _BINARY,
    exp.GT: _BINARY,
    exp.GTE: _BINARY,
    exp.LT: _BINARY,
    exp.LTE: _BINARY,
    exp.Like: _BINARY | {"negate"},
    exp.ILike: _BINARY | {"negate"},
    exp.RegexpLike: _BINARY,
    exp.Between: frozenset({"this", "low", "high"}),
    exp.In: frozenset({"this", "expressions"}),
}
_ONCE: Final = (exp.Select, exp.From, exp.Table, exp.Where, exp.Having, exp.Group, exp.Order, exp.Limit, exp.Offset)
_WORDS: Final[dict[type, str]] = {exp.Subquery: "A subquery", exp.Join: "A join", exp.Bracket: "A subscript", exp.Null: "NULL", exp.Window: "A window"}
_CLAUSES: Final = {"alias": "Another name for the table (or a word after it)", "joins": "A second table", "query": "A subquery", "expressions": "LIMIT … BY"}
_HINT: Final = "a statement is one SELECT of tags, metrics and functions over one table"


def _empty(value: Any) -> bool:  # noqa: ANN401  sqlglot is not typed
    return value is None or value is False or value == []


def check(tree: Any) -> None:  # noqa: ANN401  sqlglot is not typed
    """Raises QueryError unless every node and every argument of it is on the list, and there is one SELECT."""
    seen: set[type] = set()
    for node in tree.walk():
        allowed = _NODES.get(type(node))
        if allowed is None:
            message = f"{_WORDS.get(type(node), type(node).__name__.upper())} is not answered: {_HINT}."
            raise QueryError(message)
        if type(node) in _ONCE:
            if type(node) in seen:
                message = f"A second {type(node).__name__.upper()} is not answered: {_HINT}."
                raise QueryError(message)
            seen.add(type(node))
        for name, value in node.args.items():
            if name not in allowed and not _empty(value):
                clause = _CLAUSES.get(name) or f"{name.strip('_').upper()} in {type(node).__name__.upper()}"
                message = f"{clause} is not answered: {_HINT}."
                raise QueryError(message)
