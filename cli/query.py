"""`weir query`: a question in SQL, the answer as a table for people or as JSON, CSV or Arrow for programs."""

from __future__ import annotations

import sys
import time
from typing import Any, Final

from rich import box
from rich.console import Console
from rich.table import Table

from cli.answers import Answer, ask, ask_bytes
from cli.terminal import terminal
from cli.units import readable

_NUMBERS: Final = (int, float)


def query(sql: str, *, db: str, form: str, querier: str) -> None:
    """Prints the answer on standard output; the row count and the time taken go to standard error."""
    if sql == "-":
        sql = sys.stdin.read()
    if form != "table":
        sys.stdout.buffer.write(ask_bytes(querier, sql, db, form))
        return
    began = time.monotonic()
    answer = ask(querier, sql, db)
    took = time.monotonic() - began
    terminal().print(as_table(answer))
    count = len(answer.values)
    Console(stderr=True).print(f"[dim]{count} row{'' if count == 1 else 's'} in {took * 1000:.0f} ms[/dim]", highlight=False)


def as_table(answer: Answer) -> Table:
    """The answer drawn up: numbers to the right, times and durations readable."""
    units = [str(schema.get("unit") or "") for schema in answer.schemas] or [""] * len(answer.columns)
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for index, name in enumerate(answer.columns):
        numeric = bool(answer.values) and all(isinstance(row[index], _NUMBERS) or row[index] is None for row in answer.values)
        table.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in answer.values:
        table.add_row(*(cell(value, unit, name) for value, unit, name in zip(row, units, answer.columns, strict=True)))
    return table


def cell(value: Any, unit: str, name: str) -> str:  # noqa: ANN401  whatever JSON holds
    """One value as text."""
    if value is None:
        return ""
    if isinstance(value, _NUMBERS) and not isinstance(value, bool) and unit and name != "time":
        return readable(float(value), unit)
    return f"{value:.6g}" if isinstance(value, float) else str(value)
