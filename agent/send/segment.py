"""A segment file of the spool: records one after the other, each with a state byte that is turned when the record is settled.

    record = magic(4) state(1) signal(1) meta_len(u16) body_len(u32) created_ms(u64) body_crc32(u32) head_crc32(u32) meta body      little endian

`meta` is JSON: the body's encoding and the rows by stream. The head's checksum covers the head's other fields (the state apart) and `meta`, so that a wrong length is never
followed. Bodies are only ever appended; settling a record overwrites its one state byte in place, which needs no room on the disk (a full disk must not stop
acknowledgements) and cannot be torn.
"""

from __future__ import annotations

import contextlib
import os
import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson

from agent.send.item import Encoding, Item, Signal

_HEAD: Final = struct.Struct("<4sBBHIQII")
_CHECKED: Final = struct.Struct("<BHIQI")
_MAGIC: Final = b"WSP2"
_STATE_AT: Final = 4
_PENDING: Final = 0
_SETTLED: Final = b"\x01"
_SIGNALS: Final[tuple[Signal, ...]] = ("logs", "traces")
SUFFIX: Final = ".spool"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record lies."""

    segment: Segment
    offset: int

    @property
    def key(self) -> tuple[int, int]:
        """Sorts places oldest first."""
        return self.segment.number, self.offset


@dataclass(frozen=True, slots=True)
class _Record:
    offset: int
    size: int
    rows: dict[str, int]
    pending: bool


@dataclass(frozen=True, slots=True)
class _Head:
    state: int
    signal: int
    meta_len: int
    body_len: int
    created_ms: int
    body_crc: int

    def pack(self, meta: bytes) -> bytes:
        return _HEAD.pack(_MAGIC, self.state, self.signal, self.meta_len, self.body_len, self.created_ms, self.body_crc, self._crc(meta))

    @property
    def size(self) -> int:
        return _HEAD.size + self.meta_len + self.body_len

    @staticmethod
    def read(file: int, offset: int) -> tuple[_Head, bytes] | None:
        """The head at `offset` and its meta; None where there is no whole one."""
        data = os.pread(file, _HEAD.size, offset)
        if len(data) < _HEAD.size:
            return None
        magic, *fields, crc = _HEAD.unpack(data)
        if magic != _MAGIC:
            return None
        head = _Head(*fields)
        meta = os.pread(file, head.meta_len, offset + _HEAD.size)
        return (head, meta) if head._crc(meta) == crc and head.signal < len(_SIGNALS) else None

    def _crc(self, meta: bytes) -> int:
        return zlib.crc32(meta, zlib.crc32(_CHECKED.pack(self.signal, self.meta_len, self.body_len, self.created_ms, self.body_crc)))


def _meta(text: bytes) -> tuple[Encoding, dict[str, int]] | None:
    try:
        match orjson.loads(text):
            case [("zstd" | "gzip" | "identity") as encoding, dict(rows)] if all(isinstance(count, int) for count in rows.values()):
                return encoding, rows
    except orjson.JSONDecodeError:
        pass
    return None


class Segment:
    """One file. `pending` and `rows` say what in it is not settled yet."""

    def __init__(self, folder: Path, number: int) -> None:
        self.number = number
        self.path = folder / f"{number:012d}{SUFFIX}"
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.size = os.fstat(self._file).st_size
        self._is_inherited = self.size > 0
        """From another process's life: whether it had sent a record nobody knows any more."""
        self.pending = 0
        self.rows: Counter[str] = Counter()
        self.corrupt_bytes = 0
        self._end = 0
        for record in self._scan():
            if record.pending:
                self.pending += 1
                self.rows.update(record.rows)

    def append(self, item: Item) -> Place:
        """Writes `item` at the end; OSError (a full disk, say) leaves the segment as it was."""
        meta = orjson.dumps((item.encoding, item.rows))
        signal = _SIGNALS.index(item.signal)
        head = _Head(_PENDING, signal, len(meta), len(item.body), item.created_ms, zlib.crc32(item.body)).pack(meta)
        place = Place(self, self.size)
        try:
            self._write(head + meta + item.body, self.size)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self.size)
            raise
        self.size += len(head) + len(meta) + len(item.body)
        self._end = self.size
        self.pending += 1
        self.rows.update(item.rows)
        return place

    def settle(self, offset: int, rows: dict[str, int]) -> None:
        """The record at `offset` is acknowledged or given up: it is never read again, after a restart neither."""
        os.pwrite(self._file, _SETTLED, offset + _STATE_AT)
        self.pending -= 1
        self.rows.subtract(rows)

    def records(self) -> list[tuple[Place, dict[str, int]]]:
        """The pending records and their rows by stream, oldest first."""
        return [(Place(self, record.offset), record.rows) for record in self._scan() if record.pending]

    def read(self, offset: int) -> Item | None:
        """The pending record at `offset`; None where it is damaged."""
        found = _Head.read(self._file, offset)
        if found is None:
            return None
        head, meta = found
        body = os.pread(self._file, head.body_len, offset + _HEAD.size + head.meta_len)
        if zlib.crc32(body) != head.body_crc:
            return None
        encoding, rows = _meta(meta) or ("identity", {})
        return Item(_SIGNALS[head.signal], rows, body, encoding, head.created_ms, Place(self, offset), sent=int(self._is_inherited))

    def sync(self) -> None:
        """Waits until the file is on the device."""
        os.fdatasync(self._file)

    def close(self) -> None:
        """Closes the file; it stays."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def delete(self) -> None:
        """Closes and removes the file."""
        self.close()
        self.path.unlink(missing_ok=True)

    def _write(self, data: bytes, offset: int) -> None:
        view = memoryview(data)
        while view:
            written = os.pwrite(self._file, view, offset)
            view, offset = view[written:], offset + written

    def _scan(self) -> Iterator[_Record]:
        """Walks the heads. What is no whole record (a torn tail, a damaged middle) is skipped to the next magic and counted."""
        offset = 0
        self.corrupt_bytes = 0
        while offset < self.size:
            record = self._record(offset)
            if record is None:
                following = self._find_magic(offset + 1)
                self.corrupt_bytes += following - offset
                offset = following
                continue
            yield record
            offset += record.size

    def _record(self, offset: int) -> _Record | None:
        found = _Head.read(self._file, offset)
        if found is None:
            return None
        head, text = found
        meta = _meta(text)
        if meta is None or offset + head.size > self.size:
            return None
        return _Record(offset, head.size, meta[1], pending=head.state == _PENDING)

    def _find_magic(self, start: int) -> int:
        step = 1 << 20
        while start < self.size:
            found = os.pread(self._file, step, start).find(_MAGIC)
            if found >= 0:
                return start + found
            start += step - len(_MAGIC) + 1
        return self.size
