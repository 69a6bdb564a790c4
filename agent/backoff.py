"""How long to wait after a failure: twice as long each time, spread so that a thousand agents do not come back in the same instant."""

from __future__ import annotations

import random
from dataclasses import dataclass, field


@dataclass(slots=True)
class Backoff:
    """Times in seconds."""

    first_s: float
    most_s: float
    _next_s: float = field(default=0.0)

    def failed(self) -> float:
        """How long to wait after this failure: between half and all of the step."""
        step = self._next_s or self.first_s
        self._next_s = min(step * 2, self.most_s)
        return step * random.uniform(0.5, 1.0)  # noqa: S311  a spread, not a secret

    def succeeded(self) -> None:
        """The next failure waits shortly again."""
        self._next_s = 0.0
