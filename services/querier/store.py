"""ClickHouse over HTTP, read only: one statement out, a stream of bytes in."""

from __future__ import annotations

import asyncio
import contextlib
import re
import uuid
from collections.abc import AsyncIterator
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import httpx
import orjson

from services.querier.errors import LimitError, ParameterError, QuerierError, QueryError, RefusedError, TimeLimitError, UnavailableError
from services.querier.settings import QuerierSettings

_MARK: Final = b"\r\n__exception__\r\n"
_CODE: Final = re.compile(r"^Code: (\d+)\. DB::Exception: (.*)", re.DOTALL)
_SLACK_S: Final = 5.0
"""How much longer than its own limit the store may take to say that the limit is over."""


class NamesMissingError(RefusedError):
    """A dictionary of names that the statement needs does not exist (any more)."""


class Result:
    """The running answer to one statement. Close it, whole or not: an early close ends the query in the store."""

    def __init__(self, response: httpx.Response, limits: str) -> None:
        self._response = response
        self._limits = limits
        self._tag = response.headers.get("x-clickhouse-exception-tag", "").encode() or b"__exception__"
        self._mark = _MARK + response.headers.get("x-clickhouse-exception-tag", "").encode()

    async def chunks(self) -> AsyncIterator[bytes]:
        """The bytes as they come. Raises a QuerierError where the query fails after it began."""
        kept = b""
        try:
            async for chunk in self._response.aiter_raw():
                data = kept + chunk
                at = data.find(self._mark)
                if at >= 0:
                    kept = data[at:]
                    if at:
                        yield data[:at]
                    continue
                if kept.startswith(self._mark):
                    kept = data
                    continue
                # The mark may be cut in two: what could be its beginning waits for the next bytes.
                waiting = next((size for size in range(min(len(self._mark) - 1, len(data)), 0, -1) if data.endswith(self._mark[:size])), 0)
                kept = data[len(data) - waiting :]
                if len(data) > waiting:
                    yield data[: len(data) - waiting]
        except httpx.HTTPError as error:
            if not kept.startswith(self._mark):
                message = f"The store stopped in the middle of its answer ({type(error).__name__})."
                raise UnavailableError(message) from error
        if kept.startswith(self._mark):
            said, _, _ = kept[len(self._mark) :].partition(self._tag)
            raise failure(0, said.decode("utf-8", "replace").strip().rstrip("0123456789"), self._limits)
        if kept:
            yield kept

    async def close(self) -> None:
        """Lets the connection go."""
        await self._response.aclose()


class Store:
    """A pool of connections to ClickHouse, as a user that can only read."""

    def __init__(self, settings: QuerierSettings) -> None:
        parts = urlsplit(settings.clickhouse_url)
        host = f"[{parts.hostname}]" if parts.hostname and ":" in parts.hostname else parts.hostname or "127.0.0.1"
        self.address = urlunsplit((parts.scheme, f"{host}:{parts.port}" if parts.port else host, parts.path or "/", "", ""))
        user = parts.username or settings.clickhouse_user
        password = parts.password if parts.username else settings.clickhouse_password.get_secret_value()
        self._limits = f"{settings.max_time_s} s and {settings.max_memory_mib} MiB"
        self._params: dict[str, str] = {
            "readonly": "2",
            "max_execution_time": f"{settings.max_time_s}",
            "max_memory_usage": str(settings.max_memory_mib << 20),
            "cancel_http_readonly_queries_on_client_close": "1",
            "output_format_json_quote_64bit_integers": "0",
            "output_format_json_quote_denormals": "0",
            "output_format_json_validate_utf8": "1",
            "output_format_json_escape_forward_slashes": "0",
            "output_format_arrow_string_as_string": "1",
            "output_format_arrow_low_cardinality_as_dictionary": "0",
            "use_with_fill_by_sorting_prefix": "1",
        }
        if settings.max_rows_to_read:
            self._params["max_rows_to_read"] = str(settings.max_rows_to_read)
        self._client = httpx.AsyncClient(
            headers={"X-ClickHouse-User": user, "X-ClickHouse-Key": password or "", "Accept-Encoding": "identity"},
            limits=httpx.Limits(max_connections=settings.connections, max_keepalive_connections=settings.connections, keepalive_expiry=20),
            timeout=httpx.Timeout(settings.max_time_s + _SLACK_S, connect=3, pool=max(settings.max_time_s, _SLACK_S)),
            trust_env=False,
        )

    async def query(self, sql: str, form: str, query_id: str = "", **limits: str) -> Result:
        """Starts a statement; returns once it has the first bytes of the answer. Raises a QuerierError where it fails before that."""
        params = {**self._params, "default_format": form, "query_id": query_id or uuid.uuid4().hex, **limits}
        request = self._client.build_request("POST", self.address, params=params, content=sql.encode())
        try:
            response = await self._send(request)
        except httpx.PoolTimeout as error:
            message = "Every connection to the store is taken by other questions: try again."
            raise UnavailableError(message) from error
        except httpx.TimeoutException as error:
            message = f"The store did not answer within the time of one question ({self._limits}): ask for a shorter time range."
            raise TimeLimitError(message) from error
        except httpx.HTTPError as error:
            message = f"The store at {self.address} cannot be reached ({type(error).__name__}): is it up?"
            raise UnavailableError(message) from error
        if response.status_code == httpx.codes.OK:
            return Result(response, self._limits)
        try:
            body = (await response.aread())[:4096].decode("utf-8", "replace")
        finally:
            await response.aclose()
        raise failure(int(response.headers.get("x-clickhouse-exception-code", 0)), body, self._limits)

    async def _send(self, request: httpx.Request) -> httpx.Response:
        """Sends once more where a kept connection turned out to be closed; nothing is done twice by reading twice."""
        try:
            return await self._client.send(request, stream=True)
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
            return await self._client.send(request, stream=True)

    async def rows(self, sql: str) -> list[Any]:
        """All rows of a small answer that the querier itself needs, each a list; under limits of its own."""
        result = await self.query(sql, "JSONCompactEachRow", max_execution_time="5", max_memory_usage=str(64 << 20))
        try:
            data = b"".join([chunk async for chunk in result.chunks()])
        finally:
            await result.close()
        return [orjson.loads(line) for line in data.splitlines() if line]

    async def close(self) -> None:
        """Closes every connection."""
        with contextlib.suppress(asyncio.CancelledError):
            await self._client.aclose()


_LATE: Final = (TimeLimitError, "The question takes longer than it may ({limits}): ask for a shorter time range, or fewer groups.")
_MANY: Final = (LimitError, "The question reads or yields more rows than it may: {said}")
_ABSENT: Final = (UnavailableError, "The table does not exist in the store yet: its ingester makes it when it starts.")
_FAILURES: Final[dict[int, tuple[type[QuerierError], str]]] = {
    60: _ABSENT,
    81: _ABSENT,
    158: _MANY,
    159: _LATE,
    160: _LATE,
    202: (UnavailableError, "The store is busy with other questions: try again."),
    209: _LATE,
    216: (ParameterError, "A question with this query_uuid is being answered now: give another, or none."),
    241: (LimitError, "The question needs more memory than it may have ({limits}): ask for a shorter time range, or fewer groups."),
    307: _MANY,
    394: (UnavailableError, "The question was stopped in the store."),
    396: _MANY,
    427: (QueryError, "The regular expression cannot be read: {said}"),
    452: (RefusedError, "The store lets its user have less than WEIR_QUERIER_MAX_TIME_S and WEIR_QUERIER_MAX_MEMORY_MIB ask for; lower them: {said}"),
}


def failure(code: int, body: str, limits: str) -> QuerierError:
    """The error for an exception of ClickHouse. Codes: src/Common/ErrorCodes.cpp."""
    match = _CODE.match(body)
    code = int(match[1]) if match else code
    said = " ".join((match[2] if match else body).split())[:600]
    if code in _FAILURES:
        kind, sentence = _FAILURES[code]
        return kind(sentence.format(limits=limits, said=said))
    if "ictionary" in said and ("not found" in said or "doesn't exist" in said or "does not exist" in said):
        return NamesMissingError(f"A dictionary of names is missing: {said}")
    return RefusedError(f"The store did not accept the translation of this statement (code {code}): {said}")
