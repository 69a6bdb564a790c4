"""A capture file's rows as files that engineers' tools read: one per table, written as the rows come."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from agent.errors import CannotStartError

if TYPE_CHECKING:
    from weir_native import Batch


class _Writer(Protocol):
    def write(self, batch: Batch) -> None: ...

    def close(self) -> None: ...


class _Parquet:
    """One row group a batch, ZSTD; labels are dictionaries."""

    def __init__(self, path: Path, first: Batch) -> None:
        import pyarrow as pa  # noqa: PLC0415  only who writes such files pays for it
        import pyarrow.parquet as pq  # noqa: PLC0415

        self._made: Callable[[object], Any] = pa.record_batch
        self._file: Any = pq.ParquetWriter(path, self._made(first).schema, compression="zstd")

    def write(self, batch: Batch) -> None:
        self._file.write_batch(self._made(batch))

    def close(self) -> None:
        self._file.close()


class _Arrow:
    """Arrow's stream format: the file format could not hold dictionaries that differ from batch to batch."""

    def __init__(self, path: Path, first: Batch) -> None:
        import pyarrow as pa  # noqa: PLC0415

        self._made: Callable[[object], Any] = pa.record_batch
        self._out: Any = pa.OSFile(str(path), "wb")
        self._file: Any = pa.ipc.new_stream(self._out, self._made(first).schema, options=pa.ipc.IpcWriteOptions(compression="zstd"))

    def write(self, batch: Batch) -> None:
        self._file.write_batch(self._made(batch))

    def close(self) -> None:
        self._file.close()
        self._out.close()


class _Lines:
    """One JSON object per row."""

    def __init__(self, path: Path, _first: Batch) -> None:
        self._file = path.open("wb")

    def write(self, batch: Batch) -> None:
        self._file.write(batch.to_json_lines())

    def close(self) -> None:
        self._file.close()


class _Ipfix:
    """Messages one after the other, as RFC 5655 has them in a file."""

    def __init__(self, path: Path, _first: Batch) -> None:
        import weir_native  # noqa: PLC0415

        self._file = path.open("wb")
        self._exporter = weir_native.IpfixExporter()

    def write(self, batch: Batch) -> None:
        self._file.writelines(self._exporter.messages(batch, now_s=int(time.time()), max_bytes=65_535))

    def close(self) -> None:
        self._file.close()


_KINDS: Final[dict[str, tuple[str, Callable[[Path, Batch], _Writer]]]] = {
    "parquet": ("parquet", _Parquet),
    "arrow": ("arrows", _Arrow),
    "json": ("jsonl", _Lines),
    "ipfix": ("ipfix", _Ipfix),
}
_ONLY: Final = {"ipfix": ("flow_log.l4_flow_log",)}
"""Formats that say something about some tables alone."""


def write_files(batches: Iterable[Batch], folder: Path, form: str) -> dict[Path, int]:
    """Writes `folder/<database.table>.<ending>`; returns the rows of each file. Raises CannotStartError where the folder cannot be used."""
    ending, kind = _KINDS[form]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"The folder {folder} cannot be used: {error.strerror}."
        raise CannotStartError(message) from error
    open_files: dict[Path, _Writer] = {}
    rows: dict[Path, int] = {}
    with ExitStack() as stack:
        try:
            for batch in batches:
                if batch.table not in _ONLY.get(form, (batch.table,)):
                    continue
                path = folder / f"{batch.table}.{ending}"
                if path not in open_files:
                    open_files[path] = kind(path, batch)
                    stack.callback(open_files[path].close)
                open_files[path].write(batch)
                rows[path] = rows.get(path, 0) + batch.rows
        except OSError as error:
            message = f"{error.filename or folder} cannot be written: {error.strerror or error}."
            raise CannotStartError(message) from error
    return rows
