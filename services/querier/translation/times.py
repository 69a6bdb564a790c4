"""Time in WHERE: integers, ISO 8601 text and `now()` arithmetic, and the range they span."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlglot import exp

from services.querier.errors import QueryError
from services.querier.translation.nodes import Node, binary, call, number

_MICRO: Final = 1_000_000
_UNITS: Final = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
_HELP: Final = "a time is seconds since the epoch, 'YYYY-MM-DD hh:mm:ss' (UTC unless it says otherwise) or now() - 300"


@dataclass(frozen=True, slots=True)
class Instant:
    """A point in time: `us` microseconds since the epoch, or since now."""

    us: int
    relative: bool = False

    def seconds(self) -> Node:
        """Whole seconds since the epoch, as the store computes them."""
        whole = self.us // _MICRO
        if not self.relative:
            return number(whole)
        now = call("toUnixTimestamp", call("now"))
        return now if whole == 0 else binary(exp.Add if whole > 0 else exp.Sub, now, number(abs(whole)))

    def moment(self) -> Node:
        """The same as a DateTime."""
        whole = self.us // _MICRO
        if not self.relative:
            return call("toDateTime", number(whole))
        return call("now") if whole == 0 else binary(exp.Add if whole > 0 else exp.Sub, call("now"), number(abs(whole)))

    def micros(self) -> Node:
        """Microseconds since the epoch."""
        if not self.relative:
            return number(self.us)
        return binary(exp.Add, call("toUnixTimestamp64Micro", call("now64", number(6))), number(self.us))


@dataclass(slots=True)
class Range:
    """The seconds that WHERE lets through, both ends included, as far as its AND-ed conditions say."""

    first: Instant | None = None
    last: Instant | None = None

    def narrow(self, operator: type, at: Instant) -> None:
        """Takes one comparison `time <operator> at` into account."""
        second = -(-at.us // _MICRO) if operator is exp.GTE else at.us // _MICRO
        if operator in {exp.GT, exp.GTE, exp.EQ}:
            self.first = self._tighter(self.first, Instant((second + (operator is exp.GT)) * _MICRO, at.relative), later=True)
        if operator in {exp.LT, exp.LTE, exp.EQ}:
            before = -(-at.us // _MICRO) - 1 if operator is exp.LT else second
            self.last = self._tighter(self.last, Instant(before * _MICRO, at.relative), later=False)

    @staticmethod
    def _tighter(old: Instant | None, new: Instant, *, later: bool) -> Instant:
        if old is None or old.relative != new.relative:
            return new
        return new if (new.us > old.us) is later else old

    def is_short(self, steps: int, interval_s: int) -> bool:
        """Whether it surely spans fewer rows than `steps` in a series of one each `interval_s` (a second where that is 0)."""
        last = self.last or Instant(0, relative=True)
        if self.first is None or self.first.relative is not last.relative or (last.relative and last.us > 0):
            return False
        return (last.us - self.first.us) // _MICRO < steps * max(1, interval_s)

    def seconds(self, interval_s: int) -> Node | None:
        """How many seconds the range spans, in whole rows of `interval_s`; None where it has no beginning. No end means now."""
        if self.first is None:
            return None
        last = self.last or Instant(0, relative=True)
        step = max(1, interval_s)
        if last.relative == self.first.relative and (step == 1 or not last.relative):
            first_row, last_row = -(-self.first.us // _MICRO // step) if step > 1 else self.first.us // _MICRO, last.us // _MICRO // step
            return number(max(step, (last_row - first_row + 1) * step))
        span = binary(exp.Add, binary(exp.Sub, last.seconds(), self.first.seconds()), number(1))
        rounded = span if step == 1 else binary(exp.Mul, call("intDiv", binary(exp.Add, span, number(step - 1)), number(step)), number(step))
        return call("greatest", rounded, number(step))


def bucket(time: Node, seconds: int) -> Node:
    """The beginning of the bucket a time is in, in seconds since the epoch."""
    return binary(exp.Mul, call("intDiv", call("toUnixTimestamp", time), number(seconds)), number(seconds))


def instant(node: Node, *, micro: bool) -> Instant:
    """Reads a time out of the question's tree. Bare numbers are seconds, or microseconds where `micro`. Raises QueryError."""
    if isinstance(node, exp.Paren):
        return instant(node.this, micro=micro)
    if isinstance(node, exp.Neg) and isinstance(node.this, exp.Literal) and not node.this.is_string:
        # No row is older than 1970, and the store's times begin there.
        return Instant(0)
    if isinstance(node, exp.Literal):
        return Instant(_iso(node.name)) if node.is_string else Instant(_number(node.name, 1 if micro else _MICRO))
    if isinstance(node, exp.Anonymous) and node.name.lower() == "now" and not node.expressions:
        return Instant(0, relative=True)
    if isinstance(node, exp.Add | exp.Sub):
        left = instant(node.this, micro=micro)
        shift = _span(node.expression, 1 if micro and not left.relative else _MICRO)
        return Instant(left.us + (shift if isinstance(node, exp.Add) else -shift), left.relative)
    message = f"This is not a time: {_HELP}."
    raise QueryError(message)


def _span(node: Node, unit_us: int) -> int:
    if isinstance(node, exp.Paren):
        return _span(node.this, unit_us)
    if isinstance(node, exp.Literal) and not node.is_string:
        return _number(node.name, unit_us)
    if isinstance(node, exp.Interval) and isinstance(node.this, exp.Literal):
        unit = str(node.args.get("unit") or "").lower().removesuffix("s")
        if unit in _UNITS:
            return _number(node.this.name, _UNITS[unit] * _MICRO)
    if isinstance(node, exp.Mul):
        left, right = _span(node.this, 1), _span(node.expression, 1)
        return left * right * unit_us
    message = f"This is not a span of time: a number of seconds, or INTERVAL 5 MINUTE ({', '.join(_UNITS)})."
    raise QueryError(message)


def _number(written: str, unit_us: int) -> int:
    try:
        micros = int(float(written) * unit_us) if not written.isdigit() else int(written) * unit_us
    except (ValueError, OverflowError) as error:
        message = f"{written[:40]!r} is not a number."
        raise QueryError(message) from error
    if abs(micros) > 2**62:
        message = f"{written[:40]!r} is too far away: {_HELP}."
        raise QueryError(message)
    return micros


def _iso(written: str) -> int:
    try:
        at = datetime.fromisoformat(written)
    except ValueError as error:
        message = f"{written[:40]!r} is not a time: {_HELP}."
        raise QueryError(message) from error
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    whole = at - datetime(1970, 1, 1, tzinfo=UTC)
    return (whole.days * 86400 + whole.seconds) * _MICRO + whole.microseconds
