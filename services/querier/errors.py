"""What can go wrong with a question.

QuerierError
├── QueryError       400 INVALID_SQL         the statement is not one that is answered; the sentence names what is right
├── ParameterError  400 INVALID_PARAMETERS  the request around the statement is wrong
├── LimitError      422 RESOURCE_NUM_EXCEEDED  it needs more rows or memory than one question may have
├── TimeLimitError           504 FAIL                it took longer than one question may take
├── RefusedError       502 SERVER_ERROR        the store did not accept what it was asked; a fault of Weir's
└── UnavailableError   503 SERVER_ERROR        the store cannot be reached, or has no such table yet; retry after some seconds
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar, NoReturn


class QuerierError(Exception):
    """A question that gets no answer; `str()` is one sentence for the person who asked."""

    status: ClassVar[int] = 500
    opt_status: ClassVar[str] = "SERVER_ERROR"
    retry_after_s: ClassVar[int] = 0


class QueryError(QuerierError):
    """The statement is not one that is answered."""

    status = 400
    opt_status = "INVALID_SQL"


class ParameterError(QuerierError):
    """The request around the statement is wrong."""

    status = 400
    opt_status = "INVALID_PARAMETERS"


class LimitError(QuerierError):
    """It needs more rows or memory than one question may have."""

    status = 422
    opt_status = "RESOURCE_NUM_EXCEEDED"


class TimeLimitError(QuerierError):
    """It took longer than one question may take."""

    status = 504
    opt_status = "FAIL"


class RefusedError(QuerierError):
    """The store did not accept what it was asked."""

    status = 502


class UnavailableError(QuerierError):
    """The store cannot be reached, or has no such table yet."""

    status = 503
    retry_after_s = 2


def no_such(what: str, name: str, where: str, known: Iterable[str]) -> NoReturn:
    """Raises QueryError for a name that does not exist, naming the nearest ones that do."""
    names = sorted(set(known))
    lowered = {candidate.lower(): candidate for candidate in reversed(names)}
    near = [lowered[match] for match in difflib.get_close_matches(name.lower(), lowered, n=3, cutoff=0.6)]
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(names[:12])}{' …' if len(names) > 12 else ''}."  # noqa: PLR2004
    message = f"There is no {what} {name[:80]!r} in {where}: {hint}"
    raise QueryError(message)
