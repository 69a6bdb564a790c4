"""Opens a capture file with the native engine."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from agent.custom.hosts import Hosts, Wanted
from agent.errors import CaptureFileError, CaptureUnavailableError, ProtocolError

if TYPE_CHECKING:
    from weir_native import Batch, EngineConfig, Replay


class CaptureFile:
    """Iterates over finished batches; `remark` says afterwards what was wrong with the file, in a sentence."""

    def __init__(self, path: Path, config: EngineConfig | None = None, protocols: Sequence[Wanted] = ()) -> None:
        """Raises CaptureFileError where nothing can be read, CaptureUnavailableError without the native engine, ProtocolError for a protocol that cannot be used."""
        try:
            import weir_native  # noqa: PLC0415  `weir-agent --help` works before the engine is built
        except ImportError as error:
            message = f"The engine weir_native is not built ({error}): run `make install`."
            raise CaptureUnavailableError(message) from error
        self._path = path
        self._hosts = Hosts()
        try:
            engine = weir_native.Engine(config)
            self._hosts.begin(engine, protocols, 1, keep=False)
            self._replay: Replay = engine.replay(path)
        except FileNotFoundError as error:
            message = f"There is no file {path}."
            raise CaptureFileError(message) from error
        except OSError as error:
            message = f"{path} cannot be read: {_reason(error)}."
            raise CaptureFileError(message) from error
        except ValueError as error:
            message = f"{path} is no capture file (pcap or pcapng, also gzipped): {str(error).removeprefix(f'{path}: ')}."
            raise CaptureFileError(message) from error

        if dead := [health for _, health in self._replay.protocol_health() if health != "running"]:
            message = self._hosts.ended(within_s=2) or f"The process of a protocol cannot be used: it is {dead[0]}."
            raise ProtocolError(message)

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
        if stats.get("custom_lost_flows"):
            why = self._hosts.ended(within_s=1) or "The process of a custom protocol answered nothing for ten seconds."
            return f"{why} {stats['custom_lost_flows']} flows were in it; what it had not told of them is missing here."
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
