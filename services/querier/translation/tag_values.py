"""SHOW TAG x VALUES FROM t: which values a tag has, from its dictionary, its closed set or the rows themselves."""

from __future__ import annotations

from typing import Any, Final

from sqlglot import exp

from libs.catalog import ENUMS
from services.querier.errors import QueryError, no_such
from services.querier.language import Show
from services.querier.translation.conditions import Conditions, compared, literal_of
from services.querier.translation.expressions import Expressions, dotted
from services.querier.translation.nodes import ROW, Node, binary, call, every, negated, number, printed, some
from services.querier.translation.plan import Column, Plan
from services.querier.translation.select import Limits, table
from services.querier.translation.values import NAMES_DATABASE, Names, value, word
from services.querier.vocabulary import Source, Tag, TagType

_COLUMNS: Final = ("value", "display_name")
_DEFAULT_LIMIT: Final = 1000


def show_values(statement: Show, source: Source, names: Names, limits: Limits) -> Plan:
    """Two columns: `value` (what is stored or compared with) and `display_name`. WHERE is of these two, or of the table's own tags."""
    tag = source.tag(statement.tag) or source.tag(f"{statement.tag}_0")
    if tag is None:
        no_such("tag", statement.tag, source.table.full_name, source.tags)
    if tag.type is TagType.MAP:
        message = f"{tag.name} has keys of its own: ask for the values of one, `{tag.name}.key`."
        raise QueryError(message)
    number_valued = bool(tag.resource) or tag.type in {TagType.INT_ENUM, TagType.INT, TagType.ID, TagType.TIME, TagType.TIME_US, TagType.BITS}
    columns = (
        Column("value", metric=False, value_type="Int" if number_valued else "String", label_type=tag.type.value),
        Column("display_name", metric=False),
    )
    asked = _asked(statement.tree)
    if tag.enum and asked <= set(_COLUMNS):
        return _of_closed_set(tag, columns, statement.tree, limits)
    if tag.type is TagType.RESOURCE and asked <= set(_COLUMNS):
        if tag.resource not in names.kinds:
            return Plan(columns, rows=())
        query = _of_dictionary(tag)
    else:
        query = _of_rows(tag, source, names, statement.tree, asked)
    outer = exp.Select().select(*(exp.column(name) for name in _COLUMNS)).from_(exp.Subquery(this=query))
    return Plan(columns, printed(_finished(outer, statement.tree, asked, limits)), table=source.table.full_name)


def _asked(tree: Node) -> set[str]:
    clause = tree.args.get("where")
    return {dotted(node) for node in clause.find_all(exp.Column)} if clause else set()


def _of_closed_set(tag: Tag, columns: tuple[Column, ...], tree: Node, limits: Limits) -> Plan:
    members = exp.Array(expressions=[exp.Tuple(expressions=[_stored(row.value), exp.Literal.string(row.name)]) for row in ENUMS[tag.enum]])
    pair = exp.Identifier(this="pair", quoted=False)
    inner = exp.Select().select(exp.Alias(this=call("arrayJoin", members), alias=pair))
    parts = [
        exp.Alias(this=call("tupleElement", exp.Column(this=pair.copy()), number(at + 1)), alias=exp.to_identifier(name)) for at, name in enumerate(_COLUMNS)
    ]
    query = exp.Select().select(*parts).from_(exp.Subquery(this=inner))
    outer = exp.Select().select(*(exp.column(name) for name in _COLUMNS)).from_(exp.Subquery(this=query))
    return Plan(columns, printed(_finished(outer, tree, set(_COLUMNS), limits)))


def _stored(item: int | str) -> Node:
    return exp.Literal.string(item) if isinstance(item, str) else number(item)


def _of_dictionary(tag: Tag) -> Node:
    identity, name = (exp.Column(this=exp.Identifier(this=part, quoted=False)) for part in ("id", "name"))
    dictionary = exp.Table(this=exp.Identifier(this=tag.resource, quoted=False), db=exp.Identifier(this=NAMES_DATABASE, quoted=False))
    shown = (exp.Alias(this=identity, alias=exp.to_identifier("value")), exp.Alias(this=name, alias=exp.to_identifier("display_name")))
    return exp.Select().select(*shown).distinct().from_(dictionary)


def _of_rows(tag: Tag, source: Source, names: Names, tree: Node, asked: set[str]) -> Node:
    """The values that rows have, most frequent first; WHERE on the table's tags narrows the rows."""
    shown = word(tag) if tag.enum else value(tag, names)
    stored = value(tag, names) if tag.type is not TagType.RESOURCE else exp.Column(this=exp.Identifier(this=tag.columns[0]), table=exp.Identifier(this=ROW))
    query = exp.Select().select(
        exp.Alias(this=stored, alias=exp.to_identifier("value")), exp.Alias(this=call("toString", shown), alias=exp.to_identifier("display_name"))
    )
    query = query.from_(table(source)).group_by(stored.copy(), call("toString", shown.copy()))
    clause = tree.args.get("where")
    if clause is not None and not asked & set(_COLUMNS):
        query = query.where(Conditions(Expressions(source, names)).where(clause.this))
    elif clause is not None and not asked <= set(_COLUMNS):
        message = "WHERE of SHOW TAG VALUES is either of value and display_name, or of the table's tags, not of both."
        raise QueryError(message)
    return query.order_by(exp.Ordered(this=call("count"), desc=True, nulls_first=False)).limit(number(_DEFAULT_LIMIT * 10))


def _finished(query: Node, tree: Node, asked: set[str], limits: Limits) -> Node:
    clause = tree.args.get("where")
    if clause is not None and asked <= set(_COLUMNS):
        query = query.where(_condition(clause.this))
    order = tree.args.get("order")
    for item in order.expressions if order else ():
        query = query.order_by(exp.Ordered(this=_shown(item.this), desc=bool(item.args.get("desc")), nulls_first=False))
    limit, offset = tree.args.get("limit"), tree.args.get("offset")
    rows = min(_integer(limit.expression), limits.most) if limit is not None else _DEFAULT_LIMIT
    skipped = offset.expression if offset is not None else (limit.args.get("offset") if limit is not None else None)
    query = query.limit(number(rows))
    return query.offset(number(_integer(skipped))) if skipped is not None else query


def _integer(node: Any) -> int:  # noqa: ANN401  sqlglot is not typed
    literal = literal_of(node)
    if not isinstance(literal, int) or literal < 0:
        message = "LIMIT and OFFSET take whole numbers."
        raise QueryError(message)
    return literal


def _shown(node: Node) -> Node:
    name = dotted(node)
    if name not in _COLUMNS:
        no_such("column", name, "SHOW TAG VALUES", _COLUMNS)
    return exp.column(name)


def _condition(node: Node) -> Node:
    if isinstance(node, exp.Paren):
        return _condition(node.this)
    if isinstance(node, exp.And | exp.Or):
        parts = _condition(node.this), _condition(node.expression)
        return every(*parts) if isinstance(node, exp.And) else some(*parts)
    if isinstance(node, exp.Not):
        return negated(_condition(node.this))
    if isinstance(node, exp.Between):
        low, high = (binary(kind, _text(node.this), _literal(node.args[end])) for kind, end in ((exp.GTE, "low"), (exp.LTE, "high")))
        return every(low, high)
    left = node.args.get("this")
    options = node.expressions if isinstance(node, exp.In) else [node.args.get("expression")]
    literals = tuple(str(item) for item in map(literal_of, options) if item is not None)
    if left is None or len(literals) != len(options) or not literals:
        message = "WHERE of SHOW TAG VALUES compares value or display_name with text or numbers."
        raise QueryError(message)
    operator = {exp.EQ: exp.In, exp.NEQ: exp.In}.get(type(node), type(node))
    condition = compared(operator, _text(left), left, literals, numeric=False)
    return negated(condition) if type(node) is exp.NEQ or node.args.get("negate") else condition


def _text(node: Node) -> Node:
    return call("toString", _shown(node))


def _literal(node: Node) -> Node:
    literal = literal_of(node)
    if literal is None:
        message = "WHERE of SHOW TAG VALUES compares value or display_name with text or numbers."
        raise QueryError(message)
    return exp.Literal.string(str(literal))
