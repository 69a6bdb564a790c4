"""Builders of the store's syntax trees. Operands that are operators themselves are put in parentheses: trees built by hand have no precedence."""

from __future__ import annotations

from typing import Any, Final

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect

ROW: Final = "_r"
"""The table's alias. Every column is written as `_r.column`, so that no name of a result column can stand for it."""

Node = Any
"""A sqlglot expression; sqlglot is not typed."""

_CLICKHOUSE: Final = Dialect.get_or_raise("clickhouse")

_AGGREGATE: Final = "aggregate"
_AGAIN: Final = {
    **dict.fromkeys(("sum", "sumIf", "count", "countIf"), "sum"),
    **dict.fromkeys(("maxOrNull", "maxOrNullIf"), "max"),
    **dict.fromkeys(("minOrNull", "minOrNullIf"), "min"),
    "any": "any",
}
"""Aggregates of aggregates: what makes one of several results. Of others the state is kept, which takes the store longer."""

_COMPOUND: Final = (exp.Binary, exp.Connector, exp.Not, exp.Neg, exp.Between, exp.In)


def _operand(node: Node) -> Node:
    return exp.Paren(this=node) if isinstance(node, _COMPOUND) else node


def column(name: str) -> Node:
    """`_r.name`."""
    return exp.Column(this=exp.Identifier(this=name, quoted=not name.isidentifier()), table=exp.Identifier(this=ROW, quoted=False))


def number(value: float) -> Node:
    """A number literal; negative ones in parentheses."""
    literal = exp.Literal.number(repr(abs(value)))
    return exp.Paren(this=exp.Neg(this=literal)) if value < 0 else literal


def text(value: str) -> Node:
    """A string literal."""
    return exp.Literal.string(value)


def call(name: str, *arguments: Node) -> Node:
    """`name(arguments…)`, the name printed as it is."""
    return exp.Anonymous(this=name, expressions=list(arguments))


def aggregate(name: str, *arguments: Node) -> Node:
    """`name(arguments…)`, a function over the rows of a group."""
    made = call(name, *arguments)
    made.meta[_AGGREGATE] = True
    return made


def is_aggregate(node: Node) -> bool:
    """Whether it is a function over the rows of a group, as `aggregate` and `parametric` make them."""
    return isinstance(node, exp.ParameterizedAgg) or (isinstance(node, exp.Anonymous) and _AGGREGATE in node.meta)


def in_steps(node: Node, kept: str) -> tuple[Node, Node]:
    """An aggregate in two steps: what is kept of each part of a group under the name `kept`, and what makes the whole of it."""
    if isinstance(node, exp.ParameterizedAgg):
        name, parameters = node.this.name, [item.copy() for item in node.expressions]
        first = exp.ParameterizedAgg(this=_function(f"{name}State"), expressions=parameters, params=[item.copy() for item in node.args["params"]])
        return first, exp.ParameterizedAgg(this=_function(f"{name}Merge"), expressions=[item.copy() for item in parameters], params=[column(kept)])
    if node.this in _AGAIN:
        return node.copy(), call(_AGAIN[node.this], column(kept))
    return call(f"{node.this}State", *(item.copy() for item in node.expressions)), call(f"{node.this}Merge", column(kept))


def _function(name: str) -> Node:
    return exp.Identifier(this=name, quoted=False)


def parametric(name: str, parameter: float, *arguments: Node) -> Node:
    """`name(parameter)(arguments…)`."""
    return exp.ParameterizedAgg(this=_function(name), expressions=[number(parameter)], params=list(arguments))


def binary(kind: type, left: Node, right: Node) -> Node:
    """Two operands and an operator."""
    return kind(this=_operand(left), expression=_operand(right))


def _junct(condition: Node) -> Node:
    """An operand of AND; OR within it needs parentheses, and AND within OR does not."""
    return exp.Paren(this=condition) if isinstance(condition, exp.Or | exp.Between) else condition


def every(*conditions: Node) -> Node:
    """AND of them all."""
    result = _junct(conditions[0])
    for condition in conditions[1:]:
        result = exp.And(this=result, expression=_junct(condition))
    return result


def some(*conditions: Node) -> Node:
    """OR of them all."""
    result = conditions[0]
    for condition in conditions[1:]:
        result = exp.Or(this=result, expression=condition)
    return result


def negated(condition: Node) -> Node:
    """NOT of it."""
    return exp.Not(this=exp.Paren(this=condition))


def member(value: Node, options: list[Node]) -> Node:
    """`value IN (options…)`, or `=` where there is one."""
    return binary(exp.EQ, value, options[0]) if len(options) == 1 else exp.In(this=_operand(value), expressions=options)


def divided(dividend: Node, divisor: Node) -> Node:
    """A division that gives NULL where the divisor is 0."""
    return call("divide", dividend, call("nullIf", divisor, number(0)))


def literal_list(values: list[Node]) -> Node:
    """An array of literals."""
    return exp.Array(expressions=values)


def printed(query: Node) -> str:
    """The store's SQL."""
    return str(_CLICKHOUSE.generate(query, copy=False, comments=False))
