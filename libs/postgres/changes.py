"""Hears of changes at once by LISTEN/NOTIFY, and by looking now and then where a notification was lost."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Final

from libs.postgres.database import connect
from libs.postgres.errors import AWAY, PostgresUnavailable, unavailable

_RETRY_S: Final = 0.25
_LONGEST_RETRY_S: Final = 5.0


async def changes(
    dsn: str, application: str, channels: tuple[str, ...], *, poll_s: float = 10.0, debounce_s: float = 0.02, on_state: Callable[[str], None] = lambda _: None
) -> AsyncIterator[None]:
    """Yields once whenever the reader should look: at the start, after each reconnection, `debounce_s` after a notification, every `poll_s`.

    Notifications that come while the reader works are one more yield, not many. Runs for ever; `on_state` hears "" while connected.
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
                on_state("")
                pause = _RETRY_S
                while not connection.is_closed():
                    told.clear()
                    yield
                    try:
                        await asyncio.wait_for(told.wait(), poll_s)
                    except TimeoutError:
                        with unavailable():
                            await connection.execute("SELECT 1")  # a peer that vanished without a word is noticed here
                    else:
                        await asyncio.sleep(debounce_s)
            finally:
                with contextlib.suppress(*AWAY):
                    await connection.close(timeout=2)
            on_state("PostgreSQL is not available (the connection was lost); it is asked again until it is.")
        except PostgresUnavailable as error:
            on_state(str(error))
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_RETRY_S)
