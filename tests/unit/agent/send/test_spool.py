"""The queue's promises: order, bounds, every drop counted, nothing acknowledged twice after a crash, nothing unacknowledged lost."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agent.send.item import Item
from agent.send.segment import Segment
from agent.send.spool import Spool

STREAM = "flow_log.l4_flow_log"


class Drops:
    def __init__(self) -> None:
        self.rows: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()

    def __call__(self, rows: Mapping[str, int], reason: str) -> None:
        self.rows.update(rows)
        self.reasons[reason] += sum(rows.values())


def item(number: int, size: int = 100, created_ms: int = 0) -> Item:
    return Item("logs", {STREAM: 1}, number.to_bytes(4, "big") + bytes(size), "zstd", created_ms)


def number(found: Item | None) -> int | None:
    return None if found is None else int.from_bytes(found.body[:4], "big")


def spool(folder: Path | None, drops: Drops | None = None, memory: int = 1 << 20, disk: int = 1 << 24) -> Spool:
    return Spool(folder, memory_bytes=memory, disk_bytes=disk, on_drop=drops or Drops())


def drain(queue: Spool) -> list[int]:
    found = []
    while (taken := queue.take()) is not None:
        found.append(int.from_bytes(taken.body[:4], "big"))
        queue.settle(taken)
    return found


def test_items_leave_in_the_order_they_came(tmp_path: Path) -> None:
    queue = spool(tmp_path, memory=2_000)
    for n in range(50):
        queue.put(item(n))
    assert queue.disk_bytes > 0
    assert queue.memory_bytes <= 2_000
    assert drain(queue) == list(range(50))
    assert (queue.count, +queue.rows, queue.memory_bytes, list(tmp_path.iterdir())) == (0, Counter(), 0, [])


def test_what_was_given_back_is_the_oldest_again(tmp_path: Path) -> None:
    queue = spool(tmp_path)
    for n in range(4):
        queue.put(item(n))
    first, second = queue.take(), queue.take()
    assert first is not None
    assert second is not None
    queue.give_back(second)
    queue.give_back(first)
    assert drain(queue) == [0, 1, 2, 3]


def test_a_restart_finds_everything_unsettled_byte_for_byte(tmp_path: Path) -> None:
    queue = spool(tmp_path)
    originals = [item(n, size=n * 37) for n in range(20)]
    for one in originals:
        queue.put(one)
    for _ in range(5):
        taken = queue.take()
        assert taken is not None
        queue.settle(taken)
    in_flight = queue.take()
    assert number(in_flight) == 5
    queue.close()
    again = spool(tmp_path)
    assert again.rows == {STREAM: 15}
    found = []
    while (taken := again.take()) is not None:
        found.append((taken.signal, taken.encoding, taken.body, taken.rows))
        again.settle(taken)
    assert sorted(found) == sorted((o.signal, o.encoding, o.body, o.rows) for o in originals[5:])


def test_only_what_another_process_left_may_have_been_sent(tmp_path: Path) -> None:
    queue = spool(tmp_path)
    for n in range(4):
        queue.put(item(n))
    queue.spill()
    own = queue.take()
    assert own is not None
    assert own.sent == 0
    queue.close()
    again = spool(tmp_path)
    again.put(item(9))
    again.spill()
    found = []
    while (taken := again.take()) is not None:
        found.append((number(taken), taken.sent))
        again.settle(taken)
    assert found == [(0, 1), (1, 1), (2, 1), (3, 1), (9, 0)]


def test_only_what_waits_longer_than_a_moment_is_written(tmp_path: Path) -> None:
    queue = spool(tmp_path)
    queue.put(item(0, created_ms=1_000))
    queue.put(item(1, created_ms=5_000))
    held = queue.take()
    queue.spill(created_before_ms=3_000)
    assert held is not None
    assert held.place is not None
    killed = spool(Path(shutil.copytree(tmp_path, tmp_path.with_name("killed"))))
    assert drain(killed) == [0]
    queue.settle(held)
    assert drain(queue) == [1]


def test_a_full_spool_drops_the_oldest_and_counts_them(tmp_path: Path) -> None:
    drops = Drops()
    queue = spool(tmp_path, drops, memory=10_000, disk=1 << 20)
    for n in range(3_000):
        queue.put(item(n, size=1_000))
    queue.spill()
    assert queue.disk_bytes <= 1 << 20
    left = drain(queue)
    assert left == list(range(3_000 - len(left), 3_000))
    assert drops.reasons == {"spool_full": 3_000 - len(left)}
    assert len(left) > 700


def test_what_is_in_flight_survives_the_loss_of_its_file(tmp_path: Path) -> None:
    drops = Drops()
    queue = spool(tmp_path, drops, memory=10_000, disk=200_000)
    queue.put(item(0))
    queue.spill()
    taken = queue.take()
    assert taken is not None
    for n in range(1, 2_000):
        queue.put(item(n, size=1_000))
    queue.give_back(taken)
    assert number(queue.take()) == 0 or 0 in {number(found) for found in iter(queue.take, None)}
    assert drops.rows[STREAM] + queue.count == 2_000


def test_a_full_disk_is_counted_and_memory_holds_what_it_can(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drops = Drops()
    queue = spool(tmp_path, drops, memory=20_000)
    real = os.pwrite
    full = True

    def pwrite(file: int, data: bytes, offset: int) -> int:
        if full and len(data) > 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(file, data, offset)

    monkeypatch.setattr(os, "pwrite", pwrite)
    for n in range(100):
        queue.put(item(n, size=1_000))
    assert queue.disk_refused == "No space left on device"
    assert queue.memory_bytes <= 20_000
    assert drops.reasons == {"disk_refused": 100 - queue.count}
    full = False
    queue.spill()
    assert queue.disk_refused == ""
    assert drain(queue) == list(range(drops.rows[STREAM], 100))


def test_a_full_disk_is_no_problem_any_more_when_nothing_waits_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    queue = spool(tmp_path, Drops())

    def full(_file: int, _data: bytes, _offset: int) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "pwrite", full)
    queue.put(item(1))
    queue.spill()
    assert queue.disk_refused
    assert drain(queue) == [1]
    assert queue.disk_refused == ""


def test_a_disk_that_fills_in_the_middle_of_a_record_leaves_the_file_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    segment = Segment(tmp_path, 1)
    segment.append(item(1))
    real = os.pwrite

    def half(file: int, data: memoryview, offset: int) -> int:
        if len(data) <= 60:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(file, data[: len(data) // 2], offset)

    monkeypatch.setattr(os, "pwrite", half)
    with pytest.raises(OSError, match="No space"):
        segment.append(item(2))
    monkeypatch.undo()
    segment.append(item(3))
    assert [number(place.segment.read(place.offset)) for place, _ in Segment(tmp_path, 1).records()] == [1, 3]


def test_without_a_disk_memory_is_the_bound() -> None:
    drops = Drops()
    queue = spool(None, drops, memory=10_000)
    for n in range(100):
        queue.put(item(n, size=1_000))
    assert drops.reasons == {"memory_full": 100 - queue.count}
    assert drain(queue) == list(range(100 - (100 - drops.rows[STREAM]), 100))


def test_the_stop_without_a_disk_counts_what_is_lost() -> None:
    drops = Drops()
    queue = spool(None, drops)
    queue.put(item(1))
    assert queue.close() == {STREAM: 1}
    assert drops.reasons == {"stopped_without_disk": 1}


def test_parts_take_the_place_of_what_was_too_large(tmp_path: Path) -> None:
    queue = spool(tmp_path)
    for n in range(3):
        queue.put(item(n))
    big = queue.take()
    assert big is not None
    queue.replace(big, [item(100), item(101)])
    assert drain(queue) == [100, 101, 1, 2]
    assert queue.count == 0


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(min_value=1, max_value=200), noise=st.binary(max_size=200))
def test_a_torn_tail_costs_only_the_last_record(cut: int, noise: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        queue = spool(folder)
        for n in range(5):
            queue.put(item(n, size=200))
        queue.close()
        path = next(folder.iterdir())
        data = path.read_bytes()
        path.write_bytes(data[:-cut] + noise)
        again = spool(folder)
        found = drain(again)
        assert found[:4] == [0, 1, 2, 3]
        assert again.count == 0


@settings(max_examples=60, deadline=None)
@given(position=st.integers(min_value=0), value=st.integers(min_value=0, max_value=255))
@example(position=8, value=55)  # a body that claims to reach into the next record
def test_one_wrong_byte_costs_at_most_one_record(position: int, value: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        queue = spool(folder)
        for n in range(5):
            queue.put(item(n, size=50))
        queue.close()
        path = next(folder.iterdir())
        data = bytearray(path.read_bytes())
        data[position % len(data)] = value
        path.write_bytes(data)
        found = drain(spool(folder))
        assert len(set(found) & set(range(5))) >= 4


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(min_value=0, max_value=3_000)),
        st.tuples(st.sampled_from(["take", "settle", "give_back", "spill", "kill", "stop"]), st.just(0)),
    ),
    max_size=60,
)


@settings(max_examples=150, deadline=None)
@given(actions=ACTIONS)
def test_whatever_happens_the_ledger_balances(actions: list[tuple[str, int]]) -> None:  # noqa: C901  one branch an action
    """put = settled + dropped + waiting, at each step; a kill loses only what was never on disk and forgets no acknowledgement."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        drops = Drops()
        queue = spool(folder, drops, memory=8_000, disk=1 << 20)
        put = settled = lost = 0
        acknowledged: set[int] = set()
        taken: list[Item] = []
        for action, size in actions:
            if action == "put":
                queue.put(item(put, size))
                put += 1
            elif action == "take" and (found := queue.take()) is not None:
                assert number(found) not in acknowledged
                taken.append(found)
            elif action == "settle" and taken:
                done = taken.pop()
                acknowledged.add(int.from_bytes(done.body[:4], "big"))
                queue.settle(done)
                settled += 1
            elif action == "give_back" and taken:
                queue.give_back(taken.pop())
            elif action == "spill":
                queue.spill()
            elif action in {"kill", "stop"}:
                before = queue.count
                if action == "stop":
                    queue.close()
                taken.clear()
                queue = spool(folder, drops, memory=8_000, disk=1 << 20)
                if action == "stop":
                    assert queue.count == before
                lost += before - queue.count
            assert put == settled + drops.rows[STREAM] + queue.count + lost
            assert queue.memory_bytes <= 8_000 + sum(one.size_bytes for one in taken)
            assert queue.rows[STREAM] == queue.count
        for one in taken:
            queue.give_back(one)
        remaining = drain(queue)
        assert not set(remaining) & acknowledged
        assert len(set(remaining)) == len(remaining)
