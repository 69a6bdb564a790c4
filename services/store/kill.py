"""KILL QUERY and system.processes by the query ids that clients know.

The engine gives every query an id of its own and chDB has no way to set it. Each connection carries a tag in `log_comment`, and the store
knows which query id and which user each tag has now: `system.processes` in a client's text is replaced by a subquery that puts them in.
"""

# ruff: noqa: S608  every value below is a literal(); a predicate is the client's own and runs with the client's rights
from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import orjson

from services.store.engine import TAG, Connection, literal
from services.store.errors import BadRequest
from services.store.query import Outcome
from services.store.request import Request
from services.store.statement import Statement, Token

_ENDS: Final = frozenset({b"SYNC", b"ASYNC", b"TEST", b"FORMAT", b"SETTINGS"})


@dataclass(frozen=True, slots=True)
class Running:
    """A query that runs now, by its connection's tag."""

    query_id: str
    user: str


def processes_sql(running: dict[str, Running]) -> str:
    """`system.processes` with the clients' query ids and users; `engine_query_id` is the engine's own."""
    if not running:
        return "(SELECT *, query_id AS engine_query_id FROM system.processes)"
    tags = ", ".join(literal(tag) for tag in running)
    ids = ", ".join(literal(one.query_id) for one in running.values())
    users = ", ".join(literal(one.user) for one in running.values())
    tag = "splitByChar('\\n', Settings['log_comment'])[1]"
    return (  # every value is a literal()
        f"(SELECT * REPLACE (transform({tag}, [{tags}], [{ids}], p.query_id) AS query_id, transform({tag}, [{tags}], [{ids}], p.initial_query_id) AS initial_query_id, "
        f"transform({tag}, [{tags}], [{users}], p.user) AS user, transform({tag}, [{tags}], [{users}], p.initial_user) AS initial_user), "
        f"p.query_id AS engine_query_id FROM system.processes AS p WHERE startsWith({tag}, '{TAG}'))"
    )


def with_client_ids(statement: Statement, running: dict[str, Running]) -> bytes | None:
    """The text with `system.processes` replaced, or None where it does not name it."""
    text, found = statement.text, statement.tokens
    if b"processes" not in text.lower():
        return None
    out, at = bytearray(), 0
    source = processes_sql(running).replace("SELECT *, query_id AS engine_query_id", "SELECT *").replace(", p.query_id AS engine_query_id", "").encode()
    for index in range(len(found) - 2):
        if [token.upper for token in found[index : index + 3]] == [b"SYSTEM", b".", b"PROCESSES"] and (index == 0 or found[index - 1].upper != b"."):
            following = found[index + 3] if index + 3 < len(found) else None
            if following is not None and following.upper in (b".", b"("):
                continue
            alias = b"" if _has_alias(following) else b" AS processes"
            out += text[at : found[index].start] + source + alias
            at = found[index + 2].end
    return bytes(out + text[at:]) if at else None


_AFTER_TABLE: Final = frozenset(
    b"WHERE PREWHERE GROUP ORDER LIMIT HAVING UNION FORMAT SETTINGS JOIN INNER LEFT RIGHT FULL CROSS ANY ALL ASOF GLOBAL ARRAY FINAL SAMPLE WINDOW QUALIFY INTERSECT EXCEPT OFFSET ON USING INTO".split()
)


def _has_alias(token: Token | None) -> bool:
    return token is not None and token.kind in ("word", "quoted") and token.upper not in _AFTER_TABLE


def kill(connection: Connection, request: Request, statement: Statement, running: dict[str, Running]) -> Outcome:
    """Runs a KILL QUERY. A read-only user's reaches its own queries only. Raises BadRequest and QueryFailed."""
    predicate, mode = _parts(statement)
    columns = "engine_query_id, query_id, user, query"
    sql = f"SELECT {columns} FROM {processes_sql(running)} AS processes WHERE ".encode() + predicate + b"\nFORMAT JSONCompact"
    rows = orjson.loads(connection.query(sql, "JSONCompact", request.query_params).bytes())["data"]
    rows = [row for row in rows if row[1] != request.query_id and (not request.user.readonly or row[2] == request.user.name)]
    state = "waiting" if mode == "ASYNC" else "finished"
    if rows and mode != "TEST":
        engine_ids = ", ".join(literal(row[0]) for row in rows)
        connection.query(f"KILL QUERY WHERE query_id IN ({engine_ids}) {mode}")
    if not rows:
        return Outcome()
    if mode == "TEST":
        state = "unknown_status"
    values = ", ".join("(" + ", ".join(literal(value) for value in (state, *row[1:])) + ")" for row in rows)
    sql_out = (
        f"SELECT * FROM values('kill_status String, query_id String, user String, query String', {values}) FORMAT {statement.format or request.default_format}"
    )
    return Outcome(body=connection.query(sql_out).bytes(), result_rows=len(rows))


def _parts(statement: Statement) -> tuple[bytes, str]:
    """The predicate after WHERE, and SYNC, ASYNC or TEST."""
    found = statement.tokens
    where = next((token for token in found if token.depth == 0 and token.upper == b"WHERE"), None)
    if where is None:
        raise BadRequest(62, "SYNTAX_ERROR", "Syntax error: KILL QUERY needs WHERE")
    end = next(
        (token.start for token in found if token.start > where.end and token.depth == 0 and token.kind == "word" and token.upper in _ENDS), statement.end
    )
    mode = next((token.upper.decode() for token in found if token.start >= end and token.upper in (b"SYNC", b"ASYNC", b"TEST")), "ASYNC")
    return statement.text[where.end : end], mode
