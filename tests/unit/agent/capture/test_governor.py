from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.capture.governor import MIB, Governor, Usage, group_limits, resident_bytes

QUIET = Usage(cpu_percent=1.0, resident_bytes=10 * MIB)
BUSY = Usage(cpu_percent=90.0, resident_bytes=10 * MIB)
LARGE = Usage(cpu_percent=1.0, resident_bytes=900 * MIB)


def governor() -> Governor:
    made = Governor()
    made.limit(50.0, 500.0 * MIB)
    return made


def levels(made: Governor, *windows: Usage) -> list[int]:
    return [made.observe(usage) for usage in windows]


def test_l7_goes_first_then_logs_and_no_further() -> None:
    assert levels(governor(), *[BUSY] * 7) == [0, 1, 1, 2, 2, 2, 2]


def test_memory_counts_like_cpu() -> None:
    assert levels(governor(), *[LARGE] * 4) == [0, 1, 1, 2]


def test_one_busy_window_is_no_reason() -> None:
    assert levels(governor(), BUSY, QUIET, BUSY, QUIET, BUSY) == [0] * 5


def test_it_comes_back_step_by_step_after_a_while_of_room() -> None:
    made = governor()
    levels(made, *[BUSY] * 4)
    assert levels(made, *[QUIET] * 12) == [2] * 5 + [1] * 6 + [0]


def test_just_under_the_limit_is_no_room() -> None:
    made = governor()
    levels(made, BUSY, BUSY)
    assert levels(made, *[Usage(45.0, 10 * MIB)] * 20) == [1] * 20


def test_raised_limits_make_room() -> None:
    made = governor()
    levels(made, *[BUSY] * 4)
    made.limit(400.0, 500.0 * MIB)
    assert levels(made, *[BUSY] * 12)[-1] == 0


@given(st.lists(st.tuples(st.floats(0, 200), st.integers(0, 1000 * MIB)), max_size=60))
def test_the_level_moves_one_step_at_a_time_and_stays_in_range(windows: list[tuple[float, int]]) -> None:
    made = governor()
    before = 0
    for cpu, memory in windows:
        level = made.observe(Usage(cpu, memory))
        assert level in {0, 1, 2}
        assert abs(level - before) <= 1
        before = level


def test_this_process_has_memory_and_its_group_may_have_limits() -> None:
    assert 1 * MIB < resident_bytes() < 10_000 * MIB
    cpu, memory = group_limits()
    assert cpu > 0
    assert memory > 0
