"""What people can look at: names with their validity, and how far ClickHouse has them."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, HTTPException

from libs.postgres import Database
from libs.rest import rest_app
from libs.tables.tag import NAME_TABLES
from services.tagrecorder.publishing import Publishing


def build(database: Database, publishing: Publishing) -> FastAPI:
    """The REST side, read-only."""
    app = rest_app("Weir tagrecorder", "Names, each with the time it was valid.")
    tables = {table.kind: table for table in NAME_TABLES}

    @app.get("/v1/tags")
    async def summary() -> dict[str, Any]:
        """How many names of each kind there are, and when ClickHouse was compared last."""
        rows = await database.fetch("SELECT kind, count(*) AS intervals, count(DISTINCT id) AS ids FROM tag.tag GROUP BY kind ORDER BY kind")
        return {"kinds": list(tables), "tags": [dict(row) for row in rows], "compared_at": publishing.compared_at or None}

    @app.get("/v1/tags/{kind}")
    async def tags(kind: str, id: int = 0, limit: int = 1000) -> dict[str, Any]:  # noqa: A002  the name in the URL
        """The names of one kind, or of one id, oldest first."""
        if kind not in tables:
            raise HTTPException(404, f"No kind {kind!r}; there are {', '.join(tables)}.")
        rows = await database.fetch(
            "SELECT id, valid_from, valid_to, name, attributes FROM tag.tag WHERE kind = $1 AND ($2 = 0 OR id = $2) ORDER BY id, valid_from LIMIT $3",
            kind,
            id,
            min(max(limit, 1), 10_000),
        )
        return {"tags": [dict(row) for row in rows]}

    @app.get("/v1/dictionaries")
    async def dictionaries() -> dict[str, Any]:
        """What can be asked of each dictionary."""
        return {"dictionaries": [{"name": f"tag.{t.kind}", "attributes": {c.name: c.doc for c in t.columns}} for t in NAME_TABLES]}

    return app
