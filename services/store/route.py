"""The ASGI application: `/`, `/ping`, `/replicas_status`. One request is one query."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Final

from libs.boot import get_logger
from services.store.access import Access
from services.store.answer import Answer
from services.store.disk import Disk
from services.store.engine import Connection, Engine, identifier, literal
from services.store.errors import Denied, Overloaded, StoreError
from services.store.identity import with_identity
from services.store.kill import TAG_SQL, Running, kill, with_client_ids
from services.store.metrics import QUERIES, ROWS_WRITTEN, RUNNING, SECONDS
from services.store.pipe import Pipe
from services.store.query import Outcome, Plan, plan, run
from services.store.querylog import Finished, QueryLog
from services.store.request import Disconnected, Request, peer, read
from services.store.session import Session, Sessions
from services.store.settings import StoreSettings

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_LOG = get_logger("route")
_KILLED_WITHIN_S: Final = 2.0
_PATIENCE_S: Final = 0.25
_LOGGED: Final = 4096


class Store:
    """Everything a request needs."""

    def __init__(self, settings: StoreSettings, engine: Engine, *, access: Access, sessions: Sessions, disk: Disk, log: QueryLog) -> None:
        self._settings = settings
        self._engine = engine
        self._access = access
        self._sessions = sessions
        self._disk = disk
        self._log = log
        self._running: dict[str, Running] = {}
        # Two threads more than queries: KILL QUERY must get through when every place is taken.
        self._threads = ThreadPoolExecutor(settings.max_concurrent_queries + 2, thread_name_prefix="query")
        self._active = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "lifespan":
            while (message := await receive())["type"] != "lifespan.shutdown":
                await send({"type": f"{message['type']}.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        path, method = scope["path"], scope["method"]
        if path in ("/ping", "/replicas_status") or (path == "/" and method in ("GET", "HEAD") and not scope["query_string"]):
            await self._ok(send, method)
        elif path != "/":
            await self._plain(
                send,
                404,
                f"There is no handle {path}\n\nUse / or /ping for health checks.\nSend queries from your program with POST method or GET /?query=...\n",
            )
        elif method == "OPTIONS":
            await self._plain(send, 204, "")
        elif method not in ("GET", "POST", "HEAD", "PUT"):
            await self._plain(send, 501, f"There is no handle for {method} /\n")
        else:
            await self._query(scope, receive, send)

    async def _ok(self, send: Send, method: str) -> None:
        await self._plain(send, 200, "Ok.\n", with_body=method != "HEAD")

    async def _plain(self, send: Send, status: int, text: str, *, with_body: bool = True) -> None:
        headers = [(b"content-type", b"text/html; charset=UTF-8"), (b"content-length", str(len(text)).encode())]
        headers.append((b"x-clickhouse-server-display-name", self._engine.display_name.encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": text.encode() if with_body else b""})

    async def _query(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        answer = Answer(self._engine, send)
        kind, outcome = "other", "error"
        request: Request | None = None
        todo: Plan | None = None
        result: Outcome | StoreError = Outcome()
        try:
            request = await read(scope, receive, access=self._access, engine=self._engine, settings=self._settings)
            answer.describe(request, request.default_format)
            todo = plan(request, self._engine)
            kind = todo.statement.kind
            answer.describe_result(todo.statement.format if kind != "insert" else "", gives_rows=todo.statement.gives_rows)
            result = await self._admitted(request, todo, answer, receive)
            outcome = "ok"
        except StoreError as error:
            outcome, result = "refused" if isinstance(error, Overloaded) else "error", error
            if isinstance(error, Denied) and request is None:
                self._log.login(error.user, peer(scope), "", error.message)
            if request is not None and error.message.startswith("default: "):
                # The engine knows every user by one name.
                error.message = request.user.name + error.message.removeprefix("default")
            await answer.fail(error)
        except Disconnected:
            outcome = "gone"
        except Exception as error:  # noqa: BLE001  the request edge: one request's surprise is its own
            _LOG.error("request failed", error=repr(error), exc_info=True)
            await answer.fail(StoreError(1001, "STD_EXCEPTION", f"std::exception. Code: 1001, type: {type(error).__name__}, e.what() = {error}"))
        finally:
            if todo is not None:
                todo.close()
            if request is not None:
                self._remember(request, todo, time.perf_counter() - began, result)
                request.close()
            QUERIES.labels(kind, outcome).inc()
            SECONDS.labels(kind).observe(time.perf_counter() - began)

    def _remember(self, request: Request, todo: Plan | None, seconds: float, result: Outcome | StoreError) -> None:
        """Puts the query into the log."""
        if request.params.get("log_queries") == "0":
            return
        text = todo.statement.head if todo else request.params.get("query", "").encode("utf-8", "replace") or request.body.head(_LOGGED)
        self._log.add(Finished.of(request, text, seconds, result))

    async def _admitted(self, request: Request, todo: Plan, answer: Answer, receive: Receive) -> Outcome:
        if todo.statement.kind == "insert":
            self._disk.require()
        if self._active >= self._settings.max_concurrent_queries and todo.statement.kind != "kill":
            raise Overloaded(202, "TOO_MANY_SIMULTANEOUS_QUERIES", f"Too many simultaneous queries. Maximum: {self._settings.max_concurrent_queries}")
        self._active += 1
        self._idle.clear()
        RUNNING.set(self._active)
        session: Session | None = None
        try:
            if "session_id" in request.params:
                session = await self._sessions.take(request)
                if session.fresh:
                    session.fresh = False
                    self._log.login(request.user.name, request.peer, request.params["session_id"])
            return await self._run(request, todo, answer, receive, session)
        finally:
            if session is not None:
                self._sessions.give(request, session)
            self._active -= 1
            if not self._active:
                self._idle.set()
            RUNNING.set(self._active)

    async def _run(self, request: Request, todo: Plan, answer: Answer, receive: Receive, session: Session | None) -> Outcome:
        """Runs the query in a thread while its result is read from the pipe and sent; a client that leaves ends its query."""
        loop = asyncio.get_running_loop()
        pipe = Pipe() if todo.statement.kind == "select" else None
        running = loop.run_in_executor(self._threads, self._work, request, todo, session, pipe.path if pipe else "")
        watch = asyncio.create_task(self._kill_if_gone(request, receive, session))
        try:
            if pipe is not None:
                running.add_done_callback(lambda _: pipe.no_more_writers())
                while (data := await pipe.read(_PATIENCE_S)) != b"":
                    await (answer.tick() if data is None else answer.write(data))
            outcome = await running
            if pipe is None:
                await answer.write(outcome.body)
            ROWS_WRITTEN.inc(outcome.written_rows)
            await answer.end(outcome)
            return outcome
        finally:
            watch.cancel()
            if pipe is not None:
                pipe.close()
            with contextlib.suppress(StoreError):
                await asyncio.shield(running)

    def _work(self, request: Request, todo: Plan, session: Session | None, outfile: str) -> Outcome:
        """In a worker thread: a connection, the query, and what becomes of the connection."""
        connection = session.connection if session else self._engine.take(readonly=request.user.readonly)
        clean = False
        try:
            if session is not None and request.user.readonly:
                self._engine.restrict_again(connection)
            self._running[connection.tag] = Running(request.query_id, request.user.name)
            if connection.readonly and (request.roles or "profile" in request.params):
                raise Denied(512, "SET_NON_GRANTED_ROLE", f"{request.user.name}: Roles and profiles are fixed for a read-only user")
            for role in request.roles:
                connection.query(f"SET ROLE {identifier(role)}")
            connection.prepare(request.database or (session.database if session else "default"), request.settings)
            outcome = self._run_on(connection, request, todo, outfile)
            if session is not None and todo.statement.keeps_state:
                connection.remember()
                session.database = connection.database
            clean = (
                not todo.statement.keeps_state
                and not request.parts
                and not request.roles
                and "readonly" not in request.settings
                and "profile" not in request.settings
            )
            return outcome
        finally:
            self._running.pop(connection.tag, None)
            if session is None:
                if clean:
                    self._engine.give(connection)
                else:
                    connection.close()

    def _run_on(self, connection: Connection, request: Request, todo: Plan, outfile: str) -> Outcome:
        self._log.flush_for(todo.statement.head)
        if todo.statement.kind == "kill":
            return kill(connection, request, todo.statement, dict(self._running))
        if (personal := with_identity(todo.statement, request)) is not None:
            todo = replace_text(todo, personal)
        if todo.statement.kind == "select" and (text := with_client_ids(todo.statement, dict(self._running))) is not None:
            todo = replace_text(todo, text)
        return run(connection, self._engine, request, todo, outfile)

    async def _kill_if_gone(self, request: Request, receive: Receive, session: Session | None) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        if session is not None:
            session.abandoned = True
        tags = [tag for tag, one in list(self._running.items()) if one.query_id == request.query_id]
        if tags:
            await asyncio.get_running_loop().run_in_executor(self._threads, self._kill_tags, tags)

    def _kill_tags(self, tags: list[str]) -> None:
        connection = self._engine.open(readonly=False)
        try:
            wanted = ", ".join(literal(tag) for tag in tags)
            connection.query(f"KILL QUERY WHERE {TAG_SQL} IN ({wanted}) ASYNC")
        finally:
            connection.close()

    async def drain(self, bound_s: float) -> None:
        """Waits for the running queries up to `bound_s` seconds, then kills what is left."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(bound_s):
                await self._idle.wait()
        if self._running:
            await asyncio.to_thread(self._kill_tags, list(self._running))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_KILLED_WITHIN_S):
                    await self._idle.wait()
        self._threads.shutdown(wait=False, cancel_futures=True)


def replace_text(todo: Plan, text: bytes) -> Plan:
    """The same plan for another text of the statement."""
    from services.store.statement import parse  # noqa: PLC0415

    return replace(todo, statement=parse(text))
