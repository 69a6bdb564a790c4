"""What became of a request that was taken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

MAX_REASONS = 8
"""An answer names at most so many reasons; the metrics count all."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Rows of a request that are stored, and rows that are not and never will be, by reason."""

    rows: int
    rejected: Mapping[str, int] = field(default_factory=dict)
    duplicate: bool = False
    """Whether it was stored before this request came."""

    @property
    def rejected_rows(self) -> int:
        """Rows left out, whatever the reason."""
        return sum(self.rejected.values())

    @property
    def message(self) -> str:
        """The reasons in one sentence, the most frequent first."""
        most = sorted(self.rejected.items(), key=lambda item: -item[1])
        said = ", ".join(f"{count} {reason.replace('_', ' ')}" for reason, count in most[:MAX_REASONS])
        rest = f" and {len(most) - MAX_REASONS} more reasons" if len(most) > MAX_REASONS else ""
        return f"Not stored: {said}{rest}. Do not send them again."
