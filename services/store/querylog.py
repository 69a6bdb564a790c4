"""`system.query_log` and `system.session_log`: what clients asked, by the ids and users that clients know.

The engine's own log would know only its own ids and its one user. The store keeps the last queries in a ring and writes them to the tables
when somebody asks for them, so that a log nobody reads costs next to nothing; with WEIR_STORE_QUERY_LOG they also go to disk as time goes by.
"""

from __future__ import annotations

import asyncio
import threading
import time
import uuid
from collections import deque
from dataclasses import dataclass
from typing import Any, Final

import orjson

from libs.boot import get_logger
from services.store.engine import Engine, literal
from services.store.errors import StoreError
from services.store.metrics import LOG_DROPPED
from services.store.query import Outcome
from services.store.request import Request
from services.store.spool import Spool

_LOG = get_logger("querylog")
_KEPT: Final = 4096
_TEXT_LIMIT: Final = 4096
_EVERY_S: Final = 2.0
_SYNTAX_ERROR: Final = 62
_HTTP: Final = 2

_QUERY_COLUMNS: Final = """
    hostname LowCardinality(String) DEFAULT hostName(),
    type Enum8('QueryStart' = 1, 'QueryFinish' = 2, 'ExceptionBeforeStart' = 3, 'ExceptionWhileProcessing' = 4),
    event_date Date DEFAULT toDate(event_time), event_time DateTime, event_time_microseconds DateTime64(6) DEFAULT event_time,
    query_start_time DateTime, query_start_time_microseconds DateTime64(6) DEFAULT query_start_time, query_duration_ms UInt64,
    read_rows UInt64, read_bytes UInt64, written_rows UInt64, written_bytes UInt64, result_rows UInt64, result_bytes UInt64, memory_usage UInt64,
    current_database LowCardinality(String), query String, normalized_query_hash UInt64 DEFAULT normalizedQueryHash(query),
    query_kind LowCardinality(String), exception_code Int32, exception String, is_initial_query UInt8 DEFAULT 1,
    user LowCardinality(String), query_id String, initial_user LowCardinality(String) DEFAULT user, initial_query_id String DEFAULT query_id,
    address IPv6, port UInt16, interface UInt8, http_method UInt8, http_user_agent String, log_comment String
"""
_SESSION_COLUMNS: Final = """
    hostname LowCardinality(String) DEFAULT hostName(), type Enum8('LoginFailure' = 0, 'LoginSuccess' = 1, 'Logout' = 2), auth_id UUID, session_id String,
    event_date Date DEFAULT toDate(event_time), event_time DateTime, event_time_microseconds DateTime64(6) DEFAULT event_time,
    user Nullable(String), interface UInt8, client_address IPv6, client_port UInt16, failure_reason String
"""
_TABLES: Final = {"query_log": _QUERY_COLUMNS, "session_log": _SESSION_COLUMNS}


@dataclass(frozen=True, slots=True)
class Finished:
    """A query that is over: `result` is what it did or why it failed. Times in seconds since the epoch."""

    query: bytes
    query_id: str
    user: str
    peer: tuple[str, int]
    method: str
    agent: str
    database: str
    comment: str
    began: float
    seconds: float
    result: Outcome | StoreError

    @classmethod
    def of(cls, request: Request, query: bytes, seconds: float, result: Outcome | StoreError) -> Finished:
        """The end of the query that `request` asked for, now."""
        params = request.params
        return cls(
            query[:_TEXT_LIMIT],
            request.query_id,
            request.user.name,
            request.peer,
            request.method,
            request.headers.get("user-agent", ""),
            request.database or "default",
            params.get("log_comment", ""),
            time.time() - seconds,
            seconds,
            result,
        )

    def row(self) -> dict[str, Any]:
        """The row of system.query_log."""
        error = self.result if isinstance(self.result, StoreError) else None
        first = self.query.lstrip(b" \t\r\n(")[:32].split(maxsplit=1)
        return {
            "type": 2 if error is None else 3 if error.code == _SYNTAX_ERROR else 4,
            **_moment("event_time", self.began + self.seconds),
            **_moment("query_start_time", self.began),
            "query_duration_ms": int(self.seconds * 1000),
            "current_database": self.database,
            "query": self.query.decode("utf-8", "replace"),
            "query_kind": "Select" if first[:1] == [b"WITH"] else first[0].decode("ascii", "replace").title() if first else "",
            "exception_code": error.code if error else 0,
            "exception": error.message[:_TEXT_LIMIT] if error else "",
            "query_id": self.query_id,
            "user": self.user,
            "address": self.peer[0],
            "port": self.peer[1],
            "interface": _HTTP,
            "http_method": {"GET": 1, "POST": 2}.get(self.method, 0),
            "http_user_agent": self.agent,
            "log_comment": self.comment,
            **(self.result.counts() if isinstance(self.result, Outcome) else Outcome().counts()),
        }


def _moment(name: str, at: float) -> dict[str, int | float]:
    return {name: int(at), f"{name}_microseconds": round(at, 6)}


class QueryLog:
    """The last queries and logins. Adding is the event loop's and cheap; flushing is a worker thread's."""

    def __init__(self, engine: Engine, *, on_disk: bool) -> None:
        self._engine = engine
        self._on_disk = on_disk
        self._waiting: dict[str, deque[Finished | dict[str, Any]]] = {name: deque(maxlen=_KEPT) for name in _TABLES}
        self._mutex = threading.Lock()
        self._made = False

    def flush_for(self, text: bytes) -> None:
        """Flushes where the statement may read the tables. Raises StoreError."""
        lowered = text.lower()
        if b"query_log" in lowered or b"session_log" in lowered or (b"flush" in lowered and b"logs" in lowered):
            self.flush()

    def add(self, finished: Finished) -> None:
        """A query is over."""
        self._append("query_log", finished)

    def login(self, user: str, peer: tuple[str, int], session_id: str, failure: str = "") -> None:
        """A session began, or somebody was turned away."""
        row = {
            "type": 0 if failure else 1,
            "auth_id": str(uuid.uuid4()),
            "session_id": session_id,
            **_moment("event_time", time.time()),
            "user": user,
            "interface": _HTTP,
            "client_address": peer[0],
            "client_port": peer[1],
            "failure_reason": failure,
        }
        self._append("session_log", row)

    def _append(self, table: str, entry: Finished | dict[str, Any]) -> None:
        waiting = self._waiting[table]
        if len(waiting) == _KEPT:
            LOG_DROPPED.labels(table).inc()
        waiting.append(entry)

    def flush(self) -> None:
        """Writes what has been added to the tables. Raises StoreError."""
        with self._mutex:
            self._make()
            for table, waiting in self._waiting.items():
                rows = [waiting.popleft() for _ in range(len(waiting))]
                if rows:
                    self._write(table, [row.row() if isinstance(row, Finished) else row for row in rows])

    def _make(self) -> None:
        if self._made:
            return
        with self._engine.borrowed() as connection:
            for table, columns in _TABLES.items():
                if self._on_disk:
                    kept = "MergeTree PARTITION BY toYYYYMM(event_date) ORDER BY (event_date, event_time) TTL event_date + INTERVAL 7 DAY"
                    connection.query(f"CREATE TABLE IF NOT EXISTS system.{table} ({columns}) ENGINE = {kept}")
                else:
                    kept = f"Memory SETTINGS min_rows_to_keep = {_KEPT // 2}, max_rows_to_keep = {_KEPT}"
                    connection.query(f"CREATE OR REPLACE TABLE system.{table} ({columns}) ENGINE = {kept}")
        self._made = True

    def _write(self, table: str, rows: list[dict[str, Any]]) -> None:
        spool = Spool(self._engine.directory, _KEPT * _TEXT_LIMIT * 4)
        try:
            spool.write(b"\n".join(orjson.dumps(row) for row in rows))
            with self._engine.borrowed() as connection:
                connection.query(f"INSERT INTO system.{table} ({', '.join(rows[0])}) FROM INFILE {literal(spool.path)} COMPRESSION 'none' FORMAT JSONEachRow")
        finally:
            spool.close()

    async def keep(self) -> None:
        """Makes the tables, and with a log on disk writes it again and again, for ever."""
        while True:
            try:
                await asyncio.to_thread(self.flush)
            except StoreError as error:
                _LOG.warning("query log not written", error=error.message)
            if not self._on_disk and self._made:
                return
            await asyncio.sleep(_EVERY_S)
