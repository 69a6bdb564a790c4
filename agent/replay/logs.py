"""A capture file's rows as the logs of another program: Zeek's, or Suricata's eve.json."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, Literal

from agent.errors import CannotStartError

if TYPE_CHECKING:
    from weir_native import Batch, EngineConfig

Dialect = Literal["zeek", "eve"]

ENGINE: Final[EngineConfig] = {"minute_rows": False, "documents": False}
"""A flow is one record, made at its end."""


def write_logs(batches: Iterable[Batch], folder: Path, dialect: Dialect) -> tuple[dict[Path, int], int]:
    """Writes the logs into `folder`; returns the records of each file, and how many requests these logs have no place for.

    Raises CannotStartError where the folder cannot be used.
    """
    import weir_native  # noqa: PLC0415  `weir-agent --help` works before the engine is built

    writer = weir_native.LogWriter(dialect, now_s=int(time.time()))
    open_files: dict[Path, BinaryIO] = {}
    records: dict[Path, int] = {}
    with ExitStack() as stack:

        def append(lines: list[tuple[str, bytes, int]]) -> None:
            for name, text, count in lines:
                path = folder / name
                if path not in open_files:
                    open_files[path] = stack.enter_context(path.open("wb"))
                open_files[path].write(text)
                records[path] = records.get(path, 0) + count

        try:
            folder.mkdir(parents=True, exist_ok=True)
            for batch in batches:
                append(writer.lines(batch))
            append(writer.end(now_s=int(time.time())))
        except OSError as error:
            message = f"{error.filename or folder} cannot be written: {error.strerror or error}."
            raise CannotStartError(message) from error
    return records, writer.left_out
