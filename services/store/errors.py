"""The exceptions of the store, and how each becomes an HTTP answer.

    StoreError                 anything a client is told, with ClickHouse's own code and name
    ├── BadRequest             the request itself is wrong (36, 62, 372 …): permanent
    ├── Denied                 who are you, or you may not (192, 516, 164, 497): permanent
    ├── Overloaded             too many queries at once, or no space (202, 243): retryable
    └── QueryFailed            what the engine answered, with the engine's code

Codes and names: https://github.com/ClickHouse/ClickHouse/blob/master/src/Common/ErrorCodes.cpp; the mapping to HTTP status follows
`exceptionCodeToHTTPStatus` of the same server.
"""

from __future__ import annotations

import re
from typing import Final

_BAD: Final = (6, 8, 15, 25, 26, 27, 36, 37, 38, 41, 44, 53, 62, 72, 117, 123, 167, 168, 223, 321, 376, 427, 441, 675, 676)
_STATUS: Final = {
    **dict.fromkeys(_BAD, 400),
    **dict.fromkeys((46, 47, 50, 56, 60, 63, 73, 78, 81, 115, 152, 336, 511), 404),
    **dict.fromkeys((192, 193, 497, 512, 516), 403),
    **dict.fromkeys((76, 209, 439), 503),
    48: 501,
    159: 408,
    194: 401,
    381: 411,
    229: 413,
}
_INTERNAL_ERROR: Final = 500
_ENGINE_ERROR: Final = re.compile(r"^Code: (\d+)\. DB::Exception: (.*?)(?: \(([A-Z][A-Z0-9_]*)\))?(?: \(version [^)]*(?:\([^)]*\))?\))?\.?\s*$", re.DOTALL)


class StoreError(Exception):
    """Something the client is told. `code` and `name` are ClickHouse's; `message` is the sentence."""

    def __init__(self, code: int, name: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.name = name
        self.message = message

    @property
    def status(self) -> int:
        """The HTTP status ClickHouse gives for this code."""
        return _STATUS.get(self.code, _INTERNAL_ERROR)

    def body(self, version: str) -> str:
        """The text as ClickHouse writes it in a response body and in its exception tail."""
        return f"Code: {self.code}. DB::Exception: {self.message} ({self.name}) (version {version} (official build))\n"


class BadRequest(StoreError):  # noqa: N818  the base says that it is an error
    """The request is wrong and stays wrong."""


class Denied(StoreError):  # noqa: N818  the base says that it is an error
    """Not this user, or not with this password; `user` is the name that was tried."""

    user: str = ""


class Overloaded(StoreError):  # noqa: N818  the base says that it is an error
    """Not now; the same request may succeed later."""


class QueryFailed(StoreError):  # noqa: N818  the base says that it is an error
    """The engine refused or gave up."""


def engine_error(text: str) -> QueryFailed:
    """What an exception text of chDB says; its text can hold the same wrapping twice (a client's around a server's)."""
    code, name, message = 1002, "UNKNOWN_EXCEPTION", text.strip()
    while match := _ENGINE_ERROR.match(message):
        code, message = int(match[1]), match[2].strip()
        name = match[3] or name
    return QueryFailed(code, name, message)
