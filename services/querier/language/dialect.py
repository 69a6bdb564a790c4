"""The words of the language. sqlglot reads only what is listed here: a keyword that is not in the table is an ordinary name."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from sqlglot import parser, tokens
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from services.querier.errors import QueryError

MAX_CHARACTERS: Final = 16_384
MAX_TOKENS: Final = 4_000
MAX_DEPTH: Final = 40

_ALLOWED: Final = {
    "SELECT": TokenType.SELECT,
    "FROM": TokenType.FROM,
    "WHERE": TokenType.WHERE,
    "GROUP BY": TokenType.GROUP_BY,
    "HAVING": TokenType.HAVING,
    "ORDER BY": TokenType.ORDER_BY,
    "LIMIT": TokenType.LIMIT,
    "OFFSET": TokenType.OFFSET,
    "AS": TokenType.ALIAS,
    "AND": TokenType.AND,
    "OR": TokenType.OR,
    "NOT": TokenType.NOT,
    "IN": TokenType.IN,
    "LIKE": TokenType.LIKE,
    "ILIKE": TokenType.ILIKE,
    "REGEXP": TokenType.RLIKE,
    "RLIKE": TokenType.RLIKE,
    "BETWEEN": TokenType.BETWEEN,
    "ASC": TokenType.ASC,
    "DESC": TokenType.DESC,
    "INTERVAL": TokenType.INTERVAL,
    ">=": TokenType.GTE,
    "<=": TokenType.LTE,
    "<>": TokenType.NEQ,
    "!=": TokenType.NEQ,
    "==": TokenType.EQ,
}
_REFUSED: Final = {
    word: token
    for word, token in tokens.Tokenizer.KEYWORDS.items()
    if token
    in {
        TokenType.JOIN,
        TokenType.UNION,
        TokenType.EXCEPT,
        TokenType.INTERSECT,
        TokenType.WITH,
        TokenType.DISTINCT,
        TokenType.CASE,
        TokenType.INSERT,
        TokenType.UPDATE,
        TokenType.DELETE,
        TokenType.DROP,
        TokenType.ALTER,
        TokenType.CREATE,
        TokenType.TRUNCATE,
        TokenType.INTO,
        TokenType.OVER,
        TokenType.IS,
        TokenType.NULL,
        TokenType.EXISTS,
        TokenType.ESCAPE,
    }
}
"""Words that mean something in other SQL and nothing here: named in the refusal instead of being taken for names."""

_PUNCTUATION: Final = frozenset(
    {
        TokenType.L_PAREN,
        TokenType.R_PAREN,
        TokenType.COMMA,
        TokenType.DOT,
        TokenType.STAR,
        TokenType.PLUS,
        TokenType.DASH,
        TokenType.SLASH,
        TokenType.MOD,
        TokenType.EQ,
        TokenType.LT,
        TokenType.GT,
        TokenType.NUMBER,
        TokenType.STRING,
        TokenType.VAR,
        TokenType.IDENTIFIER,
    }
)
_READABLE: Final = _PUNCTUATION | frozenset(_ALLOWED.values())


class WeirDialect(Dialect):
    """MySQL-like: backticks or double quotes around names, single quotes around text, backslash and doubled quotes as escapes."""

    NULL_ORDERING = "nulls_are_last"

    class Tokenizer(tokens.Tokenizer):
        """Only the words above."""

        QUOTES: ClassVar[list[str | tuple[str, str]]] = ["'"]
        IDENTIFIERS: ClassVar[list[str | tuple[str, str]]] = ["`", '"']
        STRING_ESCAPES: ClassVar[list[str]] = ["'", "\\"]
        IDENTIFIER_ESCAPES: ClassVar[list[str]] = []
        COMMENTS: ClassVar[list[str | tuple[str, str]]] = ["--", ("/*", "*/")]
        KEYWORDS: ClassVar[dict[str, TokenType]] = {**_REFUSED, **_ALLOWED}

    class Parser(parser.Parser):
        """No function is known by name: each is looked up in the querier's own table."""

        FUNCTIONS: ClassVar[dict[str, Any]] = {}
        FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {}
        NO_PAREN_FUNCTIONS: ClassVar[dict[Any, Any]] = {}
        NO_PAREN_FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {}


_DIALECT: Final = WeirDialect()


def tokenise(sql: str) -> list[Token]:
    """The words of one statement, a closing semicolon left out.

    Raises QueryError where it is too long or too deep, holds a second statement, or a word or sign that is not of the language.
    """
    if len(sql) > MAX_CHARACTERS:
        message = f"The statement has {len(sql)} characters; at most {MAX_CHARACTERS} are read."
        raise QueryError(message)
    try:
        words = _DIALECT.tokenize(sql)
    except SqlglotError as error:
        message = "The statement cannot be read: a quote or a comment is not closed."
        raise QueryError(message) from error
    while words and words[-1].token_type == TokenType.SEMICOLON:
        words.pop()
    if not words:
        message = "There is no statement: try SHOW TABLES."
        raise QueryError(message)
    if len(words) > MAX_TOKENS:
        message = f"The statement has {len(words)} words; at most {MAX_TOKENS} are read."
        raise QueryError(message)
    return _join_intervals(_checked(words))


def _checked(words: list[Token]) -> list[Token]:
    depth = 0
    for word in words:
        if word.token_type == TokenType.SEMICOLON:
            message = "One statement at a time: take out what follows the semicolon."
            raise QueryError(message)
        if word.token_type not in _READABLE:
            message = f"{word.text[:40].upper()!r} is not part of this language: a statement is one SELECT over one table, or SHOW."
            raise QueryError(message)
        if word.token_type == TokenType.L_PAREN:
            depth += 1
        elif word.token_type == TokenType.R_PAREN:
            depth -= 1
        if depth > MAX_DEPTH:
            message = f"The statement nests deeper than {MAX_DEPTH} parentheses."
            raise QueryError(message)
    return words


def _join_intervals(words: list[Token]) -> list[Token]:
    """`network.1m`: after a dot a number and the letters that touch it are one name. Elsewhere they are a slip, such as 0x1F."""
    joined: list[Token] = []
    for word in words:
        last = joined[-1] if joined else None
        if last is None or word.token_type != TokenType.VAR or last.token_type != TokenType.NUMBER or last.end + 1 != word.start:
            joined.append(word)
        elif len(joined) > 1 and joined[-2].token_type == TokenType.DOT:
            joined[-1] = Token(TokenType.VAR, last.text + word.text, last.line, last.col, last.start, word.end)
        else:
            message = f"{last.text[:20]}{word.text[:20]} is neither a number nor a name."
            raise QueryError(message)
    return joined


def parse_words(words: list[Token], sql: str) -> Any:  # noqa: ANN401  sqlglot is not typed
    """The syntax tree of one statement's words; raises QueryError where they do not form one."""
    try:
        trees = _DIALECT.parser().parse(words, sql)
    except SqlglotError as error:
        details = getattr(error, "errors", None) or [{}]
        near = f"{details[0].get('start_context', '')[-30:]}{details[0].get('highlight', '')}".strip()
        message = f"The statement is not complete or not in order near {near!r}." if near else "The statement is not complete or not in order."
        raise QueryError(message) from error
    except RecursionError as error:
        message = "The statement nests too deeply."
        raise QueryError(message) from error
    if len(trees) != 1 or trees[0] is None:
        message = "One statement at a time."
        raise QueryError(message)
    return trees[0]


def text_of(tree: Any) -> str:  # noqa: ANN401  sqlglot is not typed
    """A piece of the tree as a person would write it; the default name of a result column."""
    return str(_DIALECT.generate(tree, copy=False, normalize_functions=False, comments=False))
