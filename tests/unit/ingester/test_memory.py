from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.ingester.memory import Knowledge, Memory
from services.ingester.outcome import Outcome

REQUESTS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 100), st.integers(0, 20)), max_size=60)
"""(batch id, oldest row, how much newer the newest row is)"""


def test_stored_request_is_known_with_its_outcome() -> None:
    memory = Memory(10)
    memory.add(1, 100, Outcome(5, {"invalid_utf8": 1}))
    assert memory.stored(1) == Outcome(5, {"invalid_utf8": 1})
    assert memory.stored(2) is None


def test_rows_before_the_horizon_are_in_doubt_and_later_ones_are_new() -> None:
    memory = Memory(10, horizon_s=50)
    assert memory.knowledge(1, 49, resent=False) is Knowledge.IN_DOUBT
    assert memory.knowledge(1, 50, resent=False) is Knowledge.NEW
    assert memory.knowledge(1, 50, resent=True) is Knowledge.IN_DOUBT


def test_request_that_only_the_store_told_of_is_in_doubt() -> None:
    memory = Memory(10)
    memory.add(1, 100, None)
    assert memory.stored(1) is None
    assert memory.knowledge(1, 100, resent=False) is Knowledge.IN_DOUBT
    memory.add(1, 100, Outcome(5))
    assert memory.stored(1) == Outcome(5)


def test_forgetting_goes_by_row_time_and_raises_the_horizon() -> None:
    memory = Memory(2)
    for batch_id, newest in ((1, 300), (2, 100), (3, 200)):
        memory.add(batch_id, newest, Outcome(1))
    assert (memory.stored(2), len(memory), memory.horizon_s) == (None, 2, 101)


@given(REQUESTS, st.integers(1, 8))
def test_no_stored_request_is_ever_called_new(requests: list[tuple[int, int, int]], limit: int) -> None:
    memory = Memory(limit)
    rows: dict[int, tuple[int, int]] = {}
    for batch_id, first, span in requests:
        _, newest = rows.setdefault(batch_id, (first, first + span))
        memory.add(batch_id, newest, Outcome(1))
        for stored, (stored_oldest, _) in rows.items():
            assert memory.stored(stored) is not None or memory.knowledge(stored, stored_oldest, resent=False) is Knowledge.IN_DOUBT
        assert len(memory) <= limit
