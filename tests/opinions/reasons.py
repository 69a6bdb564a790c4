"""Why Weir and another reader disagree, where they do."""

from __future__ import annotations

import fnmatch
from typing import Final

from tests.opinions.compare import Compared

_REASONS: Final[tuple[tuple[str, str, str], ...]] = ()
"""Captures and columns (patterns), and whose fault it is, and why."""


def reason(compared: Compared) -> str:
    """One sentence, "" where nobody knows."""
    for capture, column, why in _REASONS:
        if fnmatch.fnmatch(compared.capture, capture) and fnmatch.fnmatch(compared.column, column):
            return why
    return ""
