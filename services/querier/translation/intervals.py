"""Names in a question's time range: which ids have one name throughout, and which need the row's time to tell.

The intervals of one id do not overlap (the tagrecorder ends one where the next begins), so an id with an interval that covers the whole
range has that one name in every row. Ids with an interval that begins or ends within the range are the few that change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlglot import exp

from libs.tables.tag import FOR_EVER
from services.querier.translation.nodes import Node, aggregate, binary, call, column, every, negated, number
from services.querier.translation.times import Instant, Range
from services.querier.translation.values import AUTO_KINDS, NAMES_DATABASE, Names
from services.querier.vocabulary.tags import Tag, TagType

_MICRO: Final = 1_000_000
_SLACK_US: Final = 60 * _MICRO
"""`now()` is computed once for each part of a statement; the range is taken this much wider where it hangs on it."""
_LONGEST_AGO_US: Final = 900_000_000 * _MICRO


def _stored(name: str) -> Node:
    return exp.Column(this=exp.Identifier(this=name, quoted=False))


def _bound(at: Instant | None, shift_us: int) -> Node | None:
    """A bound of the range as the store's; None where there is none, or none that the store's seconds can hold."""
    if at is None or (at.relative and abs(at.us) > _LONGEST_AGO_US) or (not at.relative and not 0 <= at.us // _MICRO <= FOR_EVER):
        return None
    return Instant(at.us + shift_us, relative=True).moment() if at.relative else at.moment()


def beginning(span: Range) -> Node:
    """A moment at which a name that holds throughout the range holds."""
    return _bound(span.first, 0) or call("toDateTime", number(0))


def met(span: Range) -> list[Node]:
    """Conditions under which an interval and the range have a second in common."""
    first, last = _bound(span.first, -_SLACK_US), _bound(span.last, _SLACK_US)
    conditions = [binary(exp.LTE, _stored("valid_from"), last)] if last is not None else []
    return conditions + ([binary(exp.GTE, _stored("valid_to"), first)] if first is not None else [])


def _lasting(span: Range) -> Node:
    first = _bound(span.first, -_SLACK_US) or call("toDateTime", number(0))
    last = _bound(span.last, _SLACK_US) or call("toDateTime", number(FOR_EVER))
    return every(binary(exp.LTE, _stored("valid_from"), first), binary(exp.GTE, _stored("valid_to"), last))


@dataclass(frozen=True, slots=True)
class Named:
    """A tag that is shown by names: the row's columns that say whose, and where those names are."""

    identity: Node
    kinds: tuple[tuple[str, int], ...]
    """(kind, its number in `auto_type`); one with the number 0 where the tag is of a single kind."""
    span: Range

    def among(self, *conditions: Node) -> Node:
        """Whether the row's id is one of those with an interval under `conditions`."""
        return exp.In(this=self.identity.copy(), query=exp.Subquery(this=self._query(conditions)))

    def changing(self) -> Node:
        """Whether the row's id has a name for a part of the range only."""
        return self.among(*self._changing())

    def lasting(self) -> Node:
        """Whether the row's id has one name throughout the range."""
        return self.among(_lasting(self.span), call("notEmpty", _stored("name")))

    def is_any_changing(self) -> Node:
        """A constant of the question: what hangs on it is not even computed where no name changes."""
        ids = self._query(self._changing())
        return binary(exp.GT, exp.Subquery(this=exp.Select().select(aggregate("count")).from_(exp.Subquery(this=ids))), number(0))

    def matching(self, condition: Node, exact: Node, *, few: bool, nameless: bool = False) -> Node:
        """The rows whose name meets `condition` (of the column `name`); `exact` is the same of the name at the row's time.

        `few` of the rows can be expected to, so that each may be looked at.
        """
        wanted = [condition, *met(self.span)] + ([] if nameless else [call("notEmpty", _stored("name"))])
        return every(self.among(*wanted), exact if few else exp.Or(this=negated(self.changing()), expression=exact))

    def _changing(self) -> tuple[Node, ...]:
        return (*met(self.span), negated(_lasting(self.span)))

    def _query(self, conditions: tuple[Node, ...]) -> Node:
        queries = [self._of_kind(kind, kind_number, conditions) for kind, kind_number in self.kinds]
        whole = queries[0]
        for query in queries[1:]:
            whole = exp.Union(this=whole, expression=query, distinct=False)
        return whole

    @staticmethod
    def _of_kind(kind: str, kind_number: int, conditions: tuple[Node, ...]) -> Node:
        dictionary = exp.Table(this=exp.Identifier(this=kind, quoted=False), db=exp.Identifier(this=NAMES_DATABASE, quoted=False))
        shown = [_stored("id")] if not kind_number else [call("toUInt8", number(kind_number)), call("toUInt32", _stored("id"))]
        return exp.Select().select(*shown).from_(dictionary).where(every(*(condition.copy() for condition in conditions)))


def named(tag: Tag, names: Names, span: Range) -> Named | None:
    """Whose name the tag is; None where it is not shown by a name, or there are no names of its kinds."""
    if tag.type is TagType.RESOURCE and tag.resource in names.kinds:
        return Named(column(tag.columns[0]), ((tag.resource, 0),), span)
    kinds = tuple((kind, kind_number) for kind, kind_number in AUTO_KINDS.items() if kind in names.kinds)
    if tag.type is TagType.AUTO and kinds:
        return Named(exp.Tuple(expressions=[column(tag.columns[1]), column(tag.columns[2])]), kinds, span)
    return None
