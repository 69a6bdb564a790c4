"""Every function's result against what can be computed by hand from `world.py`."""

from __future__ import annotations

from tests.integration.querier.conftest import Querier


def test_count_is_of_rows(querier: Querier) -> None:
    assert querier.values("SELECT Count(*) FROM l7_flow_log") == [[6]]
