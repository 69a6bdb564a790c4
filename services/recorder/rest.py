"""What people can look at: the recorded resources, the events, which snapshot they agree with."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, HTTPException

from libs.postgres import Database
from libs.rest import rest_app
from services.recorder.resources import RESOURCES

# The table names that are put into these statements come from services/recorder/resources, never from the request.
# ruff: noqa: S608


def build(database: Database, refusal: dict[str, str]) -> FastAPI:
    """The REST side, read-only. `refusal["reason"]` says why the latest snapshot was not recorded, "" where it was."""
    app = rest_app("Weir recorder", "Resources with their ids, as every row that is stored refers to them.")
    kinds = tuple(resource_type.kind for resource_type in RESOURCES)

    @app.get("/v1/resources")
    async def summary() -> dict[str, Any]:
        """How many resources of each kind there are, and which snapshot they agree with."""
        counts = {}
        for kind in kinds:
            (row,) = await database.fetch(f"SELECT count(*) FILTER (WHERE deleted_at IS NULL) AS live, count(deleted_at) AS deleted FROM meta.{kind}")
            counts[kind] = dict(row)
        applied = await database.fetch("SELECT version, at FROM meta.applied")
        return {"resources": counts, "applied": dict(applied[0]) if applied else None, "refused": refusal["reason"]}

    @app.get("/v1/resources/{kind}")
    async def resources(kind: str, after: int = 0, limit: int = 1000, *, deleted: bool = False) -> dict[str, Any]:
        """The resources of one kind in the order of their ids; `deleted` also gives those that are gone."""
        if kind not in kinds:
            raise HTTPException(404, f"No kind {kind!r}; there are {', '.join(kinds)}.")
        rows = await database.fetch(
            f"SELECT * FROM meta.{kind} WHERE id > $1 AND ($2 OR deleted_at IS NULL) ORDER BY id LIMIT $3", after, deleted, min(max(limit, 1), 10_000)
        )
        return {"resources": [dict(row) for row in rows]}

    @app.get("/v1/events")
    async def events(after: int = 0, limit: int = 1000, kind: str = "", event: str = "") -> dict[str, Any]:
        """What happened to resources, oldest first; `before` and `after` are the columns that changed."""
        rows = await database.fetch(
            "SELECT * FROM meta.resource_event WHERE id > $1 AND ($2 = '' OR kind = $2) AND ($3 = '' OR event = $3) ORDER BY id LIMIT $4",
            after,
            kind,
            event,
            min(max(limit, 1), 10_000),
        )
        return {"events": [dict(row) for row in rows]}

    return app
