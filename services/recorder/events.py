"""Resource events: an outbox that is written in the same transaction as the change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.recorder.diff import Difference, Recorded

_INSERT = """INSERT INTO meta.resource_event (event, kind, resource_id, lcuuid, name, domain, before, after)
SELECT event, kind, resource_id, lcuuid, name, domain, before, after FROM jsonb_populate_recordset(NULL::meta.resource_event, $1)"""


def events(kind: str, difference: Difference, recorded: Mapping[str, Recorded], ids: Mapping[str, int]) -> list[dict[str, Any]]:
    """One event per change, with the columns before and after; an update has only those that differ."""
    found: list[dict[str, Any]] = []
    for lcuuid, values in difference.create.items():
        found.append(_event("create", kind, ids[lcuuid], lcuuid, None, dict(values)))
    for lcuuid, values in difference.update.items():
        old = recorded[lcuuid].values
        changed = [column for column in values if old.get(column) != values[column]]
        event = _event(
            "update", kind, recorded[lcuuid].id, lcuuid, {column: old.get(column) for column in changed}, {column: values[column] for column in changed}
        )
        found.append({**event, "name": values["name"], "domain": values["domain"]})
    for lcuuid in difference.delete:
        row = recorded[lcuuid]
        found.append(_event("delete", kind, row.id, lcuuid, dict(row.values), None))
    return found


def _event(event: str, kind: str, resource_id: int, lcuuid: str, before: dict[str, Any] | None, after: dict[str, Any] | None) -> dict[str, Any]:  # noqa: PLR0917  one call each, in the columns' order
    whole = after or before or {}
    return {
        "event": event,
        "kind": kind,
        "resource_id": resource_id,
        "lcuuid": lcuuid,
        "name": whole.get("name", ""),
        "domain": whole.get("domain", ""),
        "before": before,
        "after": after,
    }


async def write(connection: Any, found: list[dict[str, Any]]) -> None:  # noqa: ANN401  asyncpg's connection and its proxy share no type
    """Puts events into the outbox."""
    if found:
        await connection.execute(_INSERT, found)


async def purge(connection: Any, days: int) -> None:  # noqa: ANN401
    """Removes events older than `days`."""
    await connection.execute("DELETE FROM meta.resource_event WHERE at < now() - make_interval(days => $1)", days)
