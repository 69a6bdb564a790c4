"""Sessions: a connection of the engine that a client comes back to, with its temporary tables, its settings and its database."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field
from typing import Final

from services.store.engine import Connection, Engine
from services.store.errors import BadRequest, Overloaded
from services.store.metrics import SESSIONS
from services.store.request import Request
from services.store.settings import StoreSettings

_PATIENCE_S: Final = 0.25
_ABANDONED_PATIENCE_S: Final = 3.0


@dataclass(slots=True)
class Session:
    """One client's connection between its requests."""

    connection: Connection
    timeout_s: float
    expires_at: float = 0.0
    busy: bool = False
    database: str = "default"
    """Where the last USE went."""
    fresh: bool = True
    """Nothing has run in it yet."""
    abandoned: bool = False
    """The client of the request that runs in it has gone; the request ends soon."""
    freed: asyncio.Event = field(default_factory=asyncio.Event)


class Sessions:
    """The sessions alive, by user and id. One request at a time each."""

    def __init__(self, engine: Engine, settings: StoreSettings) -> None:
        self._engine = engine
        self._settings = settings
        self._alive: dict[tuple[str, str], Session] = {}

    async def take(self, request: Request) -> Session:
        """The session the request names, made where it is new. Raises BadRequest: unknown, in use, or a wrong time-out."""
        await self._wait(self._alive.get((request.user.name, request.params["session_id"])))
        return self._take(request)

    async def _wait(self, session: Session | None) -> None:
        """A client that left a stream and asks again at once must not find its own session locked: it is a moment until its query has ended."""
        if session is None or not session.busy:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE_S):
                await session.freed.wait()
        if session.busy and session.abandoned:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_ABANDONED_PATIENCE_S):
                    await session.freed.wait()

    def _take(self, request: Request) -> Session:
        key = (request.user.name, request.params["session_id"])
        timeout_s = self._timeout(request.params.get("session_timeout", ""))
        session = self._alive.get(key)
        if session is not None and session.busy:
            raise BadRequest(373, "SESSION_IS_LOCKED", f"Session {key[1]} is locked by a concurrent client")
        if session is None or session.expires_at < time.monotonic():
            if session is not None:
                self._end(key)
            if request.flag("session_check"):
                raise BadRequest(372, "SESSION_NOT_FOUND", f"Session {key[1]} not found")
            if len(self._alive) >= self._settings.max_sessions:
                raise Overloaded(202, "TOO_MANY_SIMULTANEOUS_QUERIES", f"There are {self._settings.max_sessions} sessions already")
            session = self._alive[key] = Session(self._engine.open(readonly=request.user.readonly), timeout_s)
            SESSIONS.set(len(self._alive))
        session.busy, session.abandoned, session.timeout_s = True, False, timeout_s
        session.freed.clear()
        return session

    def give(self, request: Request, session: Session, *, end: bool = False) -> None:
        """The request is done with its session."""
        session.busy = False
        session.freed.set()
        session.expires_at = time.monotonic() + session.timeout_s
        if end or request.flag("close_session"):
            self._end((request.user.name, request.params["session_id"]))

    def _timeout(self, asked: str) -> float:
        if not asked:
            return self._settings.session_timeout_s
        if not asked.isdigit():
            raise BadRequest(374, "INVALID_SESSION_TIMEOUT", f"Invalid session timeout: '{asked}'")
        if int(asked) > self._settings.max_session_timeout_s:
            most = self._settings.max_session_timeout_s
            raise BadRequest(374, "INVALID_SESSION_TIMEOUT", f"Session timeout '{asked}' is larger than max_session_timeout: {most}.")
        return int(asked)

    def _end(self, key: tuple[str, str]) -> None:
        session = self._alive.pop(key, None)
        if session is not None:
            session.connection.close()
        SESSIONS.set(len(self._alive))

    async def expire(self) -> None:
        """Ends idle sessions, for ever."""
        while True:
            await asyncio.sleep(1)
            now = time.monotonic()
            for key in [key for key, session in self._alive.items() if not session.busy and session.expires_at < now]:
                self._end(key)

    def close(self) -> None:
        """Ends all of them."""
        for key in list(self._alive):
            self._end(key)
