"""Where finished batches go: held until the agent knows who it is, then encoded and queued for their ingester."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.metrics import count_dropped
from agent.send.encoding import Decoder, encode
from agent.send.item import Encoding, Item
from libs.boot.metrics import QUEUE_DEPTH, QUEUE_LIMIT, ROWS_IN

if TYPE_CHECKING:
    from weir_native import Batch

Put = Callable[[list[tuple[Decoder, Item]]], None]


@dataclass(slots=True)
class Outbox:
    """Belongs to the thread that drains the engine; `address` may be called from any."""

    put: Put
    """Takes bodies over; called on the draining thread, may block."""
    held_bound_bytes: int
    resource: dict[str, str | int] = field(default_factory=dict)
    """Who sends; empty until this is known."""
    encoding: Encoding = "zstd"
    batch_rows: int = 10_000
    _held: deque[Batch] = field(default_factory=deque)
    _held_bytes: int = 0
    _held_rows: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def address(self, resource: Mapping[str, str | int], encoding: Encoding, batch_rows: int) -> None:
        """Who sends and how from now on."""
        with self._lock:
            self.resource, self.encoding, self.batch_rows = dict(resource), encoding, batch_rows

    def take(self, batches: list[Batch]) -> None:
        """Counts the rows and holds them."""
        for batch in batches:
            ROWS_IN.labels(batch.table).inc(batch.rows)
            self._held.append(batch)
            self._held_bytes += batch.nbytes
            self._held_rows += batch.rows
        while self._held_bytes > self.held_bound_bytes and len(self._held) > 1:
            self._drop_oldest("unregistered" if not self.resource else "held_full")
        self._observe()

    def flush(self) -> None:
        """Sends what is held, if the sender is known."""
        with self._lock:
            resource, encoding, batch_rows = self.resource, self.encoding, self.batch_rows
        if resource and self._held:
            items = list(encode(self._held, resource, encoding, batch_rows))
            self._held.clear()
            self._held_bytes = self._held_rows = 0
            self.put(items)
            self._observe()

    def close(self) -> None:
        """Sends what can be sent; the rest is lost with the process, and counted."""
        self.flush()
        while self._held:
            self._drop_oldest("unregistered")
        self._observe()

    @property
    def rows(self) -> int:
        """Rows held now."""
        return self._held_rows

    def _drop_oldest(self, reason: str) -> None:
        batch = self._held.popleft()
        self._held_bytes -= batch.nbytes
        self._held_rows -= batch.rows
        count_dropped({batch.table: batch.rows}, reason)

    def _observe(self) -> None:
        QUEUE_DEPTH.labels("held", "rows").set(self.rows)
        QUEUE_DEPTH.labels("held", "bytes").set(self._held_bytes)
        QUEUE_LIMIT.labels("held", "bytes").set(self.held_bound_bytes)
