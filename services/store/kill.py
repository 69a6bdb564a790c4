"""KILL QUERY and system.processes by the query ids that clients know.

The engine gives every query an id of its own and chDB has no way to set it. Each connection carries a tag in `log_comment`, and the store
knows which query id and which user each tag has now: `system.processes` in a client's text is replaced by a subquery that puts them in.
"""

# ruff: noqa: S608  every value below is a literal(); a predicate is the client's own and runs with the client's rights
from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import orjson

from services.store.engine import Connection, identifier, literal
from services.store.errors import BadRequest
from services.store.query import Outcome
from services.store.request import Request
from services.store.statement import Statement, Token

TAG_SQL: Final = "splitByChar('\\n', Settings['log_comment'])[1]"
_ENDS: Final = frozenset({b"SYNC", b"ASYNC", b"TEST", b"FORMAT", b"SETTINGS"})


@dataclass(frozen=True, slots=True)
class Running:
    """A query that runs now, by its connection's tag."""

    query_id: str
    user: str


def processes_sql(running: dict[str, Running]) -> str:
    """`system.processes` with the clients' query ids and users, without the store's own queries."""
    tags = ", ".join(literal(tag) for tag in running)
    ids = ", ".join(literal(one.query_id) for one in running.values())
    users = ", ".join(literal(one.user) for one in running.values())
    columns = ", ".join(
        f"transform({TAG_SQL}, [{tags}], [{values}], p.{name}) AS {name}"
        for name, values in (("query_id", ids), ("initial_query_id", ids), ("user", users), ("initial_user", users))
    )
    return f"(SELECT * REPLACE ({columns}) FROM system.processes AS p WHERE {TAG_SQL} IN ({tags}))"


def with_client_ids(statement: Statement, running: dict[str, Running]) -> bytes | None:
    """The text with `system.processes` replaced, or None where it does not name it."""
    text, found = statement.text, statement.tokens
    if b"processes" not in text.lower():
        return None
    out, at = bytearray(), 0
    source = processes_sql(running).encode()
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
    sql = f"SELECT query_id, user, query FROM {processes_sql(running)} AS processes WHERE (".encode() + predicate + b"\n) FORMAT JSONCompact"
    rows = orjson.loads(connection.query(sql, "JSONCompact", request.query_params).bytes())["data"]
    # What the predicate says is one thing, whom it may reach another: the tags are looked up here, not taken from its rows.
    reach = {one.query_id: tag for tag, one in running.items() if not request.user.readonly or one.user == request.user.name}
    rows = [row for row in rows if row[0] in reach and row[0] != request.query_id]
    if rows and mode != "TEST":
        tags = ", ".join(literal(reach[row[0]]) for row in rows)
        connection.query(f"KILL QUERY WHERE {TAG_SQL} IN ({tags}) {mode}")
    if not rows:
        return Outcome()
    state = {"ASYNC": "waiting", "SYNC": "finished"}.get(mode, "unknown_status")
    values = ", ".join("(" + ", ".join(literal(value) for value in (state, *row)) + ")" for row in rows)
    form = identifier(statement.format or request.default_format)
    told = f"SELECT * FROM values('kill_status String, query_id String, user String, query String', {values}) FORMAT {form}"
    return Outcome(body=connection.query(told).bytes(), result_rows=len(rows))


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
