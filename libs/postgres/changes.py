"""Hears of changes at once by LISTEN/NOTIFY, and by looking now and then where a notification was lost."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, Final

from libs.postgres.database import connect
from libs.postgres.errors import AWAY, PostgresUnavailable, unavailable

_RETRY_S: Final = 0.2
_LONGEST_RETRY_S: Final = 3.0

Look = Callable[[], Awaitable[Any]]


async def follow_changes(
    dsn: str,
    application: str,
    channels: tuple[str, ...],
    look: Look,
    *,
    poll_s: float = 10.0,
    debounce_s: float = 0.02,
    on_state: Callable[[str], None] = lambda _: None,
) -> None:
    """Calls `look` at the start, after each reconnection, `debounce_s` after a notification and every `poll_s`; runs for ever.

    Notifications that come while `look` works are one more call, not many. Where `look` raises PostgresUnavailable it is called again
    soon. `on_state` hears "" after each `look` that succeeded, else one sentence.
    """
    pause = _RETRY_S
    while True:
        try:
            connection = await connect(dsn, f"{application}-listen")
            try:
                told = asyncio.Event()
                connection.add_termination_listener(lambda _, told=told: told.set())
                with unavailable():
                    for channel in channels:
                        await connection.add_listener(channel, lambda *_, told=told: told.set())
                while not connection.is_closed():
                    told.clear()
                    await look()
                    on_state("")
                    pause = _RETRY_S
                    await _next(connection, told, poll_s, debounce_s)
            finally:
                with contextlib.suppress(*AWAY):
                    await connection.close(timeout=2)
            on_state("PostgreSQL cannot answer now (the connection was lost); it is asked again until it is.")
        except PostgresUnavailable as error:
            on_state(str(error))
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_RETRY_S)


async def _next(connection: Any, told: asyncio.Event, poll_s: float, debounce_s: float) -> None:  # noqa: ANN401  asyncpg's connection and its proxy share no type
    try:
        async with asyncio.timeout(poll_s):
            await told.wait()
    except TimeoutError:
        with unavailable():
            await connection.execute("SELECT 1")  # a peer that vanished without a word is noticed here
    else:
        await asyncio.sleep(debounce_s)
