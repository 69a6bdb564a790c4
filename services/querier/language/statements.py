"""The statements there are, as values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from services.querier.errors import QueryError
from services.querier.language.dialect import parse_words, tokenise
from services.querier.language.shape import check


class ShowTopic(StrEnum):
    """What SHOW can show."""

    DATABASES = "DATABASES"
    TABLES = "TABLES"
    TAGS = "TAGS"
    METRICS = "METRICS"
    FUNCTIONS = "METRIC FUNCTIONS"
    VALUES = "TAG VALUES"


@dataclass(frozen=True, slots=True)
class Select:
    """One SELECT whose tree passed the check. `table` is as written, joined by dots, quotes taken off."""

    tree: Any
    table: str


@dataclass(frozen=True, slots=True)
class Show:
    """One SHOW; `tree` is the SELECT that stands for SHOW TAG x VALUES, with its WHERE, ORDER BY and LIMIT."""

    topic: ShowTopic
    table: str = ""
    tag: str = ""
    tree: Any = None


Statement = Select | Show

_SHOW_HELP = "SHOW knows DATABASES, TABLES, TAGS FROM table, METRICS FROM table, METRIC FUNCTIONS, and TAG name VALUES FROM table [WHERE …] [LIMIT n]"


def parse(sql: str) -> Statement:
    """Reads one statement; raises QueryError with the reason where it is none of this language."""
    words = tokenise(sql)
    first = words[0]
    if first.token_type == TokenType.SELECT:
        return _select(words, sql)
    if first.token_type == TokenType.VAR and first.text.upper() == "SHOW":
        return _show(words, sql)
    message = f"A statement begins with SELECT or SHOW, not with {first.text[:40]!r}."
    raise QueryError(message)


def _select(words: list[Token], sql: str) -> Select:
    tree = parse_words(words, sql)
    if not isinstance(tree, exp.Select):
        message = "Only one SELECT over one table is answered."
        raise QueryError(message)
    check(tree)
    if not tree.expressions:
        message = "SELECT names nothing: say which tags, metrics or functions."
        raise QueryError(message)
    source = tree.args.get("from_")
    if source is None or not isinstance(source.this, exp.Table):
        message = "FROM must name one table, for example FROM l7_flow_log."
        raise QueryError(message)
    return Select(tree, ".".join(part.name for part in _parts(source.this)))


def _parts(table: Any) -> list[Any]:  # noqa: ANN401  sqlglot is not typed
    parts = [table.args.get("catalog"), table.args.get("db"), table.this]
    named = [part for part in parts if part is not None]
    if not all(isinstance(part, exp.Identifier) for part in named):
        message = "FROM must name one table, for example FROM l7_flow_log; a table function is not answered."
        raise QueryError(message)
    return named


def _show(words: list[Token], sql: str) -> Show:
    said = [word.text.upper() for word in words]
    if said[1:] == ["DATABASES"]:
        return Show(ShowTopic.DATABASES)
    if said[1:2] == ["TABLES"]:
        return Show(ShowTopic.TABLES, table=_name(words[3:], sql)) if said[2:3] in (["FROM"], ["IN"]) else _ended(words, 2, Show(ShowTopic.TABLES))
    if said[1:3] in (["METRIC", "FUNCTIONS"], ["METRICS", "FUNCTIONS"]):
        return _ended(words, 3, Show(ShowTopic.FUNCTIONS))
    if said[1:3] == ["TAGS", "FROM"]:
        return Show(ShowTopic.TAGS, table=_name(words[3:], sql))
    if said[1:3] == ["METRICS", "FROM"]:
        return Show(ShowTopic.METRICS, table=_name(words[3:], sql))
    if said[1:2] == ["TAG"] and "VALUES" in said:
        at = said.index("VALUES")
        select = _select([Token(TokenType.SELECT, "SELECT"), *words[2:at], *words[at + 1 :]], sql)
        columns = select.tree.expressions
        if len(columns) != 1 or not isinstance(columns[0], exp.Column):
            message = f"{_SHOW_HELP}."
            raise QueryError(message)
        if any(select.tree.args.get(clause) for clause in ("group", "having")):
            message = "SHOW TAG VALUES takes WHERE, ORDER BY, LIMIT and OFFSET, nothing else."
            raise QueryError(message)
        return Show(ShowTopic.VALUES, table=select.table, tag=".".join(part.name for part in columns[0].parts), tree=select.tree)
    message = f"{_SHOW_HELP}."
    raise QueryError(message)


def _ended(words: list[Token], at: int, show: Show) -> Show:
    if len(words) > at:
        message = f"Nothing may follow SHOW {show.topic}."
        raise QueryError(message)
    return show


def _name(words: list[Token], sql: str) -> str:
    if not words:
        message = f"{_SHOW_HELP}."
        raise QueryError(message)
    select = _select([Token(TokenType.SELECT, "SELECT"), Token(TokenType.NUMBER, "1"), Token(TokenType.FROM, "FROM"), *words], sql)
    if any(value for key, value in select.tree.args.items() if key not in {"expressions", "from_", "kind"}):
        message = f"{_SHOW_HELP}."
        raise QueryError(message)
    return select.table
