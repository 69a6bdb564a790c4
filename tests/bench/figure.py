"""What one measurement comes to, and how it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import orjson
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

TARGET: Final = Path(__file__).parents[2] / "build" / "bench.json"


@dataclass(frozen=True, slots=True)
class Figure:
    """One row. `baseline` was measured in the same run; `ratio` says how many times better than it `value` is."""

    name: str
    value: float
    unit: str
    goal: float
    higher_is_better: bool = True
    baseline: float | None = None
    baseline_name: str = ""
    goal_ratio: float | None = None
    note: str = ""
    """What was left out and why, for example a peer that is not installed."""
    failed: str = ""
    """Why there is no value."""

    @property
    def ratio(self) -> float | None:
        """How many times better than the baseline."""
        if not self.baseline or not self.value:
            return None
        return self.value / self.baseline if self.higher_is_better else self.baseline / self.value

    @property
    def holds(self) -> bool:
        """Whether the goal is met, and the goal against the baseline where there is one."""
        if self.failed:
            return False
        enough = self.value >= self.goal if self.higher_is_better else self.value <= self.goal
        return enough and (self.goal_ratio is None or self.ratio is None or self.ratio >= self.goal_ratio)

    @property
    def verdict(self) -> str:
        """`holds` or `fails`; `open` where the baseline of a goal was not measured, empty where there is no goal."""
        if self.failed or not self.holds:
            return "fails"
        if self.goal_ratio is not None:
            return "holds" if self.ratio is not None else "open"
        return "holds" if self.goal else ""


_COLOURS: Final = {"holds": "green", "fails": "bold red", "open": "yellow", "": ""}


def show(figures: Sequence[Figure]) -> None:
    """A table for people."""
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for name in ("figure", "value", "goal", "baseline", "ratio", "goal ratio", "", "note"):
        table.add_column(name, justify="right" if name in {"value", "goal", "ratio", "goal ratio"} else "left", overflow="fold")
    for figure in figures:
        table.add_row(
            figure.name,
            "" if figure.failed else f"{_number(figure.value)} {figure.unit}",
            f"{'≥' if figure.higher_is_better else '≤'} {figure.goal:,.10g}" if figure.goal else "",
            f"{figure.baseline_name} {_number(figure.baseline)}" if figure.baseline is not None else figure.baseline_name,
            f"{figure.ratio:.3g}x" if figure.ratio is not None else "",
            f"≥ {figure.goal_ratio:g}x" if figure.goal_ratio is not None else "",
            Text(figure.verdict, _COLOURS[figure.verdict]),
            figure.failed or figure.note,
        )
    console = Console()
    console.width = console.width if console.is_terminal else 180
    console.print(table)


def _number(value: float) -> str:
    return f"{value:,.4g}" if value < 1000 else f"{value:,.0f}"


def rate(received: float, sent: float, cpu_s: float) -> float:
    """Records per CPU-second. Raises AssertionError where something is missing or no CPU time was seen: then it is not a figure."""
    if received != sent or cpu_s <= 0:
        message = f"received {received:,.0f} of {sent:,.0f} sent, in {cpu_s:.2f} CPU-seconds"
        raise AssertionError(message)
    return received / cpu_s


def write(figures: Sequence[Figure]) -> None:
    """`build/bench.json`: a list with name, value, unit, baseline, ratio, goal, holds, verdict."""
    TARGET.parent.mkdir(exist_ok=True)
    rows = [{**asdict(figure), "ratio": figure.ratio, "holds": figure.holds, "verdict": figure.verdict} for figure in figures]
    TARGET.write_bytes(orjson.dumps(rows, option=orjson.OPT_INDENT_2))
