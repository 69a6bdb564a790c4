"""Numbers with their units, short enough for a column."""

from __future__ import annotations

from typing import Final

_US_PER_MS: Final = 1_000
_US_PER_S: Final = 1_000_000
_KIBI: Final = 1024
_KILO: Final = 1000


def readable(value: float, unit: str) -> str:
    """`value` in `unit` ("us", "byte" or a word) as people write it: 1.2 ms, 3.4 MiB, 12.5 k."""
    if unit == "us":
        return duration(value)
    if unit in {"byte", "B"}:
        return size(value)
    return count(value)


def duration(us: float) -> str:
    """Microseconds as µs, ms or s."""
    if us < _US_PER_MS:
        return f"{us:.0f} µs"
    if us < _US_PER_S:
        return f"{us / _US_PER_MS:.3g} ms"
    return f"{us / _US_PER_S:.3g} s"


def size(value: float) -> str:
    """Bytes with a binary prefix."""
    for prefix in ("B", "KiB", "MiB", "GiB"):
        if abs(value) < _KIBI:
            return f"{value:.3g} {prefix}" if prefix != "B" else f"{value:.0f} B"
        value /= _KIBI
    return f"{value:.3g} TiB"


def count(value: float) -> str:
    """A plain number, thousands shortened past six digits."""
    if value == int(value) and abs(value) < _KILO**2:
        return f"{int(value)}"
    for prefix in ("", " k", " M", " G"):
        if abs(value) < _KILO:
            return f"{value:.3g}{prefix}"
        value /= _KILO
    return f"{value:.3g} T"


def rate(value: float) -> str:
    """A rate per second in three digits; nothing for none."""
    if not value:
        return ""
    return count(value) if value >= _KILO else f"{value:.3g}"
