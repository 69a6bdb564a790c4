"""Where a statement's kind, format and data are found."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.store.errors import BadRequest, engine_error
from services.store.statement import parse, tokens


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ("SELECT 1", "select", ""),
        ("select 1 format JSON", "select", "JSON"),
        ("SELECT 1 FORMAT JSON SETTINGS max_threads = 1", "select", "JSON"),
        ("SELECT 1 SETTINGS max_threads = 1 FORMAT CSV;", "select", "CSV"),
        ("SELECT format FROM t", "select", ""),
        ("SELECT format('{}', 1) AS format", "select", ""),
        ("SELECT (SELECT 1 AS a FORMAT Null)", "select", ""),
        ("SELECT 'FORMAT CSV'", "select", ""),
        ("SELECT 1 -- FORMAT CSV", "select", ""),
        ("SELECT 1 /* /* nested */ FORMAT CSV */", "select", ""),
        ("(SELECT 1) UNION ALL (SELECT 2) FORMAT TSV", "select", "TSV"),
        ("WITH 1 AS x SELECT x", "select", ""),
        ("FROM numbers(1) SELECT 1", "select", ""),
        ("SHOW TABLES FORMAT JSON", "other", "JSON"),
        ("KILL QUERY WHERE 1", "kill", ""),
        ("CREATE TABLE t (a UInt8) ENGINE = Memory", "other", ""),
        ("INSERT INTO t FORMAT CSV\n1", "insert", "CSV"),
        ("insert into t(a) values (1)", "insert", "Values"),
        ("INSERT INTO format FORMAT Native\n", "insert", "Native"),
        ("INSERT INTO t SELECT 1", "insert", ""),
        ("WITH 1 AS y INSERT INTO t FORMAT TSV\n1", "insert", "TSV"),
    ],
)
def test_kind_and_format(text: str, kind: str, name: str) -> None:
    statement = parse(text.encode())
    assert (statement.kind, statement.format) == (kind, name)


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("INSERT INTO t FORMAT CSV\n1\n", "1\n"),
        ("INSERT INTO t FORMAT CSV \r\n1\n", "1\n"),
        ("INSERT INTO t FORMAT CSV 1\n", "1\n"),
        ("INSERT INTO t FORMAT TSV\n\n1", "\n1"),
        ("INSERT INTO t VALUES (1), (';')", " (1), (';')"),
        ("INSERT INTO t SELECT a FROM input('a UInt8') FORMAT CSV\n1", "1"),
    ],
)
def test_data_begin_after_the_statement(text: str, data: str) -> None:
    statement = parse(text.encode())
    assert statement.text[statement.data_at :].decode() == data


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "-- only a comment",
        ";",
        "SELECT 1; SELECT 2",
        "SELECT 1 INTO OUTFILE 'x'",
        "INSERT INTO t FROM INFILE 'x' FORMAT CSV",
        "INSERT INTO t SELECT 1; SELECT 2",
    ],
)
def test_what_is_no_single_statement_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        parse(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1;",
        "SELECT 1;\u00a0",
        "SELECT 1; ; -- x",
        "SELECT ';'",
        'SELECT ";"',
        "SELECT `;`",
        "SELECT $a$;$a$",
        "SELECT 1 -- ;\n",
        "SELECT '\\';'",
        "SELECT 'it'';s'",
    ],
)
def test_semicolons_that_end_nothing(text: str) -> None:
    assert parse(text.encode()).kind == "select"


@given(st.binary(max_size=200))
def test_any_bytes_have_tokens_in_order_that_lie_inside(text: bytes) -> None:
    end = 0
    for token in tokens(text):
        assert end <= token.start < token.end <= len(text)
        end = token.end


@given(st.text(max_size=100))
def test_a_literal_is_one_token(text: str) -> None:
    literal = "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
    assert [token.kind for token in tokens(literal.encode())] == ["string"]


@pytest.mark.parametrize(
    ("text", "code", "name", "message"),
    [
        ("Code: 60. DB::Exception: Table t does not exist. (UNKNOWN_TABLE)", 60, "UNKNOWN_TABLE", "Table t does not exist."),
        ("Code: 164. DB::Exception: Code: 164. DB::Exception: No. (READONLY) (version 26.9.2.1). (READONLY)", 164, "READONLY", "No."),
        ("something else", 1002, "UNKNOWN_EXCEPTION", "something else"),
    ],
)
def test_engine_errors_are_unwrapped(text: str, code: int, name: str, message: str) -> None:
    error = engine_error(text)
    assert (error.code, error.name, error.message) == (code, name, message)
