"""SELECT: the clauses put together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlglot import exp

from services.querier.errors import QueryError
from services.querier.language import Select
from services.querier.language.dialect import text_of
from services.querier.translation.conditions import Conditions
from services.querier.translation.expressions import Bucket, Expressions, Term, dotted, read_bucket
from services.querier.translation.functions import function
from services.querier.translation.nodes import ROW, Node, call, number
from services.querier.translation.plan import Column, Plan
from services.querier.translation.times import Instant, Range
from services.querier.translation.values import Names
from services.querier.vocabulary import Source, TagType

_RECENT_S: Final = 600
_USUAL_INTERVAL_S: Final = 60
_LONGEST_NAME: Final = 200


@dataclass(frozen=True, slots=True)
class Limits:
    """How many rows an answer has at most, and how many where the statement does not say."""

    default: int = 10_000
    most: int = 10_000_000


def pick(sources: tuple[Source, ...], select: Select, precision: str, names: Names) -> Source:
    """One of a family. What is asked for by name wins, then `precision` (1s, 1m).

    Else the longest interval that divides the time bucket; without one the minutes, or the seconds where all is newer than ten minutes.
    """
    if len(sources) == 1:
        return sources[0]
    if precision:
        chosen = [source for source in sources if source.name == f"{source.family}.{precision}"]
        if not chosen:
            message = f"There is no {sources[0].family}.{precision}: there are {', '.join(source.name for source in sources)}."
            raise QueryError(message)
        return chosen[0]
    found = _bucket(select.tree)
    if found is not None:
        return next((source for source in reversed(sources) if found.seconds % source.interval_s == 0), sources[0])
    conditions = Conditions(Expressions(sources[0], names))
    if select.tree.args.get("where"):
        conditions.where(select.tree.args["where"].this)
    first = conditions.range.first
    recent = first is not None and first.relative and first.us > -_RECENT_S * 1_000_000
    fitting = [source for source in sources if source.interval_s <= (1 if recent else _USUAL_INTERVAL_S)]
    return fitting[-1] if fitting else sources[0]


def _bucket(tree: Node) -> Bucket | None:
    buckets = {read_bucket(node) for node in tree.find_all(exp.Anonymous) if str(node.this).lower() == "time"}
    if len({found.seconds for found in buckets}) > 1:
        message = "Two different time buckets in one statement; use one."
        raise QueryError(message)
    return next((found for found in buckets if found.fill != "none"), next(iter(buckets), None))


def translate_select(select: Select, source: Source, names: Names, limits: Limits) -> Plan:
    """The store's SELECT for one of ours, and the columns of its answer. Raises QueryError."""
    return _Translation(select.tree, source, names, limits).plan()


class _Translation:
    def __init__(self, tree: Node, source: Source, names: Names, limits: Limits) -> None:
        self.tree, self.source, self.limits = tree, source, limits
        self.bucket = _bucket(tree)
        self.range = Range()
        self.expressions = Expressions(source, names, self._seconds)
        self.items = [(item.this, item.alias) if isinstance(item, exp.Alias) else (item, "") for item in tree.expressions]
        self.aliases = {alias: item for item, alias in self.items if alias}
        self.grouped = bool(tree.args.get("group") or tree.args.get("having")) or any(
            function(str(node.this)) is not None for node in tree.find_all(exp.Anonymous)
        )
        if self.bucket and source.interval_s and self.bucket.seconds % source.interval_s:
            message = f"{source.name} has a row each {source.interval_s} s: the time bucket must be a multiple of it."
            raise QueryError(message)

    def _seconds(self) -> Node | None:
        return number(self.bucket.seconds) if self.bucket else self.range.seconds(self.source.interval_s)

    def plan(self) -> Plan:
        query = exp.Select()
        where = self._where()
        keys = self._keys()
        if self.grouped:
            self.expressions.keys = keys
        terms = self._terms()
        self._name_check(terms)
        table = exp.Table(
            this=exp.Identifier(this=self.source.name, quoted=True),
            db=exp.Identifier(this=self.source.database, quoted=False),
            alias=exp.TableAlias(this=exp.Identifier(this=ROW, quoted=False)),
        )
        for term, column in terms:
            query = query.select(exp.Alias(this=self._fillable(term), alias=exp.Identifier(this=column.name, quoted=True)), copy=False)
        query = query.from_(table, copy=False)
        if where is not None:
            query = query.where(where, copy=False)
        if keys:
            query = query.group_by(*keys, copy=False)
        query = self._tail(query, keys)
        limit, offset, default = self._limit()
        query = query.limit(number(limit), copy=False)
        query = query.offset(number(offset), copy=False) if offset else query
        return Plan(tuple(column for _, column in terms), query.sql("clickhouse", comments=False), table=self.source.table.full_name, default_limit=default)

    def _where(self) -> Node | None:
        clause = self.tree.args.get("where")
        if clause is None:
            return None
        conditions = Conditions(self.expressions, self.range)
        return conditions.where(clause.this)

    def _keys(self) -> list[Node]:
        clause = self.tree.args.get("group")
        aliased = self.expressions.with_aliases(self.aliases)
        keys: list[Node] = []
        for item in clause.expressions if clause else ():
            node = aliased.term(self._position(item), grouped=False).node
            if node not in keys:
                keys.append(node)
        return keys

    def _position(self, item: Node) -> Node:
        """`GROUP BY 1` and `ORDER BY 1` stand for the first column."""
        if isinstance(item, exp.Literal) and not item.is_string:
            at = int(item.name) if item.name.isdigit() else 0
            if not 1 <= at <= len(self.items):
                message = f"There is no column {item.name[:20]}: SELECT has {len(self.items)}."
                raise QueryError(message)
            return self.items[at - 1][0]
        return item

    def _terms(self) -> list[tuple[Term, Column]]:
        terms: list[tuple[Term, Column]] = []
        for item, alias in self.items:
            if isinstance(item, exp.Star):
                terms += self._everything()
                continue
            term = self.expressions.term(item, grouped=self.grouped)
            asked = dotted(item) or text_of(item)
            terms.append((term, _column(alias or asked, term, asked if alias else "")))
        return terms

    def _everything(self) -> list[tuple[Term, Column]]:
        if self.grouped:
            message = "* cannot stand beside GROUP BY or functions: name the tags."
            raise QueryError(message)
        tags = [(name, self.expressions.of_tag(tag)) for name, tag in self.source.tags.items() if tag.type is not TagType.ID]
        measures = [
            (measure.name, self.expressions.term(measure.value, grouped=False))
            for measure in self.source.measures.values()
            if isinstance(measure.value, exp.Column) and measure.over is None
        ]
        return [(term, _column(name, term, "")) for name, term in (*tags, *measures)]

    def _name_check(self, terms: list[tuple[Term, Column]]) -> None:
        seen: set[str] = set()
        for _, column in terms:
            if column.name in seen:
                message = f"Two columns are called {column.name[:60]!r}: give one of them another name with AS."
                raise QueryError(message)
            if not column.name.isprintable() or not 0 < len(column.name) <= _LONGEST_NAME or column.name == ROW:
                message = f"A column cannot be called {column.name[:60]!r}: use AS with another name."
                raise QueryError(message)
            seen.add(column.name)

    def _fillable(self, term: Term) -> Node:
        filled = self.bucket is not None and self.bucket.fill == "null"
        return call("toNullable", term.node) if filled and term.metric and term.value_type in {"Int", "Float"} else term.node

    def _tail(self, query: Node, keys: list[Node]) -> Node:
        aliased = self.expressions.with_aliases(self.aliases)
        having = self.tree.args.get("having")
        if having is not None:
            query = query.having(Conditions(aliased).having(having.this), copy=False)
        order = self.tree.args.get("order")
        ordered = [
            (aliased.term(self._position(item.this), grouped=self.grouped).node, bool(item.args.get("desc"))) for item in (order.expressions if order else ())
        ]
        if self.bucket is not None and self.bucket.fill != "none":
            return self._filled(query, keys, ordered)
        for item, (node, desc) in zip(order.expressions if order else (), ordered, strict=True):
            query = query.order_by(exp.Ordered(this=node, desc=desc, nulls_first=bool(item.args.get("nulls_first"))), copy=False)
        return query

    def _filled(self, query: Node, keys: list[Node], ordered: list[tuple[Node, bool]]) -> Node:
        """A row for each bucket of the range in each group that has any: ordered by the other keys, then by time."""
        bucket = self.expressions.term(next(node for node in self.tree.find_all(exp.Anonymous) if str(node.this).lower() == "time"), grouped=False).node
        if bucket not in keys or self.range.first is None or any(pair != (bucket, False) for pair in ordered):
            message = "Filling gaps needs the time bucket in GROUP BY, a time range in WHERE, and no other ORDER BY than the bucket."
            raise QueryError(message)
        seconds = number(self.bucket.seconds if self.bucket else 1)
        last = self.range.last or Instant(0, relative=True)
        begin = call("multiply", call("intDiv", self.range.first.seconds(), seconds), seconds.copy())
        end = call("multiply", call("plus", call("intDiv", last.seconds(), seconds.copy()), number(1)), seconds.copy())
        for key in keys:
            if key != bucket:
                query = query.order_by(exp.Ordered(this=key.copy(), desc=False, nulls_first=False), copy=False)
        fill = exp.WithFill(from_=begin, to=end, step=seconds.copy())
        return query.order_by(exp.Ordered(this=bucket, desc=False, nulls_first=False, with_fill=fill), copy=False)

    def _limit(self) -> tuple[int, int, int]:
        limit, offset = self.tree.args.get("limit"), self.tree.args.get("offset")
        skipped = offset.expression if offset is not None else (limit.args.get("offset") if limit is not None else None)
        begin = _whole_number(skipped, "OFFSET") if skipped is not None else 0
        if limit is None:
            return self.limits.default, begin, self.limits.default
        rows = _whole_number(limit.expression, "LIMIT")
        if rows > self.limits.most:
            message = f"LIMIT {rows} is more than one answer may have ({self.limits.most} rows): ask for fewer, or for a part with OFFSET."
            raise QueryError(message)
        return rows, begin, 0


def _column(name: str, term: Term, pre_as: str) -> Column:
    return Column(name, term.metric, term.unit, term.value_type, "" if term.metric else term.label_type, pre_as)


def _whole_number(node: Node, clause: str) -> int:
    if not isinstance(node, exp.Literal) or node.is_string or not node.name.isdigit() or len(node.name) > 18:  # noqa: PLR2004
        message = f"{clause} takes a whole number."
        raise QueryError(message)
    return int(node.name)
