"""One active writer per kind of process: whoever holds the advisory lock works, the others wait to take over."""

from __future__ import annotations

import asyncio
import contextlib
import zlib
from collections.abc import Awaitable, Callable
from typing import Any, Final

from libs.boot.logs import get_logger
from libs.postgres.database import connect
from libs.postgres.errors import AWAY, PostgresUnavailable, unavailable

_RETRY_S: Final = 0.5
_LONGEST_RETRY_S: Final = 5.0
_LOCK_POLL_S: Final = 0.25
_CANCEL_AGAIN_S: Final = 1.0

Work = Callable[[Any], Awaitable[None]]


async def lead(dsn: str, role: str, work: Work, *, on_state: Callable[[str], None] = lambda _: None) -> None:
    """Runs `work(connection)` whenever this process is the leader of `role`, for ever.

    The lock lives on the connection that `work` writes with, so a leader that lost its lock cannot write any more: no second writer,
    even when this process was frozen meanwhile. `work` is cancelled when the connection is lost and begins again with the next one; it may
    raise PostgresUnavailable for the same effect. Other exceptions come out of here. `on_state` hears "" while leading or standing by.
    """
    log = get_logger("leader")
    pause = _RETRY_S
    while True:
        try:
            connection = await connect(dsn, f"weir-{role}-leader")
            try:
                await _wait_for_lock(connection, role, on_state)
                log.info("leading", role=role)
                pause = _RETRY_S
                on_state("")
                await _until_lost(connection, work)
            finally:
                with contextlib.suppress(*AWAY):
                    await connection.close(timeout=2)
        except PostgresUnavailable as error:
            log.warning("not leading", role=role, reason=str(error))
            on_state(str(error))
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_RETRY_S)


async def _wait_for_lock(connection: Any, role: str, on_state: Callable[[str], None]) -> None:  # noqa: ANN401  asyncpg's connection and its proxy share no type
    key = zlib.crc32(f"weir.leader.{role}".encode())
    with unavailable():
        while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", key):
            on_state("")
            await asyncio.sleep(_LOCK_POLL_S)


async def _until_lost(connection: Any, work: Work) -> None:  # noqa: ANN401  asyncpg's connection and its proxy share no type
    lost = asyncio.Event()
    connection.add_termination_listener(lambda _: lost.set())
    working = asyncio.ensure_future(work(connection))
    losing = asyncio.ensure_future(lost.wait())
    try:
        await asyncio.wait((working, losing), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            with unavailable():
                working.result()
        message = "PostgreSQL is not available (the connection was lost); it is asked again until it is."
        raise PostgresUnavailable(message)
    finally:
        losing.cancel()
        while not working.done():  # again and again: below it, a wait_for of Python 3.11 may take one cancellation for itself
            working.cancel()
            await asyncio.wait((working,), timeout=_CANCEL_AGAIN_S)
        await asyncio.gather(working, losing, return_exceptions=True)
