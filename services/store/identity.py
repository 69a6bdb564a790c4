"""Who the client is, in its own words: `currentUser()` and `queryID()`.

The engine knows one user and ids of its own. In a client's SELECT, and in an INSERT … SELECT, the call becomes a literal under the call's
name, so that a result's columns are called what they are in a server.
"""

from __future__ import annotations

from typing import Final

from services.store.engine import identifier, literal
from services.store.request import Request
from services.store.statement import Statement

_USER: Final = ("currentUser", "authenticatedUser", "authUser")
_USER_ANY_CASE: Final = (b"USER", b"CURRENT_USER", b"SESSION_USER")
_QUERY: Final = ("queryID", "initialQueryID")
_QUERY_ANY_CASE: Final = (b"QUERY_ID", b"INITIAL_QUERY_ID")


def _value(call: bytes, request: Request) -> str | None:
    """What a function of this name says, None where it is another one."""
    name = call.decode("utf-8", "replace")
    if name in _USER or call.upper() in _USER_ANY_CASE:
        return request.user.name
    if name in _QUERY or call.upper() in _QUERY_ANY_CASE:
        return request.query_id
    return None


def with_identity(statement: Statement, request: Request) -> bytes | None:
    """The text with the calls replaced, or None where there are none."""
    text, found = statement.text, statement.tokens
    if statement.kind not in ("select", "insert") or statement.data_at >= 0:
        return None
    lowered = text.lower()
    if b"user" not in lowered and b"query" not in lowered:
        return None
    out, at = bytearray(), 0
    for index in range(len(found) - 2):
        word, opened, closed = found[index : index + 3]
        if word.kind != "word" or opened.upper != b"(" or closed.upper != b")" or (index and found[index - 1].upper == b"."):
            continue
        name = text[word.start : word.end]
        value = _value(name, request)
        if value is not None:
            alias = identifier(name.decode() + "()")
            out += text[at : word.start] + f"({literal(value)} AS {alias})".encode()
            at = closed.end
    return bytes(out + text[at:]) if at else None
