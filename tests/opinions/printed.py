"""Reads what another reader printed of a capture: JSON objects, or values as Rust's `{:?}` prints them, one a line."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

Record = dict[str, Any]
"""Field → value; an enum's variant is its name, `Some(x)` is x. `_name` is the name of the struct."""

_TOKEN: Final = re.compile(r'\s*("(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?|\w+|[\[\](){},:])')
_MEMCACHED: Final = re.compile(r"msg_type: (\w+) request: (.*?) req_size: (\d+) result: (.*?) err_msg: (.*?) res_size: (\d+) rtt: (\d+)")


def read(path: Path) -> list[Record]:
    """A record a line; lines that are neither form (remarks, packets that it could not read) are left out."""
    records = (_record(line) for line in path.read_text(errors="replace").splitlines())
    return [record for record in records if record]


def _record(line: str) -> Record | None:
    if line.startswith("{"):
        found: Record = json.JSONDecoder().raw_decode(line)[0]
        return found
    if line.startswith("MemcachedInfo") and (match := _MEMCACHED.search(line)):
        return dict(zip(("msg_type", "request", "req_size", "result", "err_msg", "res_size", "rtt"), match.groups(), strict=True))
    try:
        value = _Printed(line).value()
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


class _Printed:
    """One value of Rust's debug format."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def _next(self) -> str:
        match = _TOKEN.match(self._text, self._at)
        if match is None:
            message = f"no token at {self._at}"
            raise ValueError(message)
        self._at = match.end()
        return match.group(1)

    def _peek(self) -> str:
        match = _TOKEN.match(self._text, self._at)
        return match.group(1) if match else ""

    def value(self) -> Any:  # noqa: PLR0911  one line a form
        token = self._next()
        if token[0] == '"':
            return token[1:-1].encode().decode("unicode_escape").encode("latin-1").decode(errors="replace")
        if token == "[":  # noqa: S105  brackets are no secrets
            return self._items("]")
        if re.fullmatch(r"-?\d+", token):
            return int(token)
        if re.fullmatch(r"-?\d+\.\d+", token):
            return float(token)
        if self._peek() == "{":
            self._next()
            return {"_name": token, **self._fields()}
        if self._peek() == "(":
            self._next()
            items = self._items(")")
            return items[0] if len(items) == 1 else items
        return None if token == "None" else token == "true" if token in ("true", "false") else token  # noqa: S105

    def _items(self, end: str) -> list[Any]:
        items = []
        while self._peek() != end:
            items.append(self.value())
            if self._peek() == ",":
                self._next()
        self._next()
        return items

    def _fields(self) -> Record:
        fields: Record = {}
        while self._peek() != "}":
            name = self._next()
            if self._next() != ":":
                message = "a field without a colon"
                raise ValueError(message)
            fields[name] = self.value()
            if self._peek() == ",":
                self._next()
        self._next()
        return fields
