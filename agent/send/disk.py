"""The disk half of a spool: segment files in one folder, bounded, oldest first."""

from __future__ import annotations

from collections import Counter, deque
from pathlib import Path
from typing import Final

from agent.send.item import Item
from agent.send.segment import SUFFIX, Place, Segment

_SEGMENTS: Final = 16
"""The bound is divided by this: dropping the oldest segment frees that share of it."""
_SEGMENT_MIN: Final = 64 << 10
_SEGMENT_MAX: Final = 16 << 20


class Disk:
    """Records in order. Reading does not settle: a record is pending until `settle`, across restarts too.

    Raises OSError where the folder cannot be made or read.
    """

    def __init__(self, folder: Path, bound_bytes: int) -> None:
        self._folder = folder
        self.bound_bytes = bound_bytes
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._segments: deque[Segment] = deque()
        self._tail: Segment | None = None
        self._reading: Segment | None = None
        self._unread: deque[tuple[Place, dict[str, int]]] = deque()
        """What is left of the segment that is being read."""
        self._read_number = 0
        """Segments up to this number have been read."""
        self._next_number = 1
        self.corrupt_bytes = 0
        for path in sorted(folder.glob(f"*{SUFFIX}")):
            segment = Segment(folder, int(path.name.removesuffix(SUFFIX)))
            self._next_number = segment.number + 1
            self.corrupt_bytes += segment.corrupt_bytes
            self._segments.append(segment)
            self._drop_if_settled(segment)

    @property
    def size_bytes(self) -> int:
        """Bytes of all files."""
        return sum(segment.size for segment in self._segments)

    @property
    def pending(self) -> int:
        """Records that are not settled."""
        return sum(segment.pending for segment in self._segments)

    @property
    def rows(self) -> Counter[str]:
        """Rows that are not settled, by stream."""
        total: Counter[str] = Counter()
        for segment in self._segments:
            total.update(segment.rows)
        return total

    def append(self, item: Item) -> Place:
        """Writes `item` behind everything else. Raises OSError where the disk refuses; then nothing has changed."""
        tail = self._tail
        if tail is None or tail.size + item.size_bytes > self._segment_bytes:
            tail = self._tail = Segment(self._folder, self._next_number)
            self._next_number += 1
            self._segments.append(tail)
        try:
            return tail.append(item)
        except OSError:
            self._drop_if_settled(tail)
            raise

    def over_bound(self, extra_bytes: int) -> Segment | None:
        """The segment to give up so that `extra_bytes` more fit; None where they fit already or nothing is left to give up."""
        if self.size_bytes + extra_bytes <= self.bound_bytes or not self._segments:
            return None
        return self._segments[0]

    def forget(self, segment: Segment) -> None:
        """Removes `segment` with all that is in it."""
        if self._tail is segment:
            self._tail = None
        if self._reading is segment:
            self._reading = None
            self._unread.clear()
        self._segments.remove(segment)
        segment.delete()

    def next_place(self) -> tuple[Place, dict[str, int]] | None:
        """The next pending record after the last one this gave, with its rows, or None. Each is given once in a process's life."""
        while True:
            if self._reading is not None and self._unread:
                return self._unread.popleft()
            following = self._following()
            if following is None:
                return None
            if following is self._tail:
                self._tail = None  # what comes now goes to a new file, so that this one is complete
            self._reading, self._read_number = following, following.number
            self._unread = deque(following.records())

    def settle(self, place: Place, rows: dict[str, int]) -> None:
        """The record is acknowledged or given up."""
        if place.segment not in self._segments:
            return
        place.segment.settle(place.offset, rows)
        self._drop_if_settled(place.segment)

    def sync(self) -> None:
        """Waits until all is on the device."""
        for segment in self._segments:
            segment.sync()

    def close(self) -> None:
        """Closes the files; they stay."""
        for segment in self._segments:
            segment.close()

    @property
    def _segment_bytes(self) -> int:
        return min(max(self.bound_bytes // _SEGMENTS, _SEGMENT_MIN), _SEGMENT_MAX)

    def _following(self) -> Segment | None:
        return next((segment for segment in self._segments if segment.number > self._read_number and segment.pending), None)

    def _drop_if_settled(self, segment: Segment) -> None:
        if segment.pending == 0 and segment in self._segments:
            self.forget(segment)
