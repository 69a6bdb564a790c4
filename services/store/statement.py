"""What a statement is: its kind, its FORMAT, and where its inline data begin.

The tokens are ClickHouse's own (`src/Parsers/Lexer.cpp`): four comment forms with nested block comments, three quotes with backslash and
doubled escapes, here-documents. Nothing is decided about rights here — the engine does that; this only finds places in the text.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

from services.store.errors import BadRequest

Kind = Literal["select", "insert", "kill", "other"]

_TOKEN: Final = re.compile(
    rb"""
      (?P<space>(?:[\s\x00]|\xc2\xa0|\xe2\x80[\x80-\x8b\xa8\xa9\xaf]|\xe2\x81\x9f|\xe3\x80\x80|\xef\xbb\xbf)+ | --[^\n]* | //[^\n]* | \#[ !][^\n]*)
    | (?P<block>/\*)
    | (?P<string>'(?:[^'\\]|\\.|'')*' | \xe2\x80\x98.*?\xe2\x80\x99)
    | (?P<quoted>"(?:[^"\\]|\\.|"")*" | `(?:[^`\\]|\\.|``)*` | \xe2\x80\x9c.*?\xe2\x80\x9d)
    | (?P<word>[A-Za-z0-9_][A-Za-z0-9_$]*)
    | (?P<dollar>\$)
    | (?P<mark>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_BLOCK_EDGE: Final = re.compile(rb"/\*|\*/")
_OPEN: Final = b"([{"
_CLOSE: Final = b")]}"
_SELECT_WORDS: Final = frozenset({b"SELECT", b"WITH", b"FROM"})
_RESULT_WORDS: Final = frozenset({b"SHOW", b"DESCRIBE", b"DESC", b"EXISTS", b"EXPLAIN", b"CHECK", b"KILL", b"BACKUP", b"RESTORE", b"VALUES", b"TABLE"})
_SESSION_WORDS: Final = frozenset({b"SET", b"USE", b"EXECUTE", b"BEGIN", b"COMMIT", b"ROLLBACK"})


@dataclass(frozen=True, slots=True)
class Token:
    """A significant token; `upper` is its text in capitals where it is a bare word, else the text itself."""

    kind: Literal["string", "quoted", "word", "mark"]
    start: int
    end: int
    upper: bytes
    depth: int


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement. Offsets are into `text`.

    `clause_at`: where `FROM INFILE` (insert) or `INTO OUTFILE` (select) may be put. `format_at`: where FORMAT or VALUES begins, or the end.
    `data_at`: where an insert's inline data begin, -1 where the statement takes none.
    """

    text: bytes
    kind: Kind
    end: int
    tokens: tuple[Token, ...] = field(repr=False)
    format: str = ""
    clause_at: int = -1
    format_at: int = -1
    data_at: int = -1
    input_at: tuple[int, int, bytes] | None = None
    keeps_state: bool = False
    gives_rows: bool = False

    @property
    def head(self) -> bytes:
        """The text without an insert's inline data."""
        return self.text[: self.end if self.data_at < 0 else self.data_at]


def tokens(text: bytes, start: int = 0) -> Iterator[Token]:
    """The significant tokens of `text` from `start` on."""
    at, depth = start, 0
    while match := _TOKEN.match(text, at):
        kind, begin, at = match.lastgroup, match.start(), match.end()
        if kind == "space":
            continue
        if kind == "block":
            at = _skip_block(text, at)
            continue
        if kind == "dollar":
            at = _here_document(text, begin)
            yield Token("string", begin, at, text[begin:at], depth)
            continue
        body = match[0]
        if kind == "mark" and body in _CLOSE:
            depth -= 1
        yield Token(kind, begin, at, body.upper() if kind == "word" else body, depth)  # type: ignore[arg-type]
        if kind == "mark" and body in _OPEN:
            depth += 1


def _skip_block(text: bytes, at: int) -> int:
    level = 1
    while level and (edge := _BLOCK_EDGE.search(text, at)):
        level += 1 if edge[0] == b"/*" else -1
        at = edge.end()
    return at if not level else len(text)


def _here_document(text: bytes, begin: int) -> int:
    tag_end = text.find(b"$", begin + 1)
    if tag_end > 0:
        tag = text[begin : tag_end + 1]
        close = text.find(tag, tag_end + 1)
        if close > 0:
            return close + len(tag)
    return begin + 1


def parse(text: bytes) -> Statement:
    """Reads one statement. Raises BadRequest for none, for two, and for INTO OUTFILE and FROM INFILE, which only a local client may use."""
    stream = tokens(text)
    first = next(stream, None)
    if first is None or first.upper == b";":
        raise BadRequest(62, "SYNTAX_ERROR", "Empty query")
    if first.upper == b"INSERT":
        return _insert(text, [first], stream)
    found = [first]
    end = len(text)
    for token in stream:
        if token.upper == b";" and token.kind == "mark":
            end = token.start
            _refuse_more(stream)
            break
        if first.upper == b"WITH" and token.upper == b"INTO" and found[-1].upper == b"INSERT" and not token.depth:
            return _insert(text, [*found, token], stream)
        found.append(token)
    _refuse_outfile(found)
    lead = next((token.upper for token in found if token.upper != b"("), b"")
    name, at = _trailing_format(text, found, end)
    if lead in _SELECT_WORDS:
        return Statement(text, "select", end, tuple(found), format=name, clause_at=at, format_at=at, gives_rows=True)
    kind: Kind = "kill" if lead == b"KILL" and len(found) > 1 and found[1].upper == b"QUERY" else "other"
    keeps_state = lead in _SESSION_WORDS or any(token.upper in (b"TEMPORARY", b"TEMP") for token in found[:4])
    return Statement(text, kind, end, tuple(found), format=name, format_at=at, keeps_state=keeps_state, gives_rows=lead in _RESULT_WORDS)


def _refuse_more(stream: Iterator[Token]) -> None:
    """After a statement's semicolon only more semicolons may come."""
    extra = next((token for token in stream if token.upper != b";"), None)
    if extra is not None:
        where = f"failed at position {extra.start + 1}"
        raise BadRequest(62, "SYNTAX_ERROR", f"Syntax error (Multi-statements are not allowed): {where}")


def _refuse_outfile(found: list[Token]) -> None:
    for left, right in itertools.pairwise(found):
        if left.upper == b"INTO" and right.upper == b"OUTFILE" and left.kind == right.kind == "word":
            raise BadRequest(358, "INTO_OUTFILE_NOT_ALLOWED", "INTO OUTFILE is not allowed")


def _trailing_format(text: bytes, found: list[Token], end: int) -> tuple[str, int]:
    """The name after the last top-level FORMAT, and where that begins; "" and the end where there is none."""
    for index in range(len(found) - 2, 0, -1):
        token, name = found[index], found[index + 1]
        if token.depth == 0 and token.kind == "word" and token.upper == b"FORMAT" and name.kind in ("word", "quoted"):
            after = found[index + 2].upper if index + 2 < len(found) else b""
            if after in (b"", b"SETTINGS"):
                return text[name.start : name.end].strip(b'`"').decode("utf-8", "replace"), token.start
    return "", end


def _insert(text: bytes, found: list[Token], stream: Iterator[Token]) -> Statement:
    settings_at = -1
    for token in stream:
        previous = found[-1].upper
        found.append(token)
        if token.kind == "mark" and token.upper == b";":
            _refuse_more(stream)
            return Statement(text, "insert", token.start, tuple(found[:-1]))
        if token.depth or token.kind != "word" or previous in (b"INTO", b"TABLE", b"."):
            continue
        if token.upper == b"SETTINGS":
            settings_at = token.start
        elif token.upper == b"INFILE" and previous == b"FROM":
            raise BadRequest(36, "BAD_ARGUMENTS", "FROM INFILE is for local clients: send the data in the request body")
        elif token.upper in (b"SELECT", b"WITH"):
            return _insert_select(text, found, stream)
        elif token.upper == b"VALUES":
            return Statement(text, "insert", len(text), tuple(found), "Values", settings_at if settings_at > 0 else token.start, token.start, token.end)
        elif token.upper == b"FORMAT" and (name := next(stream, None)) is not None:
            clause_at = settings_at if settings_at > 0 else token.start
            data_at = _after_format(text, name.end)
            return Statement(text, "insert", len(text), tuple(found), text[name.start : name.end].decode(), clause_at, token.start, data_at)
    return Statement(text, "insert", len(text), tuple(found))


def _after_format(text: bytes, at: int) -> int:
    """Inline data begin after blanks and one line break, as ParserInsertQuery has it."""
    while at < len(text) and text[at : at + 1] in (b" ", b"\t", b"\f"):
        at += 1
    if text[at : at + 1] == b"\r":
        at += 1
    return at + 1 if text[at : at + 1] == b"\n" else at


def _insert_select(text: bytes, found: list[Token], stream: Iterator[Token]) -> Statement:
    """INSERT … SELECT; with `input('structure')` in it the data follow a FORMAT at the end."""
    input_at: tuple[int, int, bytes] | None = None
    for token in stream:
        found.append(token)
        if len(found) > 3 and token.upper == b")" and found[-2].kind == "string" and found[-3].upper == b"(" and found[-4].upper == b"INPUT":  # noqa: PLR2004
            input_at = (found[-4].start, token.end, text[found[-2].start : found[-2].end])
        elif token.upper == b";" and token.kind == "mark" and input_at is None:
            _refuse_more(stream)
            return Statement(text, "insert", token.start, tuple(found[:-1]))
        elif input_at is not None and token.depth == 0 and token.upper == b"FORMAT" and (name := next(stream, None)) is not None:
            data_at = _after_format(text, name.end)
            return Statement(text, "insert", len(text), tuple(found), text[name.start : name.end].decode(), -1, token.start, data_at, input_at)
    return Statement(text, "insert", len(text), tuple(found), input_at=None)
