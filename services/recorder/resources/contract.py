"""The contract of a resource type: which attributes of a `Resource` become which columns of its table in schema meta."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

Value = Any
"""What travels to and from PostgreSQL as JSON: str, int, None, list."""


@dataclass(frozen=True, slots=True)
class Ref:
    """What a resource belongs to: its `refs[kind]` is the other's lcuuid, `column` holds the other's id."""

    kind: str
    column: str
    required: bool = True
    """Whether a resource without it cannot be recorded."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """A column of its own, made of the attribute of that name; `parse` raises ValueError for what cannot be one."""

    column: str
    parse: Callable[[str], Value]
    default: str = ""
    """The text that stands where the attribute is missing."""


@dataclass(frozen=True, slots=True)
class ResourceType:
    """One type; its table in schema meta has its name. Every table also has id, lcuuid, domain, name and the three times."""

    kind: str
    refs: tuple[Ref, ...] = ()
    attributes: tuple[Attribute, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are compared and written."""
        return ("domain", "name", *(ref.column for ref in self.refs), *(attribute.column for attribute in self.attributes))


def text(column: str) -> Attribute:
    """A text without NUL, which PostgreSQL cannot hold."""
    return Attribute(column, lambda value: value.replace("\x00", ""))


def integer(column: str) -> Attribute:
    """A whole number that fits a bigint."""
    return Attribute(column, _bigint, "0")


def json(column: str) -> Attribute:
    """A JSON list."""
    return Attribute(column, _list, "[]")


def _bigint(value: str) -> int:
    number = int(value)
    if not -(1 << 63) <= number < 1 << 63:
        message = f"{number} does not fit 64 bits"
        raise ValueError(message)
    return number


def _list(value: str) -> list[Any]:
    parsed = orjson.loads(value)
    if not isinstance(parsed, list):
        message = "not a JSON list"
        raise ValueError(message)  # noqa: TRY004  it is the text that is wrong, not the caller's type
    return parsed
