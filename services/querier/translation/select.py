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
from services.querier.translation.nodes import ROW, Node, call, number, printed
from services.querier.translation.plan import Column, Plan
from services.querier.translation.stages import staged
from services.querier.translation.times import Instant, Range
from services.querier.translation.values import KEPT, Names
from services.querier.vocabulary import Source, TagType

_RECENT_S: Final = 600
_USUAL_INTERVAL_S: Final = 60
_FEW: Final = 600
"""With fewer intervals of rows than these, naming each row takes less time than the store needs to read a statement of two steps."""
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
        conditions.gather(select.tree.args["where"].this)
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
        self.places: dict[str, int] = {}
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
            self.expressions.keys = frozenset(keys)
        terms = self._terms()
        self._name_check(terms)
        for term, column in terms:
            query.append("expressions", exp.Alias(this=self._fillable(term), alias=exp.Identifier(this=column.name, quoted=True)))
        query.set("from_", exp.From(this=table(self.source)))
        if where is not None:
            query.set("where", exp.Where(this=where))
        self.places = {term.key: at for at, (term, _) in reversed(list(enumerate(terms, 1))) if term.key}
        if keys:
            query.set("group", exp.Group(expressions=[self._placed(tree) for tree in keys.values()]))
        self._tail(query, keys)
        limit, offset, default = self._limit()
        query.set("limit", exp.Limit(expression=number(limit)))
        if offset:
            query.set("offset", exp.Offset(expression=number(offset)))
        leaner = ""
        if keys and not self.range.is_short(_FEW, self.source.interval_s):
            aliased = self.expressions.with_aliases(self.aliases)
            in_one = printed(query)
            query = staged(query, [aliased.term(tree, grouped=True) for tree in keys.values()], self.expressions.names, self.range)
            leaner = in_one if query.args["from_"].find(exp.Subquery) else ""
        return Plan(tuple(column for _, column in terms), printed(query), leaner, table=self.source.table.full_name, default_limit=default)

    def _placed(self, tree: Node, *, grouped: bool = False) -> Node:
        """The position of a value among the result's columns, where it is one of them; the value itself else."""
        aliased = self.expressions.with_aliases(self.aliases)
        key = aliased.key(tree)
        return number(self.places[key]) if key in self.places else aliased.term(tree, grouped=grouped).node

    def _where(self) -> Node | None:
        clause = self.tree.args.get("where")
        if clause is None:
            return None
        conditions = Conditions(self.expressions, self.range)
        return conditions.where(clause.this)

    def _keys(self) -> dict[str, Node]:
        clause = self.tree.args.get("group")
        aliased = self.expressions.with_aliases(self.aliases)
        keys: dict[str, Node] = {}
        for item in clause.expressions if clause else ():
            tree = self._position(item)
            key = aliased.key(tree)
            if not key:
                message = f"Rows are grouped by tags, time(time, 60) or enum(tag), not by {text_of(item)[:60]}."
                raise QueryError(message)
            keys[key] = tree
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
            if not column.name.isprintable() or not 0 < len(column.name) <= _LONGEST_NAME or column.name == ROW or column.name.startswith(KEPT):
                message = f"A column cannot be called {column.name[:60]!r}: use AS with another name."
                raise QueryError(message)
            seen.add(column.name)

    def _fillable(self, term: Term) -> Node:
        filled = self.bucket is not None and self.bucket.fill == "null"
        return call("toNullable", term.node) if filled and term.metric and term.value_type in {"Int", "Float"} else term.node

    def _tail(self, query: Node, keys: dict[str, Node]) -> None:
        aliased = self.expressions.with_aliases(self.aliases)
        having = self.tree.args.get("having")
        if having is not None:
            query.set("having", exp.Having(this=Conditions(aliased).having(having.this)))
        order = self.tree.args.get("order")
        items = order.expressions if order else ()
        if self.bucket is not None and self.bucket.fill != "none":
            self._fill(query, keys, [(aliased.key(self._position(item.this)), bool(item.args.get("desc"))) for item in items])
        elif items:
            query.set("order", exp.Order(expressions=[_ordered(self._order_value(item.this), item) for item in items]))

    def _order_value(self, item: Node) -> Node:
        for at, (shown, alias) in enumerate(self.items, 1):
            if isinstance(shown, exp.Star):
                break
            if alias and dotted(item) == alias:
                return number(at)
        if isinstance(item, exp.Literal) and not item.is_string:
            self._position(item)
            return number(int(item.name))
        return self._placed(item, grouped=self.grouped)

    def _fill(self, query: Node, keys: dict[str, Node], ordered: list[tuple[str, bool]]) -> None:
        """A row for each bucket of the range in each group that has any: ordered by the other keys, then by time."""
        if "time" not in keys or self.range.first is None or self.bucket is None or ordered not in ([], [("time", False)]):
            message = "Filling gaps needs the time bucket in GROUP BY, a time range in WHERE, and no other ORDER BY than the bucket."
            raise QueryError(message)
        seconds = self.bucket.seconds
        last = self.range.last or Instant(0, relative=True)
        begin = call("multiply", call("intDiv", self.range.first.seconds(), number(seconds)), number(seconds))
        end = call("multiply", call("plus", call("intDiv", last.seconds(), number(seconds)), number(1)), number(seconds))
        rest = [exp.Ordered(this=self._placed(tree), desc=False, nulls_first=False) for key, tree in keys.items() if key != "time"]
        fill = exp.WithFill(from_=begin, to=end, step=number(seconds))
        time = exp.Ordered(this=self._placed(keys["time"]), desc=False, nulls_first=False, with_fill=fill)
        query.set("order", exp.Order(expressions=[*rest, time]))

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


def table(source: Source) -> Node:
    """The source as FROM has it: ``flow_metrics.`network.1m` AS _r``."""
    return exp.Table(
        this=exp.Identifier(this=source.name, quoted=True),
        db=exp.Identifier(this=source.database, quoted=False),
        alias=exp.TableAlias(this=exp.Identifier(this=ROW, quoted=False)),
    )


def _ordered(node: Node, item: Node) -> Node:
    return exp.Ordered(this=node, desc=bool(item.args.get("desc")), nulls_first=bool(item.args.get("nulls_first")))


def _column(name: str, term: Term, pre_as: str) -> Column:
    return Column(name, term.metric, term.unit, term.value_type, "" if term.metric else term.label_type, pre_as)


def _whole_number(node: Node, clause: str) -> int:
    if not isinstance(node, exp.Literal) or node.is_string or not node.name.isdigit() or len(node.name) > 18:  # noqa: PLR2004
        message = f"{clause} takes a whole number."
        raise QueryError(message)
    return int(node.name)
