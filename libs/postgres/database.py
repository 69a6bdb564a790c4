"""A pool of connections that need not exist: the process lives on while the server is away."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator
from typing import Any, Final

import asyncpg
import orjson

from libs.boot.errors import StartError
from libs.catalog.ports import port
from libs.postgres.errors import PostgresUnavailable, unavailable

COMMAND_TIMEOUT_S: Final = 30.0
CONNECT_TIMEOUT_S: Final = 5.0


def shared_dsn() -> str:
    """The PostgreSQL that all processes share: `WEIR_POSTGRES_DSN`, else the embedded one of this machine."""
    return os.environ.get("WEIR_POSTGRES_DSN") or f"postgresql://postgres@127.0.0.1:{port('postgres', 'postgres')}/postgres"


async def prepare(connection: Any) -> None:  # noqa: ANN401  asyncpg's connection and its proxy share no type
    """Makes json and jsonb travel as Python values."""
    for kind in ("json", "jsonb"):
        await connection.set_type_codec(kind, schema="pg_catalog", encoder=_encode, decoder=orjson.loads)


def _encode(value: object) -> str:
    return orjson.dumps(value).decode()


async def connect(dsn: str, application: str) -> asyncpg.Connection[asyncpg.Record]:
    """One connection outside the pool; raises PostgresUnavailable."""
    with unavailable():
        connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(
            dsn, timeout=CONNECT_TIMEOUT_S, command_timeout=COMMAND_TIMEOUT_S, server_settings={"application_name": application}
        )
        await prepare(connection)
        return connection


class Database:
    """What a process reads from (and writes to, where it needs no leadership). Every use raises PostgresUnavailable while the server is away."""

    def __init__(self, dsn: str, application: str, *, max_size: int = 4) -> None:
        self.dsn = dsn
        self.application = application
        self._max_size = max_size
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self.trouble = "PostgreSQL has not been asked yet."
        """"" while all is well, else one sentence; what /readyz says."""

    async def open(self) -> None:
        """Makes the pool without connecting. Raises StartError for a DSN that is not one."""
        try:
            self._pool = await asyncpg.create_pool(
                self.dsn,
                min_size=0,
                max_size=self._max_size,
                timeout=CONNECT_TIMEOUT_S,
                command_timeout=COMMAND_TIMEOUT_S,
                max_inactive_connection_lifetime=60.0,
                init=prepare,
                server_settings={"application_name": self.application},
            )
        except (ValueError, asyncpg.InterfaceError) as error:
            message = f"WEIR_POSTGRES_DSN is not a PostgreSQL address ({error}); it looks like postgresql://user@host:port/database."
            raise StartError(message) from error

    async def close(self) -> None:
        """Closes every connection, waiting for those in use."""
        if self._pool is not None:
            await self._pool.close()

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        """A connection from the pool; raises PostgresUnavailable."""
        if self._pool is None:
            message = "PostgreSQL has not been asked yet."
            raise PostgresUnavailable(message)
        try:
            with unavailable():
                async with self._pool.acquire(timeout=CONNECT_TIMEOUT_S) as connection:
                    yield connection
        except PostgresUnavailable as error:
            self.trouble = str(error)
            raise
        self.trouble = ""

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        """The same within one transaction."""
        async with self.connection() as connection, connection.transaction():
            yield connection

    async def fetch(self, query: str, *arguments: object) -> list[Any]:
        """All rows of one query."""
        async with self.connection() as connection:
            rows: list[Any] = await connection.fetch(query, *arguments)
            return rows
