"""PostgresUnavailable: the server is away, or the connection was lost. Retryable; what was not committed was not done."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Final

import asyncpg

AWAY: Final = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.ReadOnlySQLTransactionError,  # a standby, until it is promoted
    asyncpg.QueryCanceledError,
    asyncpg.InternalClientError,
    asyncpg.InterfaceError,
    asyncpg.UndefinedTableError,  # its owner has not been started yet
    asyncpg.InvalidSchemaNameError,
)
"""What asyncpg raises when the statement is not at fault: later it will do."""


class PostgresUnavailable(Exception):  # noqa: N818  it says what is the case
    """PostgreSQL cannot be asked now; the message is a sentence for people."""


@contextlib.contextmanager
def unavailable() -> Iterator[None]:
    """Raises PostgresUnavailable for whatever means that the server is away; lets errors of statements pass."""
    try:
        yield
    except AWAY as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        message = f"PostgreSQL cannot answer now ({reason}); it is asked again until it is."
        raise PostgresUnavailable(message) from error
