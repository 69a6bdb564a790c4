"""Runs one query on one connection. Everything here blocks and belongs in a worker thread; chDB gives the GIL up while it works.

Reading: the engine writes the result in the asked format to a pipe (`INTO OUTFILE`), so a result of any size and any format streams with a
bounded buffer. chDB's own streaming API repeats a format's header and footer in every chunk, which is right for few formats only.
Writing: the engine reads the spooled body (`FROM INFILE`); that path reports every error of the sink before it returns.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import orjson

from services.store.engine import Connection, Engine, identifier, literal
from services.store.errors import BadRequest, Denied, QueryFailed, StoreError
from services.store.multipart import Part
from services.store.request import Request
from services.store.spool import Spool
from services.store.statement import Statement, parse

_SYNTAX_ERROR = 62
_DEFAULT_MAX_QUERY_SIZE = 262144
_TYPELESS = "_{}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a finished query did."""

    body: bytes = b""
    read_rows: int = 0
    read_bytes: int = 0
    written_rows: int = 0
    written_bytes: int = 0
    result_rows: int = 0
    result_bytes: int = 0
    elapsed_ns: int = 0

    def counts(self) -> dict[str, int]:
        """What system.query_log keeps of it."""
        names = ("read_rows", "read_bytes", "written_rows", "written_bytes", "result_rows", "result_bytes")
        return {name: getattr(self, name) for name in names}

    def summary(self) -> str:
        """The X-ClickHouse-Summary header."""
        numbers = {
            "read_rows": self.read_rows,
            "read_bytes": self.read_bytes,
            "written_rows": self.written_rows,
            "written_bytes": self.written_bytes,
            "total_rows_to_read": self.read_rows,
            "result_rows": self.result_rows or self.written_rows,
            "result_bytes": self.result_bytes or self.written_bytes,
            "elapsed_ns": self.elapsed_ns,
        }
        return orjson.dumps({name: str(value) for name, value in numbers.items()}).decode()


@dataclass(slots=True)
class Plan:
    """A statement ready to run, with the data of an insert."""

    statement: Statement
    data: Spool | None
    data_is_own: bool = False

    def close(self) -> None:
        """Gives the data up where the plan made them."""
        if self.data is not None and self.data_is_own:
            self.data.close()


def plan(request: Request, engine: Engine) -> Plan:
    """Finds the statement and its data in URL and body. Raises BadRequest."""
    todo = _plan(request, engine)
    found = todo.statement.tokens
    if len(found) > 1 and [found[0].upper, found[1].upper] == [b"SHOW", b"PROCESSLIST"]:
        # What the engine makes of it too, but with the ids that clients know (`kill`).
        rest = todo.statement.text[found[1].end : todo.statement.end]
        todo.statement = parse(b"SELECT * FROM system.processes ORDER BY elapsed DESC" + rest)
    return todo


def _plan(request: Request, engine: Engine) -> Plan:
    limit = _query_size_limit(request)
    url = request.params.get("query", "").encode("utf-8", "surrogateescape")
    body = request.body
    if url and body.size:
        statement = _parse_insert_head(url)
        if statement is None:
            glue = url + b"\n"
            statement = _whole(glue + body.head(limit - min(limit, len(glue))), glue, body, limit)
            own = _spool(engine, b"") if statement.data_at >= 0 else None
            if own is not None:
                _fill(own, statement.text[statement.data_at :], body, max(0, len(statement.text) - len(glue)))
            return Plan(statement, own, data_is_own=True)
        inline = statement.text[statement.data_at :]
        if not inline.strip():
            return Plan(statement, body)
        own = _spool(engine, inline + b"\n")
        _fill(own, b"", body, 0)
        return Plan(statement, own, data_is_own=True)
    statement = parse(url) if url else _whole(body.head(limit), b"", body, limit)
    if statement.data_at < 0:
        return Plan(statement, None)
    if url:
        return Plan(statement, _spool(engine, statement.text[statement.data_at :]), data_is_own=True)
    return Plan(statement, body.cut_front(statement.data_at), data_is_own=True)


def _query_size_limit(request: Request) -> int:
    asked = request.params.get("max_query_size", "")
    return int(asked) if asked.isdigit() and int(asked) else _DEFAULT_MAX_QUERY_SIZE


def _parse_insert_head(url: bytes) -> Statement | None:
    """The statement where the URL alone says it is an insert with data to come."""
    try:
        statement = parse(url)
    except BadRequest:
        return None
    return statement if statement.kind == "insert" and statement.data_at >= 0 else None


def _whole(head: bytes, glue: bytes, body: Spool, limit: int) -> Statement:
    """Parses the statement in `head`, and all of the body where an insert's head is not all there is."""
    if len(glue) + body.size <= len(head):
        return parse(head)
    if head[:6].lstrip()[:6].upper().startswith(b"INSERT") or b"insert" in head[:4096].lower():
        statement = parse(head)
        if statement.kind == "insert" and statement.data_at >= 0:
            return statement
    return parse(glue + body.text(limit - len(glue)))


def _spool(engine: Engine, data: bytes) -> Spool:
    spool = Spool(engine.directory, 64 << 20)
    spool.write(data)
    return spool


def _fill(own: Spool, inline: bytes, body: Spool, skip: int) -> None:
    own.write(inline)
    own.append_from(body, skip)


def run(connection: Connection, engine: Engine, request: Request, todo: Plan, outfile: str) -> Outcome:
    """Prepares the connection and runs the statement; a select writes to `outfile`. Raises StoreError."""
    statement = todo.statement
    _check_rights(connection, engine, request, statement)
    made = _external_tables(connection, request.parts, request.params)
    try:
        return _run(connection, request, todo, outfile)
    except QueryFailed as error:
        if error.code == _SYNTAX_ERROR:
            raise _own_syntax_error(connection, statement, error) from error
        raise
    finally:
        for name in made:
            connection.query(f"DROP TEMPORARY TABLE IF EXISTS {identifier(name)}")


def _run(connection: Connection, request: Request, todo: Plan, outfile: str) -> Outcome:
    statement, params = todo.statement, request.query_params
    if statement.kind == "select":
        return _outcome(connection.query(select_sql(statement, request.default_format, outfile), "TabSeparated", params), with_body=False)
    if statement.kind == "insert" and todo.data is not None:
        if params and statement.format == "Values":
            sql = statement.text[: statement.data_at] + b" " + todo.data.text(1 << 30)
        else:
            sql = insert_sql(statement, todo.data.path)
        return _outcome(connection.query(sql, "TabSeparated", params), with_body=False)
    return _outcome(connection.query(statement.text[: statement.end], request.default_format, params), with_body=True)


def select_sql(statement: Statement, default_format: str, outfile: str) -> bytes:
    """The statement with its result directed to `outfile`."""
    clause = f"\nINTO OUTFILE {literal(outfile)} TRUNCATE COMPRESSION 'none' ".encode()
    if statement.format:
        return statement.text[: statement.clause_at] + clause + statement.text[statement.clause_at : statement.end]
    return statement.text[: statement.end] + clause + b"FORMAT " + identifier(default_format).encode()


def insert_sql(statement: Statement, path: str) -> bytes:
    """The statement with its data taken from the file at `path`."""
    text = statement.text
    if statement.input_at is not None:
        start, end, structure = statement.input_at
        source = f"file({literal(path)}, {literal(statement.format)}, ".encode() + structure + b", 'none')"
        return text[:start] + source + text[end : statement.format_at]
    clause = f" FROM INFILE {literal(path)} COMPRESSION 'none' ".encode()
    return text[: statement.clause_at] + clause + text[statement.clause_at : statement.format_at] + b" FORMAT " + statement.format.encode()


def _outcome(result: object, *, with_body: bool) -> Outcome:
    r = result
    return Outcome(
        body=r.bytes() if with_body else b"",  # type: ignore[attr-defined]
        read_rows=r.storage_rows_read(),  # type: ignore[attr-defined]
        read_bytes=r.storage_bytes_read(),  # type: ignore[attr-defined]
        written_rows=r.rows_written(),  # type: ignore[attr-defined]
        written_bytes=r.bytes_written(),  # type: ignore[attr-defined]
        result_rows=r.rows_read(),  # type: ignore[attr-defined]
        result_bytes=r.bytes_read(),  # type: ignore[attr-defined]
        elapsed_ns=int(r.elapsed() * 1e9),  # type: ignore[attr-defined]
    )


def _check_rights(connection: Connection, engine: Engine, request: Request, statement: Statement) -> None:
    """What a connection's rights cannot say: one statement only, and GET changes nothing. The engine's parser decides, not this text."""
    if not connection.readonly and request.method != "GET":
        return
    head = statement.text if statement.data_at < 0 else statement.text[: statement.data_at]
    number, reads = _classify(engine, head)
    if number > 1:
        raise BadRequest(_SYNTAX_ERROR, "SYNTAX_ERROR", "Syntax error (Multi-statements are not allowed)")
    if connection.readonly and any(token.upper in (b"ROLE", b"PROFILE") for token in statement.tokens[1:3]) and statement.tokens[0].upper == b"SET":
        raise Denied(512, "SET_NON_GRANTED_ROLE", f"{request.user.name}: Roles and profiles are fixed for a read-only user")
    if reads or statement.keeps_state:
        return
    if request.method == "GET" and not connection.readonly:
        why = "Cannot execute query in readonly mode. For queries over HTTP, method GET implies readonly. You should use method POST for modifying queries."
        raise Denied(164, "READONLY", f"{request.user.name}: {why}")
    if statement.kind == "kill":
        return
    raise Denied(164, "READONLY", f"{request.user.name}: Cannot execute query in readonly mode.")


@lru_cache(maxsize=512)
def _classify(engine: Engine, text: bytes) -> tuple[int, bool]:
    return engine.statements(text)


def _own_syntax_error(connection: Connection, statement: Statement, error: QueryFailed) -> StoreError:
    """The syntax error of the client's text, not of the text with our clause in it."""
    if statement.kind != "select":
        return error
    escaped = statement.text.replace(b"\\", b"\\\\").replace(b"'", b"\\'")
    try:
        connection.query(b"SELECT formatQuery('" + escaped + b"')")
    except QueryFailed as own:
        if own.code == _SYNTAX_ERROR:
            return QueryFailed(own.code, own.name, own.message.split(": while executing")[0].split(": In scope")[0])
    return error


def _external_tables(connection: Connection, parts: list[Part], params: dict[str, str]) -> list[str]:
    """Makes a temporary table of each file of the form."""
    made = []
    for part in parts:
        structure = params.get(f"{part.name}_structure", "")
        if not structure:
            types = params.get(f"{part.name}_types", "")
            if not types:
                raise BadRequest(
                    36,
                    "BAD_ARGUMENTS",
                    f"Neither structure nor types have not been provided for external table {part.name}. Use fields {part.name}_structure or {part.name}_types to do so.",
                )
            structure = ", ".join(f"{_TYPELESS.format(n)} {kind}" for n, kind in enumerate(_split_types(types), 1))
        name, form = identifier(part.name), identifier(params.get(f"{part.name}_format") or "TabSeparated")
        connection.query(f"CREATE TEMPORARY TABLE {name} ({structure}) ENGINE = Memory")
        made.append(part.name)
        connection.query(f"INSERT INTO {name} FROM INFILE {literal(part.body.path)} COMPRESSION 'none' FORMAT {form}")
    return made


def _split_types(types: str) -> list[str]:
    """Types at the commas that are not inside brackets."""
    found, depth, start = [], 0, 0
    for at, char in enumerate(types):
        depth += (char == "(") - (char == ")")
        if char == "," and not depth:
            found.append(types[start:at].strip())
            start = at + 1
    return [*found, types[start:].strip()]
