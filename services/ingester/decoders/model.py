"""What a decoder is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from libs.tables import Table

Signal = Literal["traces", "logs"]


@dataclass(frozen=True, slots=True)
class Stream:
    """One OTLP signal that a decoder takes, and what its rows are called in the ledger."""

    signal: Signal
    name: str
    doc: str


@dataclass(frozen=True, slots=True)
class Decoder:
    """One kind of ingester: the signals it takes and the tables it owns."""

    name: Literal["flow_log", "flow_metrics"]
    doc: str
    streams: tuple[Stream, ...]
    tables: tuple[Table, ...]

    def stream(self, signal: str) -> Stream | None:
        """The stream of that OTLP signal, None where this decoder does not take it."""
        return next((stream for stream in self.streams if stream.signal == signal), None)
