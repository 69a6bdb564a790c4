"""Functions: one row each, and what the row does to the store's columns. To add one, add a row and its few lines of building."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sqlglot import exp

from services.querier.translation.nodes import Node, aggregate, binary, call, column, divided, number, parametric
from services.querier.vocabulary.measures import MeasureType


class Over(StrEnum):
    """What a function takes as its first argument."""

    MEASURE = "metric"
    TAG = "tag"
    RESULT = "result"
    """An expression that is already aggregated, or a number."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """A measure over the store's columns."""

    type: MeasureType
    value: Node
    over: Node = None
    longest: Node = None
    sampled: Node = None

    @property
    def row(self) -> Node:
        """Its value in one row; NULL where a ratio has nothing below."""
        if self.type is MeasureType.PERCENTAGE:
            return binary(exp.Mul, divided(self.value, self.over), number(100))
        if self.type in {MeasureType.DELAY, MeasureType.QUOTIENT}:
            return divided(self.value, self.over)
        return self.value

    @property
    def holds(self) -> Node:
        """The condition under which a row has it; None for every row."""
        return self.sampled if self.over is None else binary(exp.GT, self.over, number(0))


Build = Callable[[Any, tuple[float, ...]], Node]
"""Takes a Compiled (or a tag's tuple of values) and the numbers that follow, gives the store's expression."""


@dataclass(frozen=True, slots=True)
class Function:
    """One function."""

    name: str
    usage: str
    over: Over
    doc: str
    build: Build
    types: tuple[MeasureType, ...] = ()
    """Measure types it fits, where it takes a measure."""
    parameters: tuple[tuple[str, float, float], ...] = ()
    """(name, least, most) of each number that follows the first argument."""
    unit: str = "{unit}"
    """Unit of the result; `{unit}` stands for the argument's."""
    value_type: str = "Float"
    """`Same` is Int for whole measures and Float for ratios."""


def _rows(name: str, measure: Compiled, *, value: Node = None, parameter: float | None = None) -> Node:
    """An aggregate over the rows that have the measure; NULL where none has."""
    arguments = [measure.row if value is None else value]
    if measure.holds is not None:
        arguments.append(measure.holds)
    combined = f"{name}OrNull{'If' if measure.holds is not None else ''}"
    return aggregate(combined, *arguments) if parameter is None else parametric(combined, parameter, *arguments)


def _sum(measure: Compiled, _: tuple[float, ...]) -> Node:
    return aggregate("sum", measure.value) if measure.sampled is None else aggregate("sumIf", measure.value, measure.sampled)


def _avg(measure: Compiled, _: tuple[float, ...]) -> Node:
    if measure.over is None:
        return _rows("avg", measure)
    whole = divided(aggregate("sum", measure.value), aggregate("sum", measure.over))
    return binary(exp.Mul, whole, number(100)) if measure.type is MeasureType.PERCENTAGE else whole


def _max(measure: Compiled, _: tuple[float, ...]) -> Node:
    return _rows("max", measure, value=measure.longest)


def _min(measure: Compiled, _: tuple[float, ...]) -> Node:
    return _rows("min", measure)


def _last(measure: Compiled, _: tuple[float, ...]) -> Node:
    arguments = [measure.row, column("time")]
    return aggregate("argMaxOrNull", *arguments) if measure.holds is None else aggregate("argMaxOrNullIf", *arguments, measure.holds)


def _spread(measure: Compiled, _: tuple[float, ...]) -> Node:
    return binary(exp.Sub, _rows("max", measure), _rows("min", measure))


def _rspread(measure: Compiled, _: tuple[float, ...]) -> Node:
    return divided(_rows("max", measure), _rows("min", measure))


def _stddev(measure: Compiled, _: tuple[float, ...]) -> Node:
    return _rows("stddevPop", measure)


def _percentile(measure: Compiled, parameters: tuple[float, ...]) -> Node:
    if measure.type is MeasureType.DELAY:
        weighted = call("intDivOrZero", measure.value, measure.over)
        return parametric("quantileExactWeightedOrNullIf", parameters[0] / 100, weighted, measure.over, measure.holds)
    return _rows("quantile", measure, parameter=parameters[0] / 100)


def _percentile_exact(measure: Compiled, parameters: tuple[float, ...]) -> Node:
    if measure.type is MeasureType.DELAY:
        return _percentile(measure, parameters)
    return _rows("quantileExactInclusive", measure, parameter=parameters[0] / 100)


def _apdex(measure: Compiled, parameters: tuple[float, ...]) -> Node:
    limit = parameters[0]
    weight = measure.over if measure.over is not None else number(1)
    holds = measure.holds if measure.holds is not None else number(1)

    def share(condition: Node) -> Node:
        return aggregate("sumIf", weight, binary(exp.And, holds, condition))

    satisfied = share(binary(exp.LTE, measure.row, number(limit)))
    tolerating = share(binary(exp.And, binary(exp.GT, measure.row, number(limit)), binary(exp.LTE, measure.row, number(limit * 4))))
    good = binary(exp.Add, satisfied, binary(exp.Div, tolerating, number(2)))
    return binary(exp.Mul, divided(good, aggregate("sumIf", weight, holds)), number(100))


def _count(measure: Compiled, _: tuple[float, ...]) -> Node:
    if measure.over is not None:
        return aggregate("sum", measure.over)
    return aggregate("count") if measure.sampled is None else aggregate("countIf", measure.sampled)


def _uniq(values: tuple[Node, ...], _: tuple[float, ...]) -> Node:
    return aggregate("uniq", *values)


def _uniq_exact(values: tuple[Node, ...], _: tuple[float, ...]) -> Node:
    return aggregate("uniqExact", *values)


def _topk(values: tuple[Node, ...], parameters: tuple[float, ...]) -> Node:
    return parametric("topK", int(parameters[0]), *values)


def _any(values: tuple[Node, ...], _: tuple[float, ...]) -> Node:
    return aggregate("any", *values)


def _per_second(results: tuple[Node, ...], _: tuple[float, ...]) -> Node:
    return divided(results[0], results[1])


def _percentage(results: tuple[Node, ...], _: tuple[float, ...]) -> Node:
    return binary(exp.Mul, divided(results[0], results[1]), number(100))


_T = MeasureType
_ALL: Final = (_T.COUNTER, _T.GAUGE, _T.DELAY, _T.PERCENTAGE, _T.QUOTIENT)
_SUMS: Final = (_T.COUNTER, _T.GAUGE, _T.DELAY)
_P: Final = (("p", 0, 100),)
_M, _G, _R = Over.MEASURE, Over.TAG, Over.RESULT

FUNCTIONS: Final = (
    Function("Sum", "Sum(metric)", _M, "All of it together.", _sum, _SUMS, value_type="Same"),
    Function("Avg", "Avg(metric)", _M, "Mean over rows; of a delay over its samples; of a ratio after adding up.", _avg, _ALL),
    Function("Max", "Max(metric)", _M, "Largest; of a delay the longest sample.", _max, _ALL, value_type="Same"),
    Function("Min", "Min(metric)", _M, "Smallest; of a delay the smallest mean of a row.", _min, _ALL, value_type="Same"),
    Function("Last", "Last(metric)", _M, "Value in the latest row.", _last, _ALL, value_type="Same"),
    Function("Spread", "Spread(metric)", _M, "Largest minus smallest row.", _spread, _ALL, value_type="Same"),
    Function("Rspread", "Rspread(metric)", _M, "Largest row divided by the smallest.", _rspread, _ALL, unit=""),
    Function("Stddev", "Stddev(metric)", _M, "Standard deviation over rows.", _stddev, _ALL),
    Function(
        "Percentile", "Percentile(metric, p)", _M, "What p per cent do not exceed; a delay's rows weigh as much as they have samples.", _percentile, _ALL, _P
    ),
    Function("PercentileExact", "PercentileExact(metric, p)", _M, "The same without sampling, with more memory.", _percentile_exact, _ALL, _P),
    Function(
        "Apdex",
        "Apdex(delay, T)",
        _M,
        "Per cent of samples up to T us, plus half of those up to 4 T.",
        _apdex,
        (_T.DELAY, _T.GAUGE),
        (("T", 0, 2**53),),
        unit="%",
    ),
    Function(
        "Count", "Count(*) or Count(metric)", _M, "Rows; of a delay its samples; of a gauge the rows that have it.", _count, _SUMS, unit="", value_type="Int"
    ),
    Function("Uniq", "Uniq(tag, …)", _G, "How many different values; an estimate past some ten thousand.", _uniq, unit="", value_type="Int"),
    Function("UniqExact", "UniqExact(tag, …)", _G, "How many different values, exactly.", _uniq_exact, unit="", value_type="Int"),
    Function("TopK", "TopK(tag, n)", _G, "The n most frequent values, about.", _topk, parameters=(("n", 1, 100),), unit="", value_type="Array"),
    Function("Any", "Any(tag)", _G, "One of the values.", _any, unit="", value_type="String"),
    Function("PerSecond", "PerSecond(result)", _R, "Per second of the time bucket, or of the WHERE time range.", _per_second, unit="{unit}/s"),
    Function("Percentage", "Percentage(a, b)", _R, "100 * a / b.", _percentage, unit="%"),
)
_BY_NAME: Final = {row.name.lower(): row for row in FUNCTIONS}


def function(name: str) -> Function | None:
    """The function of that name, whatever its case; None where there is none."""
    return _BY_NAME.get(name.lower())
