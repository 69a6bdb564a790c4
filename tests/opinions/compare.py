"""Compares what Weir reads of a capture with what another reader printed of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson
from weir_native import Engine

from tests.opinions.fields import FIELDS, said
from tests.opinions.printed import read

CASES: Final = Path(__file__).resolve().parents[2].parent / "shared" / "cases" / "pcap"
"""Captures that nobody here made; not part of the project."""
_NOTHING: Final = ("", "None")
_ANSWER_ALONE: Final = 1
"""`type` of a row that is an answer without its request: what it repeats of the request is not said twice."""
_MORE_IS_FINE: Final = frozenset({"endpoint", "trace_id", "span_id", "response_result", "sql_affected_rows", "response_code"})
"""Columns in which we may say something where they say nothing."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One column of one capture: values on both sides, and on one alone."""

    capture: str
    column: str
    agreed: int
    theirs: tuple[str, ...]
    ours: tuple[str, ...]

    @property
    def protocol(self) -> str:
        """Folder of the capture."""
        return self.capture.partition("/")[0]

    @property
    def disagreed(self) -> int:
        """Values that only one side has, a pair counting once."""
        return max(len(self.theirs), len(self.ours))


def rows_of(capture: Path, table: str = "flow_log.l7_flow_log") -> list[dict[str, Any]]:
    """The requests that Weir finds, or the rows of another table."""
    rows = []
    for batch in Engine({}).replay(capture):
        if batch.table == table:
            rows += [orjson.loads(line) for line in batch.to_json_lines().splitlines()]
    return rows


def compare(result: Path) -> Iterator[Compared]:
    """The columns of one capture, where both say something about it."""
    folder = result.parent.name
    records = read(result)
    rows = rows_of(result.with_suffix(".pcap"))
    for column, value in FIELDS.get(folder, {}).items():
        theirs = Counter(said(records, value))
        asked = [row for row in rows if row["type"] != _ANSWER_ALONE or not column.startswith("request_")]
        nothing = (*_NOTHING, "-1") if column.endswith("_length") else _NOTHING
        ours = Counter(text for row in asked if (text := str(row.get(column))) not in nothing)
        if not theirs:
            continue
        only_ours = () if column in _MORE_IS_FINE else tuple(sorted((ours - theirs).elements()))
        yield Compared(f"{folder}/{result.stem}", column, (ours & theirs).total(), tuple(sorted((theirs - ours).elements())), only_ours)


def everything() -> list[Compared]:
    """Every capture with a second opinion."""
    return [compared for result in sorted(CASES.rglob("*.result")) if result.parent.name in FIELDS for compared in compare(result)]
