"""One question: what came in with the request, and the response that answers it while it watches whether anybody still listens."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from libs.boot import get_logger
from services.querier.answers import CLICKHOUSE_FORMAT, CONTENT_TYPE, Form, error_body, stream, whole
from services.querier.dictionaries import Dictionaries
from services.querier.errors import LimitError, ParameterError, QuerierError, RefusedError
from services.querier.metrics import ANSWER_SECONDS, BYTES_OUT, CACHE, EDGE_ERRORS, QUESTIONS, RUNNING, TRANSLATE_SECONDS
from services.querier.store import NamesMissingError, Result, Store
from services.querier.translation import Plan, translate
from services.querier.translation.select import Limits

_MOST_BODY: Final = 1 << 20
_GATHER: Final = 1 << 16
"""Bytes that are gathered before the answer begins, so that a small one is one message and an early error has its own status."""
_KNOWN: Final = ("db", "sql", "format", "debug", "data_precision", "query_uuid")


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked."""

    sql: str
    db: str = ""
    form: Form = Form.JSON
    debug: bool = False
    precision: str = ""
    query_id: str = ""


async def read(request: Request) -> Question:
    """Reads a question from the query string and a JSON or form body; the body wins. Raises ParameterError."""
    said: dict[str, Any] = dict(request.query_params)
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BODY:
            message = f"The request is larger than {_MOST_BODY >> 20} MiB."
            raise ParameterError(message)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if body.strip():
        said |= await _body(request, kind, body)
    unknown = sorted(str(key) for key in said if key not in _KNOWN)
    if unknown:
        message = f"The parameter {unknown[0][:40]!r} is not known: there are {', '.join(_KNOWN)}."
        raise ParameterError(message)
    return _question(said)


async def _body(request: Request, kind: str, body: bytes) -> dict[str, Any]:
    if kind == "multipart/form-data":
        request._body = body  # noqa: SLF001  read above, with a bound; form() reads it from here
        async with request.form(max_files=0, max_fields=20) as form:
            return dict(form)
    if kind == "application/json" or body.lstrip()[:1] == b"{":
        try:
            parsed = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            message = f"The body is not JSON: {error}."
            raise ParameterError(message) from error
        if not isinstance(parsed, dict):
            message = 'The body must be a JSON object such as {"db": "flow_log", "sql": "SHOW TABLES"}.'
            raise ParameterError(message)
        return parsed
    try:
        return {key: values[-1] for key, values in parse_qs(body.decode(), keep_blank_values=True, max_num_fields=20).items()}
    except ValueError as error:
        message = "The body is neither JSON nor a form: send db and sql."
        raise ParameterError(message) from error


def _question(said: dict[str, Any]) -> Question:
    values = {key: "" if value is None else value for key, value in said.items()}
    odd = next((key for key, value in values.items() if not isinstance(value, str) and not (key == "debug" and isinstance(value, bool))), None)
    if odd:
        message = f"The parameter {odd} must be text."
        raise ParameterError(message)
    if not values.get("sql", "").strip():
        message = "There is no sql: send for example sql=SHOW TABLES."
        raise ParameterError(message)
    form = str(values.get("format") or "json").lower()
    if form not in set(Form):
        message = f"The format {form[:40]!r} is not known: there are {', '.join(Form)}."
        raise ParameterError(message)
    query_id = values.get("query_uuid") or uuid.uuid4().hex
    return Question(
        values["sql"], values.get("db", ""), Form(form), str(values.get("debug", "")).lower() in {"true", "1"}, values.get("data_precision", ""), query_id[:64]
    )


class Answering:
    """Translates questions, with a bounded memory of translations, and puts them to the store."""

    def __init__(self, store: Store, dictionaries: Dictionaries, limits: Limits, cache_entries: int) -> None:
        self.store, self.dictionaries = store, dictionaries
        self._limits, self._entries = limits, cache_entries
        self._kept: OrderedDict[tuple[Any, ...], Plan] = OrderedDict()

    def plan(self, question: Question) -> Plan:
        """The question's translation. Raises QueryError."""
        names = self.dictionaries.names
        key = (question.sql, question.db, question.precision, names)
        plan = self._kept.get(key)
        CACHE.labels("no" if plan is None else "yes").inc()
        if plan is not None:
            self._kept.move_to_end(key)
            return plan
        with TRANSLATE_SECONDS.time():
            plan = translate(question.sql, database=question.db, precision=question.precision, names=names, limits=self._limits)
        self._kept[key] = plan
        while len(self._kept) > self._entries:
            self._kept.popitem(last=False)
        return plan

    async def start(self, question: Question) -> tuple[Plan, Result | None]:
        """Begins the answer; None for the result where the rows are known already. Raises a QuerierError."""
        plan = self.plan(question)
        if not plan.sql:
            return plan, None
        try:
            return plan, await self.store.query(plan.sql, CLICKHOUSE_FORMAT[question.form], question.query_id)
        except NamesMissingError:
            await self.dictionaries.refresh()
            plan = self.plan(question)
            return plan, await self.store.query(plan.sql, CLICKHOUSE_FORMAT[question.form], f"{question.query_id}-again")
        except LimitError:
            # Two steps keep every group twice; nearly as many groups as rows are better named row by row.
            if not plan.leaner_sql:
                raise
            return plan, await self.store.query(plan.leaner_sql, CLICKHOUSE_FORMAT[question.form], f"{question.query_id}-leaner")
        except RefusedError as error:
            get_logger("querier").error("refused by the store", reason=str(error), sql=plan.sql[:4000])
            raise


class Answer(Response):
    """The response to one question. Nobody listening any more ends the query."""

    def __init__(self, answering: Answering, question: Question) -> None:
        self._answering, self._question = answering, question
        self.background = None

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Answers, or stops when the client goes away."""
        began = time.perf_counter()
        RUNNING.inc()
        answering = asyncio.create_task(self._answer(send))
        leaving = asyncio.create_task(_gone(receive))
        try:
            await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if answering.done():
                await answering
            else:
                QUESTIONS.labels("abandoned").inc()
        finally:
            for task in (answering, leaving):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
            RUNNING.dec()
            ANSWER_SECONDS.observe(time.perf_counter() - began)

    async def _answer(self, send: Send) -> None:
        try:
            plan, result = await self._answering.start(self._question)
        except QuerierError as error:
            await send_error(send, error)
            return
        except Exception as error:  # noqa: BLE001  the request edge: whatever it was, the asker gets a sentence
            EDGE_ERRORS.labels("request").inc()
            get_logger("querier").error("question failed", error=repr(error), sql=self._question.sql[:2000], exc_info=True)
            message = "This statement met a fault of the querier's own; its log says which."
            await send_error(send, RefusedError(message))
            return
        debug = {"query_sqls": [{"sql": plan.sql, "query_uuid": self._question.query_id}]} if self._question.debug else None
        try:
            body = _known(plan, self._question.form, debug) if result is None else stream(plan, self._question.form, result.chunks(), debug)
            await self._send_body(send, body)
        finally:
            if result is not None:
                await result.close()

    async def _send_body(self, send: Send, body: AsyncIterator[bytes]) -> None:
        form = self._question.form
        headers = [(b"content-type", CONTENT_TYPE[form].encode()), (b"x-weir-query-id", self._question.query_id.encode("latin-1", "replace"))]
        gathered: list[bytes] = []
        size, begun = 0, False
        try:
            async for chunk in body:
                gathered.append(chunk)
                size += len(chunk)
                if size < _GATHER:
                    continue
                if not begun:
                    await send({"type": "http.response.start", "status": 200, "headers": headers})
                    begun = True
                BYTES_OUT.labels(form).inc(size)
                await send({"type": "http.response.body", "body": b"".join(gathered), "more_body": True})
                gathered, size = [], 0
        except QuerierError as error:
            if begun:
                # The status has gone out: a body without its last chunk is all that can tell.
                QUESTIONS.labels("broken").inc()
                get_logger("querier").warning("answer broken off", reason=str(error))
                raise BrokenOffError from error
            await send_error(send, error)
            return
        data = b"".join(gathered)
        BYTES_OUT.labels(form).inc(len(data))
        if not begun:
            await send({"type": "http.response.start", "status": 200, "headers": [*headers, (b"content-length", str(len(data)).encode())]})
        await send({"type": "http.response.body", "body": data, "more_body": False})
        QUESTIONS.labels("answered").inc()


class BrokenOffError(ConnectionError):
    """An answer that failed after it began; uvicorn closes the connection."""


async def _known(plan: Plan, form: Form, debug: dict[str, Any] | None) -> AsyncIterator[bytes]:
    # Arrow's library takes long to load the first time.
    yield await asyncio.to_thread(whole, plan, form, debug) if form is Form.ARROW else whole(plan, form, debug)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def send_error(send: Send, error: QuerierError) -> None:
    """An error as its own whole response."""
    QUESTIONS.labels(error.opt_status.lower()).inc()
    body = error_body(error)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if error.retry_after_s:
        headers.append((b"retry-after", str(error.retry_after_s).encode()))
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
