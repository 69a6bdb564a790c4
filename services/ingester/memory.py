"""Which requests are stored: what makes "once" true.

Memory holds the requests this process stored and those that the store told of at the start. It also knows what it does not know:
`horizon_s` is the row time from which on every stored request is in memory. A request that is in memory is a repeat. One that is
not, and whose rows are all newer than the horizon, is new. Only what remains — older rows, or a sender that says "again" — has to be
asked of the store. See docs/adr for why this is exact.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from enum import Enum

from services.ingester.metrics import REMEMBERED
from services.ingester.outcome import Outcome


class Knowledge(Enum):
    """What memory can say about a request that is not known to be complete."""

    NEW = "new"
    """Certainly not stored."""
    IN_DOUBT = "in doubt"
    """May be stored, or half stored: ask the store."""


@dataclass(frozen=True, slots=True)
class _Seen:
    outcome: Outcome | None
    """None: the store has rows of it; whether all of them is not known."""
    newest_s: int


class Memory:
    """The stored requests by batch id, bounded; those with the oldest rows are forgotten first."""

    def __init__(self, limit: int, horizon_s: int = 0) -> None:
        self._limit = limit
        self._seen: dict[int, _Seen] = {}
        self._oldest: list[tuple[int, int]] = []
        self.horizon_s = horizon_s
        REMEMBERED.set_function(lambda: len(self._seen))

    def __len__(self) -> int:
        return len(self._seen)

    def stored(self, batch_id: int) -> Outcome | None:
        """What became of a request that is stored completely, None where that is not known."""
        seen = self._seen.get(batch_id)
        return seen.outcome if seen is not None else None

    def knowledge(self, batch_id: int, oldest_s: int, *, resent: bool) -> Knowledge:
        """Whether a request with rows from `oldest_s` on has to be looked up before it is stored."""
        known_new = batch_id not in self._seen and oldest_s >= self.horizon_s and not resent
        return Knowledge.NEW if known_new else Knowledge.IN_DOUBT

    def add(self, batch_id: int, newest_s: int, outcome: Outcome | None) -> None:
        """Remembers a request. `newest_s`: time of its newest row; `outcome` None where only the store says that there is something."""
        if batch_id not in self._seen:
            heapq.heappush(self._oldest, (newest_s, batch_id))
        else:
            newest_s = self._seen[batch_id].newest_s
        self._seen[batch_id] = _Seen(outcome, newest_s)
        while len(self._seen) > self._limit:
            forgotten_s, forgotten = heapq.heappop(self._oldest)
            del self._seen[forgotten]
            self.horizon_s = max(self.horizon_s, forgotten_s + 1)
