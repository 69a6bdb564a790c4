"""WHERE and HAVING."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from sqlglot import exp

from services.querier.errors import QueryError
from services.querier.language.dialect import text_of
from services.querier.translation.comparisons import PATTERNS, Comparison, Literal, compare, literal_node
from services.querier.translation.expressions import NUMERIC, Expressions, dotted, numeral
from services.querier.translation.nodes import Node, binary, call, column, every, member, negated, some, text
from services.querier.translation.times import Instant, Range, instant
from services.querier.translation.values import stored_values, value, word
from services.querier.vocabulary import Tag, TagType

_FLIPPED: Final = {exp.GT: exp.LT, exp.GTE: exp.LTE, exp.LT: exp.GT, exp.LTE: exp.GTE, exp.EQ: exp.EQ, exp.NEQ: exp.NEQ}
_TIMES: Final = (TagType.TIME, TagType.TIME_US)


@dataclass(slots=True)
class Conditions:
    """Compiles conditions; `range` gathers what WHERE says about time."""

    expressions: Expressions
    range: Range = field(default_factory=Range)

    def where(self, node: Node) -> Node:
        """A condition on rows. What it says about time is read first: how names are compared depends on it."""
        self.gather(node)
        return self._where(node)

    def gather(self, node: Node) -> None:
        """Narrows `range` by those comparisons of the time that every row has to meet."""
        if isinstance(node, exp.Paren):
            self.gather(node.this)
        elif isinstance(node, exp.And):
            self.gather(node.this)
            self.gather(node.expression)
        elif isinstance(node, exp.Between):
            self._narrow(exp.GTE, node.this, node.args["low"])
            self._narrow(exp.LTE, node.this, node.args["high"])
        elif type(node) in _FLIPPED:
            if isinstance(node.this, exp.Literal) and not isinstance(node.expression, exp.Literal):
                self._narrow(_FLIPPED[type(node)], node.expression, node.this)
            else:
                self._narrow(type(node), node.this, node.expression)

    def _narrow(self, operator: type, left: Node, right: Node) -> None:
        tag = self.expressions.source.tag(dotted(left)) if isinstance(left, exp.Column) else None
        if tag is not None and tag.name == "time":
            self.range.narrow(operator, instant(right, micro=False))

    def _where(self, node: Node) -> Node:  # noqa: PLR0911  one line for each kind of node
        if isinstance(node, exp.Paren):
            return self._where(node.this)
        if isinstance(node, exp.And):
            return every(self._where(node.this), self._where(node.expression))
        if isinstance(node, exp.Or):
            return some(self._where(node.this), self._where(node.expression))
        if isinstance(node, exp.Not):
            return negated(self._where(node.this))
        if isinstance(node, exp.NEQ):
            return negated(self._where(exp.EQ(this=node.this, expression=node.expression)))
        if isinstance(node, exp.Like | exp.ILike) and node.args.get("negate"):
            return negated(self._leaf(type(node), node.this, [node.expression]))
        if isinstance(node, exp.Between):
            low, high = node.args["low"], node.args["high"]
            return every(self._leaf(exp.GTE, node.this, [low]), self._leaf(exp.LTE, node.this, [high]))
        if isinstance(node, exp.In):
            return self._leaf(exp.In, node.this, node.expressions)
        if type(node) in _FLIPPED or type(node) in PATTERNS:
            return self._leaf(type(node), node.this, [node.expression])
        message = f"{text_of(node)[:60]} is not a condition: compare a tag or a metric with something."
        raise QueryError(message)

    def _leaf(self, operator: type, left: Node, right: list[Node]) -> Node:
        if not right:
            message = f"IN of {text_of(left)[:60]} needs at least one value."
            raise QueryError(message)
        if isinstance(left, exp.Literal) and operator in _FLIPPED and not isinstance(right[0], exp.Literal):
            return self._leaf(_FLIPPED[operator], right[0], [left])
        tag = self.expressions.source.tag(dotted(left)) if isinstance(left, exp.Column | exp.Dot) else None
        if tag is not None and tag.type in _TIMES:
            return self._time(tag, operator, right)
        literals = [literal_of(item) for item in right]
        if None in literals:
            return self._values(operator, left, right)
        operator = exp.In if operator is exp.EQ else operator
        known = tuple(item for item in literals if item is not None)
        if tag is not None:
            return compare(Comparison(tag, operator, known, self.expressions.names, self.range))
        if isinstance(left, exp.Anonymous) and str(left.this).lower() == "enum":
            return self._enum(self.expressions.enum_tag(left), operator, known)
        term = self.expressions.term(left, grouped=False)
        return compared(operator, term.node, left, known, numeric=term.value_type in NUMERIC)

    def _enum(self, tag: Tag, operator: type, literals: tuple[Literal, ...]) -> Node:
        comparison = Comparison(tag, operator, literals, self.expressions.names, self.range)
        comparison.words()
        if operator is exp.In and all(stored_values(tag, str(item)) for item in literals):
            return compare(comparison)
        return comparison.against(word(tag))

    def _values(self, operator: type, left: Node, right: list[Node]) -> Node:
        """A comparison of two values of the same row, such as chost_0 != chost_1 or retrans > packet / 10."""
        if operator not in _FLIPPED or len(right) != 1:
            message = f"{text_of(right[0])[:60]} cannot be compared with: give text in single quotes, or numbers."
            raise QueryError(message)
        one, other = self.expressions.term(left, grouped=False), self.expressions.term(right[0], grouped=False)
        if (one.value_type in NUMERIC) is not (other.value_type in NUMERIC) or "Map" in {one.value_type, other.value_type}:
            message = f"{text_of(left)[:60]} and {text_of(right[0])[:60]} are not of one kind."
            raise QueryError(message)
        return binary(operator, one.node, other.node)

    def _time(self, tag: Tag, operator: type, right: list[Node]) -> Node:
        micro = tag.type is TagType.TIME_US
        if operator in PATTERNS:
            message = f"{tag.name} is a time: it has no LIKE or REGEXP."
            raise QueryError(message)
        if operator is exp.In:
            return some(*(self._time(tag, exp.EQ, [item]) for item in right))
        at = instant(right[0], micro=micro)
        if micro:
            return binary(operator, value(tag, self.expressions.names), at.micros())
        return binary(operator, _column_of(tag), _whole(at, operator).moment())

    def having(self, node: Node) -> Node:
        """A condition on groups."""
        if isinstance(node, exp.Paren):
            return self.having(node.this)
        if isinstance(node, exp.And | exp.Or):
            parts = self.having(node.this), self.having(node.expression)
            return every(*parts) if isinstance(node, exp.And) else some(*parts)
        if isinstance(node, exp.Not):
            return negated(self.having(node.this))
        if isinstance(node, exp.Between):
            term = self.expressions.term(node.this, grouped=True)
            low, high = (self.expressions.term(node.args[end], grouped=True).node for end in ("low", "high"))
            return every(binary(exp.GTE, term.node, low), binary(exp.LTE, term.node.copy(), high))
        if isinstance(node, exp.In):
            known = tuple(item for item in map(literal_of, node.expressions) if item is not None)
            term = self.expressions.term(node.this, grouped=True)
            if known and len(known) == len(node.expressions):
                return compared(exp.In, term.node, node.this, known, numeric=term.value_type in NUMERIC)
        if type(node) in PATTERNS or type(node) in _FLIPPED:
            return self._having_leaf(node)
        message = f"{text_of(node)[:60]} is not a condition: compare a function such as Sum(byte) with a number."
        raise QueryError(message)

    def _having_leaf(self, node: Node) -> Node:
        term = self.expressions.term(node.this, grouped=True)
        literal = literal_of(node.expression)
        if literal is None:
            other = self.expressions.term(node.expression, grouped=True)
            return binary(type(node), term.node, other.node)
        operator = exp.In if type(node) is exp.EQ else type(node)
        condition = compared(operator, term.node, node.this, (literal,), numeric=term.value_type in NUMERIC)
        return negated(condition) if node.args.get("negate") else condition


def compared(operator: type, left: Node, asked: Node, literals: tuple[Literal, ...], *, numeric: bool) -> Node:
    """A comparison of a compiled value with literals; raises QueryError where they are not of its kind."""
    if numeric is any(isinstance(item, str) for item in literals) or (numeric and operator in PATTERNS):
        kind = "a number" if numeric else "text"
        message = f"{text_of(asked)[:60]} is {kind} and cannot be compared with {str(literals[0])[:40]!r} like that."
        raise QueryError(message)
    options = [literal_node(item) for item in literals]
    if operator in PATTERNS:
        return call(PATTERNS[operator], left, text(str(literals[0])))
    return member(left, options) if operator is exp.In else binary(operator, left, options[0])


def literal_of(node: Node) -> Literal | None:
    """A literal, a negative one too; None where the node is something else."""
    if isinstance(node, exp.Paren):
        return literal_of(node.this)
    if isinstance(node, exp.Literal):
        return str(node.name) if node.is_string else numeral(node.name)
    if isinstance(node, exp.Neg):
        inner = literal_of(node.this)
        return -inner if isinstance(inner, int | float) else None
    return None


def _column_of(tag: Tag) -> Node:
    return column(tag.columns[0])


def _whole(at: Instant, operator: type) -> Instant:
    """Rounded so that comparing whole seconds says the same: `>= 1.5 s` and `< 1.5 s` mean from second 2 and up to second 1."""
    second = -(-at.us // 1_000_000) if operator in {exp.GTE, exp.LT} else at.us // 1_000_000
    return Instant(second * 1_000_000, at.relative)
