"""The queue between the rows this agent makes and an ingester that may be slow or away: memory first, disk when it lasts, bounded, oldest dropped first.

What is on disk is always older than what is in memory alone. An item that was taken stays the spool's own until it is settled: a stop, or a wait of
more than a moment, writes it to disk like any other, so that a killed agent sends it again, byte for byte.
"""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path

from agent.send.disk import Disk
from agent.send.item import Item
from agent.send.segment import Place, Segment

OnDrop = Callable[[Mapping[str, int], str], None]
"""Told rows by stream and the reason."""


class Spool:
    """Bounded, ordered, durable as far as the disk allows. Not thread-safe: it belongs to one event loop."""

    def __init__(self, folder: Path | None, *, memory_bytes: int, disk_bytes: int, on_drop: OnDrop) -> None:
        """`folder` None keeps everything in memory. Raises OSError where the folder cannot be used."""
        self.memory_bound_bytes = memory_bytes
        self._on_drop = on_drop
        self._disk = Disk(folder, disk_bytes) if folder is not None else None
        self._fresh: deque[Item] = deque()
        self._returned: list[tuple[tuple[int, int, int], int, Item]] = []
        """Heap: taken once, given back, still the oldest there is."""
        self._taken: set[Item] = set()
        self._claimed: dict[tuple[int, int], Item] = {}
        """On disk and also held here (in flight or returned)."""
        self._age = count()
        self._memory_bytes = 0
        self._rows: Counter[str] = Counter(self._disk.rows) if self._disk else Counter()
        self._count = self._disk.pending if self._disk else 0
        self.disk_refused = ""
        """Why the disk took nothing the last time it was asked, while rows still wait for it."""

    def put(self, item: Item) -> None:
        """Takes over `item`, as the newest. Never fails: over the bounds the oldest rows are dropped and counted."""
        self._rows.update(item.rows)
        self._count += 1
        self._memory_bytes += item.size_bytes
        item.age = next(self._age)
        self._fresh.append(item)
        if self._memory_bytes > self.memory_bound_bytes:
            self._relieve_memory()

    def take(self) -> Item | None:
        """The oldest item that is not in flight; it must be settled or given back."""
        item = self._pop_oldest()
        if item is not None:
            self._taken.add(item)
        return item

    def give_back(self, item: Item) -> None:
        """It could not be sent now: it is the oldest again."""
        self._taken.remove(item)
        self._return(item)

    def settle(self, item: Item) -> None:
        """It is acknowledged (or given up by the caller, who counts that): it leaves for good."""
        self._taken.remove(item)
        self._leave(item)

    def replace(self, item: Item, parts: list[Item]) -> None:
        """`item` was too large: its `parts` are sent in its place. Should the agent be killed in between, the same parts are made again."""
        for part in parts:
            self._rows.update(part.rows)
            self._count += 1
            self._memory_bytes += part.size_bytes
            part.age = item.age
            self._return(part)
        self.settle(item)

    def spill(self, created_before_ms: int | None = None) -> None:
        """Writes to disk what lives in memory alone: all, or what is older than a moment. Where the disk refuses, it stays in memory."""
        for item in self._memory_items():
            if created_before_ms is not None and item.created_ms >= created_before_ms:
                continue
            if not self._write(item):
                break
        self._forget_written()

    def close(self) -> Counter[str]:
        """Writes everything to disk and closes it. Returns the rows by stream that found no room there: they are lost and counted."""
        self.spill()
        lost: Counter[str] = Counter()
        for item in self._memory_items():
            lost.update(item.rows)
            self._on_drop(item.rows, "stopped_without_disk")
        if self._disk is not None:
            self._disk.sync()
            self._disk.close()
        return lost

    @property
    def rows(self) -> Counter[str]:
        """Rows that are not settled, by stream."""
        return +self._rows

    @property
    def count(self) -> int:
        """Items that are not settled."""
        return self._count

    @property
    def in_flight(self) -> int:
        """Items taken and neither settled nor given back."""
        return len(self._taken)

    @property
    def memory_bytes(self) -> int:
        """Bytes that live in memory alone."""
        return self._memory_bytes

    @property
    def disk_bytes(self) -> int:
        """Bytes of the files."""
        return self._disk.size_bytes if self._disk else 0

    @property
    def corrupt_bytes(self) -> int:
        """Bytes of the files that were no whole record when they were opened."""
        return self._disk.corrupt_bytes if self._disk else 0

    @property
    def disk_bound_bytes(self) -> int:
        """What the files may have together; can be set, and holds from the next write on."""
        return self._disk.bound_bytes if self._disk else 0

    @disk_bound_bytes.setter
    def disk_bound_bytes(self, bound: int) -> None:
        if self._disk:
            self._disk.bound_bytes = bound

    def _pop_oldest(self) -> Item | None:
        if self._returned and self._returned[0][0][0] == 0:
            return heapq.heappop(self._returned)[2]
        while self._disk is not None and (found := self._disk.next_place()) is not None:
            place, rows = found
            if place.key in self._claimed:
                continue
            item = place.segment.read(place.offset)
            if item is not None:
                self._claimed[place.key] = item
                return item
            self._damaged(self._disk, place, rows)
        if self._returned:
            return heapq.heappop(self._returned)[2]
        if not self._fresh:
            return None
        return self._fresh.popleft()

    def _return(self, item: Item) -> None:
        heapq.heappush(self._returned, (_key(item), next(self._age), item))

    def _leave(self, item: Item) -> None:
        self._rows.subtract(item.rows)
        self._count -= 1
        if item.place is None:
            self._memory_bytes -= item.size_bytes
            if not self._memory_bytes:
                self.disk_refused = ""  # nothing is left that wants to be written
            return
        self._claimed.pop(item.place.key, None)
        if self._disk is not None:
            self._disk.settle(item.place, item.rows)

    def _memory_items(self) -> list[Item]:
        """What lives in memory alone, oldest first: in flight and returned, then fresh."""
        held = sorted([*self._taken, *(item for _, _, item in self._returned)], key=lambda item: item.age)
        return [item for item in (*held, *self._fresh) if item.place is None]

    def _write(self, item: Item) -> bool:
        if self._disk is None or item.size_bytes > self._disk.bound_bytes:
            return False
        while (segment := self._disk.over_bound(item.size_bytes)) is not None:
            self._drop_segment(self._disk, segment)
        try:
            item.place = self._disk.append(item)
        except OSError as error:
            self.disk_refused = error.strerror or str(error)
            return False
        self.disk_refused = ""
        self._memory_bytes -= item.size_bytes
        self._claimed[item.place.key] = item
        return True

    def _forget_written(self) -> None:
        """After a write: what only waits its turn is read back when it comes; what is held gets its new turn."""
        for item in self._fresh:
            if item.place is not None:
                del self._claimed[item.place.key]
        self._fresh = deque(item for item in self._fresh if item.place is None)
        self._returned = [(_key(item), turn, item) for _, turn, item in self._returned]
        heapq.heapify(self._returned)

    def _relieve_memory(self) -> None:
        """Writes the oldest half to disk; where that does not help, drops the oldest that is not in flight."""
        for item in self._memory_items():
            if self._memory_bytes <= self.memory_bound_bytes // 2 or not self._write(item):
                break
        self._forget_written()
        while self._memory_bytes > self.memory_bound_bytes and (oldest := self._pop_oldest_memory()) is not None:
            self._leave(oldest)
            self._on_drop(oldest.rows, "disk_refused" if self._disk else "memory_full")

    def _pop_oldest_memory(self) -> Item | None:
        for index, (_, _, item) in enumerate(sorted(self._returned)):
            if item.place is None:
                self._returned = sorted(self._returned)
                return self._returned.pop(index)[2]
        return self._fresh.popleft() if self._fresh else None

    def _drop_segment(self, disk: Disk, segment: Segment) -> None:
        """Gives up the oldest file. What of it is in flight or returned is still here, and becomes memory again."""
        rows = Counter(segment.rows)
        pending = segment.pending
        for key, item in list(self._claimed.items()):
            if key[0] == segment.number:
                del self._claimed[key]
                item.place = None
                self._memory_bytes += item.size_bytes
                rows.subtract(item.rows)
                pending -= 1
        disk.forget(segment)
        self._rows.subtract(rows)
        self._count -= pending
        self._on_drop(+rows, "spool_full")

    def _damaged(self, disk: Disk, place: Place, rows: dict[str, int]) -> None:
        self._rows.subtract(rows)
        self._count -= 1
        disk.settle(place, rows)
        self._on_drop(rows, "spool_damaged")


def _key(item: Item) -> tuple[int, int, int]:
    return (0, *item.place.key) if item.place is not None else (1, item.age, 0)
