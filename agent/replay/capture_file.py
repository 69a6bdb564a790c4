"""Opens a capture file with the native engine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from agent.errors import CaptureFileError, CaptureUnavailableError

if TYPE_CHECKING:
    from weir_native import Batch, EngineConfig, Replay


class CaptureFile:
    """Iterates over finished batches; `remark` says afterwards what was wrong with the file, in a sentence."""

    def __init__(self, path: Path, config: EngineConfig | None = None) -> None:
        """Raises CaptureFileError where nothing can be read, CaptureUnavailableError without the native engine."""
        try:
            import weir_native  # noqa: PLC0415  `weir-agent --help` works before the engine is built
        except ImportError as error:
            message = f"The engine weir_native is not built ({error}): run `make install`."
            raise CaptureUnavailableError(message) from error
        self._path = path
        try:
            self._replay: Replay = weir_native.Engine(config).replay(path)
        except FileNotFoundError as error:
            message = f"There is no file {path}."
            raise CaptureFileError(message) from error
        except OSError as error:
            message = f"{path} cannot be read: {_reason(error)}."
            raise CaptureFileError(message) from error
        except ValueError as error:
            message = f"{path} is no capture file (pcap or pcapng, also gzipped): {str(error).removeprefix(f'{path}: ')}."
            raise CaptureFileError(message) from error

    def __iter__(self) -> Iterator[Batch]:
        try:
            yield from self._replay
        except OSError as error:
            message = f"{self._path} cannot be read to its end: {_reason(error)}."
            raise CaptureFileError(message) from error

    @property
    def remark(self) -> str:
        """What the file lacks: it was cut in the middle of a packet, or has records that cannot be. Empty where it is whole."""
        stats = self._replay.stats()
        if stats.get("capture_corrupt"):
            return f"{self._path} is damaged: {stats['capture_corrupt']} of its records cannot be read; everything else was."
        if stats.get("capture_cut"):
            return f"{self._path} ends in the middle of a packet; everything before it was read."
        return ""

    @property
    def packets(self) -> int:
        """Packets so far."""
        return self._replay.stats().get("packets", 0)


def _reason(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else str(error)
