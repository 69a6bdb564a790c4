"""What an ingester's answer means for the body that was sent (OTLP specification, OTLP/HTTP response)."""

from __future__ import annotations

import email.utils
import time
from dataclasses import dataclass
from typing import Final

from agent.send.wire import PartialSuccess, parse_partial_success, parse_status_message

RETRY_AFTER_MOST_S: Final = 300.0
"""A receiver that asks for more is asked again all the same."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """Acknowledged. The rejected rows must not be sent again."""

    partial: PartialSuccess


@dataclass(frozen=True, slots=True)
class Later:
    """Not taken now; the same bytes are to be sent again."""

    reason: str
    after_s: float | None = None
    """What the receiver asked for."""
    suspects_body: bool = False
    """Whether it may be this body, not the receiver, that is to blame."""
    may_be_stored: bool = True
    """Whether the receiver may have it all the same: its answer was lost, or came before the end of its work."""


@dataclass(frozen=True, slots=True)
class TooLarge:
    """To be cut, or dropped where it cannot be."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Never to be sent again."""

    reason: str
    message: str


Outcome = Delivered | Later | TooLarge | Refused

_OK, _TIMEOUT, _TOO_LARGE, _TOO_MANY, _SERVER_ERROR = 200, 408, 413, 429, 500
_AWAY: Final = (502, 503, 504)


def judge(status: int, body: bytes, retry_after: str | None) -> Outcome:
    """The outcome of an answer. Only 200 is success: a 204 of some proxy in between has stored nothing."""
    if status == _OK:
        return Delivered(parse_partial_success(body))
    if status == _TOO_LARGE:
        return TooLarge()
    if status in (_TOO_MANY, *_AWAY):
        return Later(f"http_{status}", parse_retry_after(retry_after, time.time()), may_be_stored=status != _TOO_MANY)
    if status == _TIMEOUT or status >= _SERVER_ERROR:
        return Later(f"http_{status}", parse_retry_after(retry_after, time.time()), suspects_body=True)
    if status in range(200, 400):
        return Later(f"http_{status}")
    return Refused(f"http_{status}", parse_status_message(body))


def parse_retry_after(value: str | None, now_s: float) -> float | None:
    """Seconds to wait, from seconds or a date (RFC 9110, 10.2.3); None where it says nothing that can be read."""
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(value).timestamp() - now_s
        except ValueError:
            return None
    return min(max(seconds, 0.0), RETRY_AFTER_MOST_S) if seconds == seconds else None  # noqa: PLR0124  not a number
