"""Values: what stands in SELECT, GROUP BY, HAVING and ORDER BY, and on either side of a comparison of measures."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from sqlglot import exp

from services.querier.errors import QueryError, no_such
from services.querier.language.dialect import text_of
from services.querier.translation.functions import FUNCTIONS, Compiled, Function, Over, function
from services.querier.translation.nodes import Node, aggregate, binary, call, column, number
from services.querier.translation.times import bucket
from services.querier.translation.values import Names, value, value_type, word
from services.querier.vocabulary import Measure, MeasureType, Source, Tag, TagType

NUMERIC: Final = frozenset({"Int", "Float"})
_ARITHMETIC: Final = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod)
_COUNTED: Final = (TagType.INT, TagType.TIME, TagType.TIME_US)
_MOST_BUCKET_S: Final = 366 * 86400


@dataclass(frozen=True, slots=True)
class Term:
    """A compiled value with what is known of it."""

    node: Node
    metric: bool = True
    unit: str = ""
    value_type: str = "Float"
    label_type: str = ""
    plain: bool = False
    """A number that stands in the statement itself."""
    key: str = ""
    """What tells it from other values that can be grouped by; nothing for what cannot."""
    tag: Tag | None = None
    """The tag that it shows."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """What `time(time, seconds, 1, fill)` asked for."""

    seconds: int
    fill: str = "none"


@dataclass(slots=True)
class Expressions:
    """Compiles values over one source. `keys` are the group keys once they are known; None before, and in statements without groups."""

    source: Source
    names: Names
    seconds: Callable[[], Node | None] = lambda: None
    """How many seconds PerSecond divides by."""
    aliases: dict[str, Node] = field(default_factory=dict)
    keys: frozenset[str] | None = None

    def with_aliases(self, aliases: dict[str, Node]) -> Expressions:
        """The same with names that stand for columns of the result."""
        return replace(self, aliases=aliases)

    def term(self, node: Node, *, grouped: bool) -> Term:
        """Compiles a value. `grouped`: it is of a group of rows, so measures must be inside functions. Raises QueryError."""
        if isinstance(node, exp.Paren):
            return self.term(node.this, grouped=grouped)
        if isinstance(node, exp.Column | exp.Dot):
            return self._named(node, grouped=grouped)
        if isinstance(node, exp.Literal) and not node.is_string:
            return Term(number(numeral(node.name)), value_type="Int" if node.name.isdigit() else "Float", plain=True)
        if isinstance(node, exp.Neg):
            inner = self._numeric(node.this, grouped=grouped)
            return replace(inner, node=call("negate", inner.node))
        if isinstance(node, _ARITHMETIC):
            return self._arithmetic(node, grouped=grouped)
        if isinstance(node, exp.Anonymous):
            return self._function(node, grouped=grouped)
        if isinstance(node, exp.Literal):
            message = f"The text {node.name[:40]!r} cannot stand here; text is only compared with."
            raise QueryError(message)
        message = f"{text_of(node)[:60]} is not a tag, a metric or a function of them."
        raise QueryError(message)

    def key(self, node: Node) -> str:
        """What the value would have as its `key`, found without compiling it; nothing for what rows are not grouped by. Raises QueryError."""
        if isinstance(node, exp.Paren):
            return self.key(node.this)
        if isinstance(node, exp.Column | exp.Dot):
            name = dotted(node)
            if name in self.aliases:
                return replace(self, aliases={}).key(self.aliases[name])
            tag = self.source.tag(name)
            return f"tag {tag.name}" if tag is not None else self._named(node, grouped=False).key
        if isinstance(node, exp.Anonymous) and str(node.this).lower() == "time":
            return "time" if read_bucket(node) else ""
        if isinstance(node, exp.Anonymous) and str(node.this).lower() == "enum":
            return f"enum {self.enum_tag(node).name}"
        return ""

    def _numeric(self, node: Node, *, grouped: bool) -> Term:
        term = self.term(node, grouped=grouped)
        if term.value_type not in NUMERIC:
            message = f"{text_of(node)[:60]} is not a number."
            raise QueryError(message)
        return term

    def _arithmetic(self, node: Node, *, grouped: bool) -> Term:
        left, right = self._numeric(node.this, grouped=grouped), self._numeric(node.expression, grouped=grouped)
        same = isinstance(node, exp.Add | exp.Sub) and left.unit == right.unit
        unit = left.unit if same else ""
        if isinstance(node, exp.Div):
            return Term(_quotient(left, right), unit=unit)
        if isinstance(node, exp.Mod):
            return Term(call("modulo", left.node, call("nullIf", right.node, number(0))), unit=unit, value_type=left.value_type)
        kind = "Int" if left.value_type == right.value_type == "Int" else "Float"
        return Term(binary(type(node), left.node, right.node), unit=unit, value_type=kind, plain=left.plain and right.plain)

    def _named(self, node: Node, *, grouped: bool) -> Term:
        name = dotted(node)
        if name in self.aliases:
            return replace(self, aliases={}).term(self.aliases[name], grouped=grouped)
        tag = self.source.tag(name)
        if tag is not None:
            return self._key(self.of_tag(tag), name, grouped=grouped)
        measure = self.source.measures.get(name)
        if measure is None:
            no_such("tag or metric", name, self.source.table.full_name, [*self.source.names(), *self.aliases])
        term = Term(self.compiled(measure).row, unit=measure.unit, value_type=_measured(measure.type), key=f"measure {name}")
        if grouped and (self.keys is None or term.key not in self.keys):
            message = f"{name} must be inside a function such as Sum({name}), or in GROUP BY."
            raise QueryError(message)
        return term

    def of_tag(self, tag: Tag) -> Term:
        """A tag's value as it is shown."""
        return Term(value(tag, self.names), metric=False, unit=tag.unit, value_type=value_type(tag), label_type=tag.type.value, key=f"tag {tag.name}", tag=tag)

    def _key(self, term: Term, name: str, *, grouped: bool) -> Term:
        if grouped and self.keys is not None and term.key not in self.keys:
            message = f"{name} must be in GROUP BY, or inside a function such as Uniq({name})."
            raise QueryError(message)
        return term

    def compiled(self, measure: Measure) -> Compiled:
        """A measure's formulas over the store's columns."""
        trees = (measure.value, measure.over, measure.longest, measure.sampled)
        value_, over, longest, sampled = (None if tree is None else stored(tree) for tree in trees)
        return Compiled(measure.type, value_, over, longest, sampled)

    def _function(self, node: Node, *, grouped: bool) -> Term:
        name = str(node.this).lower()
        if name == "time":
            seconds = read_bucket(node).seconds
            return self._key(
                Term(bucket(column("time"), seconds), metric=False, unit="s", value_type="Int", label_type="time", key="time"), text_of(node), grouped=grouped
            )
        if name == "enum":
            tag = self.enum_tag(node)
            term = Term(word(tag), metric=False, value_type="String", label_type="enum", key=f"enum {tag.name}", tag=tag)
            return self._key(term, text_of(node), grouped=grouped)
        found = function(name)
        if found is None:
            no_such("function", str(node.this), "this language", [*(row.name for row in FUNCTIONS), "time", "enum"])
        if not grouped:
            message = f"{found.name} adds up rows, so it stands in SELECT, HAVING or ORDER BY; a condition on it belongs in HAVING."
            raise QueryError(message)
        return {Over.MEASURE: self._over_measure, Over.TAG: self._over_tags, Over.RESULT: self._over_results}[found.over](found, node)

    def enum_tag(self, node: Node) -> Tag:
        """The tag inside `enum(tag)`; raises QueryError where there is none or it has no words."""
        name = dotted(node.expressions[0]) if len(node.expressions) == 1 else ""
        tag = self.source.tag(name)
        if tag is None or not tag.enum:
            no_such("tag with words", name or text_of(node), self.source.table.full_name, [row.name for row in self.source.tags.values() if row.enum])
        return tag

    def _over_measure(self, found: Function, node: Node) -> Term:
        arguments = node.expressions
        if found.name == "Count" and (not arguments or isinstance(arguments[0], exp.Star)):
            return Term(aggregate("count"), unit="row", value_type="Int")
        subject = self._one(found, arguments, len(found.parameters))
        compiled, unit, whole = self._subject(found, subject)
        parameters = _parameters(found, arguments[1:])
        kind = ("Int" if whole else "Float") if found.value_type == "Same" else found.value_type
        return Term(found.build(compiled, parameters), unit=found.unit.replace("{unit}", unit), value_type=kind)

    def _subject(self, found: Function, node: Node) -> tuple[Compiled, str, bool]:
        name = dotted(node) if isinstance(node, exp.Column | exp.Dot) else ""
        measure = self.source.measures.get(name)
        if measure is not None and self.source.tag(name) is None:
            if measure.type not in found.types:
                fitting = ", ".join(row.name for row in FUNCTIONS if measure.type in row.types)
                message = f"{found.name} does not fit {name}, a {measure.type.value}: use {fitting}."
                raise QueryError(message)
            return self.compiled(measure), measure.unit, _measured(measure.type) == "Int"
        tag = self.source.tag(name) if name else None
        if tag is not None and tag.type not in _COUNTED:
            message = f"{found.name} takes a metric, and {name} is a tag: use Uniq({name}), or TopK({name}, 5)."
            raise QueryError(message)
        term = replace(self, keys=None)._numeric(node, grouped=False)  # noqa: SLF001  the same class
        return Compiled(MeasureType.COUNTER if tag is None else MeasureType.GAUGE, term.node), term.unit, term.value_type == "Int"

    def _over_tags(self, found: Function, node: Node) -> Term:
        split = len(node.expressions) - len(found.parameters)
        several = found.parameters == () and found.name.startswith("Uniq")
        if split < 1 or (split > 1 and not several):
            message = f"{found.name} is used as {found.usage}."
            raise QueryError(message)
        terms = []
        for argument in node.expressions[:split]:
            tag = self.source.tag(dotted(argument)) if isinstance(argument, exp.Column | exp.Dot) else None
            if tag is None and not (isinstance(argument, exp.Anonymous) and str(argument.this).lower() == "enum"):
                no_such("tag", text_of(argument), self.source.table.full_name, self.source.tags)
            terms.append(Term(word(self.enum_tag(argument)), metric=False, value_type="String") if tag is None else self.of_tag(tag))
        kind = terms[0].value_type if found.name == "Any" else found.value_type
        return Term(found.build(tuple(term.node for term in terms), _parameters(found, node.expressions[split:])), unit=found.unit, value_type=kind)

    def _over_results(self, found: Function, node: Node) -> Term:
        wanted = found.usage.count(",") + 1
        if len(node.expressions) != wanted:
            message = f"{found.name} is used as {found.usage}."
            raise QueryError(message)
        terms = [self._numeric(argument, grouped=True) for argument in node.expressions]
        nodes = [term.node for term in terms]
        if found.name == "PerSecond":
            seconds = self.seconds()
            if seconds is None:
                message = "PerSecond needs to know how long: group by time(time, 60), or say since when, as in WHERE time > now() - 300."
                raise QueryError(message)
            nodes.append(seconds)
        return Term(found.build(tuple(nodes), ()), unit=found.unit.replace("{unit}", terms[0].unit))

    def _one(self, found: Function, arguments: list[Node], parameters: int) -> Node:
        if len(arguments) != 1 + parameters or isinstance(arguments[0], exp.Star):
            message = f"{found.name} is used as {found.usage}."
            raise QueryError(message)
        return arguments[0]


def _measured(kind: MeasureType) -> str:
    return "Int" if kind in {MeasureType.COUNTER, MeasureType.GAUGE} else "Float"


def _quotient(left: Term, right: Term) -> Node:
    if right.plain and right.node != number(0):
        return binary(exp.Div, left.node, right.node)
    return call("divide", left.node, call("nullIf", right.node, number(0)))


def _parameters(found: Function, arguments: list[Node]) -> tuple[float, ...]:
    numbers = []
    for (name, least, most), argument in zip(found.parameters, arguments, strict=True):
        written = numeral(argument.name) if isinstance(argument, exp.Literal) and not argument.is_string else math.nan
        if not least <= written <= most:
            message = f"{name} of {found.usage} is a number from {least:g} to {most:g}."
            raise QueryError(message)
        numbers.append(written)
    return tuple(numbers)


def numeral(written: str) -> int | float:
    """A number as written in the statement; raises QueryError where it is none or too large."""
    try:
        parsed: int | float = int(written) if written.isdigit() else float(written)
    except ValueError as error:
        message = f"{written[:40]!r} is not a number."
        raise QueryError(message) from error
    if not math.isfinite(parsed) or abs(parsed) >= 2**64:
        message = f"The number {written[:40]} is too large."
        raise QueryError(message)
    return parsed


def dotted(node: Node) -> str:
    """A name as it is written, parts joined by dots; '' where the node is none."""
    if isinstance(node, exp.Column):
        return ".".join(part.name for part in node.parts) if not isinstance(node.this, exp.Star) else ""
    if isinstance(node, exp.Dot):
        right = node.expression.name if isinstance(node.expression, exp.Identifier) else ""
        left = dotted(node.this)
        return f"{left}.{right}" if left and right else ""
    return ""


def stored(tree: Node) -> Node:
    """A measure's formula with its columns written as the store's."""
    if isinstance(tree, exp.Column):
        return column(tree.name)
    if isinstance(tree, exp.Literal):
        return number(numeral(tree.name))
    if isinstance(tree, exp.Paren):
        return stored(tree.this)
    if isinstance(tree, exp.Not):
        return call("not", stored(tree.this))
    if isinstance(tree, exp.In):
        return exp.In(this=stored(tree.this), expressions=[stored(item) for item in tree.expressions])
    return binary(type(tree), stored(tree.this), stored(tree.expression))


def read_bucket(node: Node) -> Bucket:
    """Reads `time(time, seconds[, 1[, fill]])`; raises QueryError."""
    usage = "time is used as time(time, 60), or time(time, 60, 1, 0) to fill gaps with 0 (or 'null')"
    arguments = node.expressions
    if not 2 <= len(arguments) <= 4 or dotted(arguments[0]) != "time":  # noqa: PLR2004
        message = f"{usage}."
        raise QueryError(message)
    plain = [argument.name if isinstance(argument, exp.Literal) else "?" for argument in arguments[1:]]
    seconds = int(plain[0]) if plain[0].isdigit() and len(plain[0]) < 10 else 0  # noqa: PLR2004
    fill = plain[2].lower() if len(plain) == 3 else "none"  # noqa: PLR2004
    if not 1 <= seconds <= _MOST_BUCKET_S or plain[1:2] not in ([], ["1"]) or fill not in {"none", "null", "0"}:
        message = f"{usage}; the bucket is 1 to {_MOST_BUCKET_S} seconds."
        raise QueryError(message)
    return Bucket(seconds, fill)
