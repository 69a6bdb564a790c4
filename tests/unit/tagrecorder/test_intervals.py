from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.tagrecorder.intervals import EPOCH, Interval, Named, plan

START = datetime(2026, 1, 1, tzinfo=UTC)
LATE = timedelta(hours=1)

steps = st.lists(
    st.tuples(st.integers(0, 5_000), st.sampled_from(["a", "b", "c"]), st.booleans(), st.booleans()),
    min_size=1,
    max_size=20,
)


def apply(history: dict[datetime, Interval], found: list[Named], now: datetime, removed: tuple[int, ...] = ()) -> None:
    latest = {1: history[max(history)]} if history else {}
    for written in plan(found, latest, now=now, late=LATE, removed=removed):
        history[written.interval.valid_from] = written.interval


@given(steps)
def test_intervals_touch_each_other_from_1970_on_and_the_last_one_has_the_last_name(changes: list[tuple[int, str, bool, bool]]) -> None:
    history: dict[datetime, Interval] = {}
    now = START
    for wait_s, name, deleted, removed in changes:
        now += timedelta(seconds=wait_s)
        if removed and history:
            apply(history, [], now, (1,))
            continue
        apply(history, [Named(1, name, {}, now, now if deleted else None)], now)
        intervals = [history[key] for key in sorted(history)]
        assert intervals[0].valid_from == EPOCH
        assert intervals[-1].name == name
        assert (intervals[-1].valid_to is not None) == deleted
        for before, after in itertools.pairwise(intervals):
            assert before.valid_to == after.valid_from
        for interval in intervals:
            assert interval.valid_to is None or interval.valid_to > interval.valid_from


def test_the_same_again_writes_nothing() -> None:
    named = Named(1, "a", {"x": 1}, START, START)
    (written,) = plan([named], {}, now=START, late=LATE)
    assert plan([named], {1: written.interval}, now=START + LATE, late=LATE) == []


def test_an_attribute_changes_in_place() -> None:
    old = Interval(1, EPOCH, None, "a", {"x": 1})
    (written,) = plan([Named(1, "a", {"x": 2}, START)], {1: old}, now=START, late=LATE)
    assert (written.change, written.interval.valid_from, written.interval.attributes) == ("changed", EPOCH, {"x": 2})


def test_a_rename_counts_from_when_it_happened_not_from_when_it_was_noticed() -> None:
    old = Interval(1, EPOCH, None, "a", {})
    closed, opened = plan([Named(1, "b", {}, START)], {1: old}, now=START + LATE, late=LATE)
    assert (closed.interval.valid_to, opened.interval.valid_from, opened.interval.valid_to) == (START, START, None)


def test_what_is_removed_ends_once() -> None:
    old = Interval(1, EPOCH, None, "a", {})
    (written,) = plan([], {1: old}, now=START, late=LATE, removed=[1])
    assert (written.interval.valid_to, written.interval.attributes) == (START + LATE, {"deleted": 1})
    assert plan([], {1: written.interval}, now=START + LATE, late=LATE, removed=[1]) == []
