"""FastAPI as every process with an ordinary REST side uses it.

Admission rule: what all of these applications have in common; no route, no table.
"""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse

from libs.postgres.errors import PostgresUnavailable


def rest_app(title: str, description: str) -> FastAPI:
    """An application with its OpenAPI pages under /docs, which answers 503 with `Retry-After` while PostgreSQL is away."""
    app = FastAPI(title=title, description=description, version="1", redoc_url=None)

    @app.exception_handler(PostgresUnavailable)
    async def unavailable(_request: Request, error: PostgresUnavailable) -> JSONResponse:
        return JSONResponse({"error": str(error)}, 503, {"Retry-After": "1"})

    @app.get("/", include_in_schema=False)
    async def home() -> RedirectResponse:
        return RedirectResponse("/docs")

    return app
