"""One request body on its way to an ingester."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from agent.send.segment import Place

Signal = Literal["logs", "traces"]
Encoding = Literal["zstd", "gzip", "identity"]

OVERHEAD_BYTES: Final = 256
"""What an item costs in memory beside its body; keeps a queue of tiny bodies bounded too."""


@dataclass(slots=True, eq=False)
class Item:
    """A body that is sent byte for byte the same each time, so that an ingester recognises a repeat."""

    signal: Signal
    rows: dict[str, int]
    """Stream (table) -> rows."""
    body: bytes
    """An OTLP export request, compressed as `encoding` says."""
    encoding: Encoding
    created_ms: int
    place: Place | None = field(default=None)
    """Where it lies on disk; None while it lives in memory alone."""
    age: int = field(default=0)
    """Its turn among the items in memory; the spool gives it."""
    sent: int = field(default=0)
    """How often it went to an ingester that may have stored it: the next time it says so, that the store is asked (docs/adr/0005)."""

    @property
    def row_count(self) -> int:
        """Rows of all streams."""
        return sum(self.rows.values())

    @property
    def size_bytes(self) -> int:
        """What it counts against a bound."""
        return len(self.body) + OVERHEAD_BYTES
