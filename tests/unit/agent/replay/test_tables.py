"""What a person reads of a capture."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.replay.capture_file import CaptureFile
from agent.replay.tables import flow_table, print_tables

_DATA = Path(__file__).parents[3] / "data" / "l7"


@pytest.mark.parametrize(
    ("ids", "title"),
    [((1, 2, 3), "3 flows"), ((7,), "1 flow"), ((7, 7, 7, 8), "2 flows in 4 rows"), ((7, 7), "1 flow in 2 rows")],
)
def test_the_minutes_of_a_long_flow_are_not_flows(ids: tuple[int, ...], title: str) -> None:
    table = flow_table([{"flow_id": number, "close_type": 5} for number in ids], len(ids))
    assert str(table.title).partition(":")[0] == title


def test_both_tables_of_a_recorded_capture(capsys: pytest.CaptureFixture[str]) -> None:
    capture = min((_DATA / "http1").rglob("*.pcap"))
    print_tables(CaptureFile(capture, {}, ()), lambda: "a remark")
    said = capsys.readouterr().out
    assert "GET" in said
    assert " flow" in said.splitlines()[0]
    assert "a remark" in said.splitlines()[-1]
