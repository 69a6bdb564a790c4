"""Asking Weir's own services over HTTP, with errors a person can act on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx
import orjson

from libs.boot.errors import StartError


@dataclass(frozen=True, slots=True)
class Answer:
    """A table of values with the names of its columns."""

    columns: list[str]
    values: list[list[Any]]
    schemas: list[dict[str, Any]]

    def rows(self) -> list[dict[str, Any]]:
        """A dictionary per row."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.values]


def _unreachable(address: str, error: httpx.HTTPError) -> StartError:
    return StartError(f"Nobody answers at {address} ({type(error).__name__}): is Weir up? `make up` starts it, `weir status` shows it.")


def ask(querier: str, sql: str, db: str = "") -> Answer:
    """Puts one question to the querier. Raises StartError with the querier's own sentence where it refuses."""
    try:
        response = httpx.post(f"{querier}/v1/query/", json={"db": db, "sql": sql}, timeout=60, trust_env=False)
    except httpx.HTTPError as error:
        raise _unreachable(querier, error) from error
    try:
        body = response.json()
    except ValueError:
        message = f"The querier answered {response.status_code} and no JSON: {response.text[:200]}"
        raise StartError(message) from None
    if response.status_code != httpx.codes.OK:
        raise StartError(str(body.get("DESCRIPTION") or body))
    result = body["result"]
    return Answer(result["columns"], result["values"], result.get("schemas") or [])


def ask_bytes(querier: str, sql: str, db: str, form: str) -> bytes:
    """The same, in the querier's own CSV, JSON or Arrow."""
    try:
        response = httpx.post(f"{querier}/v1/query/", json={"db": db, "sql": sql, "format": form}, timeout=600, trust_env=False)
    except httpx.HTTPError as error:
        raise _unreachable(querier, error) from error
    if response.status_code != httpx.codes.OK:
        try:
            raise StartError(str(response.json().get("DESCRIPTION")))
        except ValueError:
            raise StartError(response.text[:500]) from None
    return response.content


def get_text(address: str) -> str:
    """What one of Weir's services answers to a GET."""
    try:
        response = httpx.get(address, timeout=10, trust_env=False)
        response.raise_for_status()
    except httpx.HTTPError as error:
        raise _unreachable(address, error) from error
    return response.text


def get_json(address: str) -> Any:  # noqa: ANN401  what a service's REST side answers
    """A JSON document from one of Weir's services."""
    return orjson.loads(get_text(address))
