"""Whether a process is alive and whether it is ready, with the reason where it is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

Check = Callable[[], str]
"""Returns nothing ("") when all is well, else one sentence that says what is missing."""


@dataclass(slots=True)
class Health:
    """Named conditions of readiness. Alive is: the event loop still answers."""

    _conditions: dict[str, str] = field(default_factory=dict)
    _checks: dict[str, Check] = field(default_factory=dict)

    def waiting_for(self, name: str, reason: str) -> None:
        """Not ready until `ready(name)`; `reason` is a sentence."""
        self._conditions[name] = reason

    def ready(self, name: str) -> None:
        """The condition holds now."""
        self._conditions[name] = ""

    def check(self, name: str, check: Check) -> None:
        """Asks `check` at each /readyz; it must not block."""
        self._checks[name] = check

    def report(self) -> dict[str, str]:
        """Each condition's name and what is missing, "" where nothing is."""
        return {**self._conditions, **{name: check() for name, check in self._checks.items()}}

    @property
    def is_ready(self) -> bool:
        """Whether every condition holds."""
        return not any(self.report().values())
