"""The REST side."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse

from services.querier.answers import error_body
from services.querier.errors import QuerierError
from services.querier.front import PAGE
from services.querier.metrics import QUESTIONS
from services.querier.question import Answer, Answering, read
from services.querier.translation.show import catalog

_FIELDS: Final = {
    "sql": {"type": "string", "description": "One SELECT or SHOW statement."},
    "db": {"type": "string", "description": "Database, where the table's name alone does not say it.", "default": ""},
    "format": {"type": "string", "enum": ["json", "csv", "arrow"], "default": "json"},
    "debug": {"type": "boolean", "description": "Adds the store's SQL to a JSON answer.", "default": False},
    "data_precision": {"type": "string", "enum": ["1s", "1m"], "description": "Which table of a family, where FROM leaves it open."},
    "query_uuid": {"type": "string", "description": "Id of the query in the store."},
}
_SCHEMA: Final = {"type": "object", "properties": _FIELDS, "required": ["sql"]}
_EXAMPLES: Final = {
    "tables": {"summary": "What is there", "value": {"sql": "SHOW TABLES"}},
    "talkers": {
        "summary": "Who talks most",
        "value": {
            "sql": "SELECT auto_instance_0, auto_instance_1, PerSecond(Sum(byte)) AS bytes FROM network_map WHERE time > now() - 300 "
            "GROUP BY auto_instance_0, auto_instance_1 ORDER BY bytes DESC LIMIT 10"
        },
    },
    "latency": {
        "summary": "How well each endpoint answers",
        "value": {
            "db": "flow_log",
            "sql": "SELECT endpoint, Count(*) AS n, Percentile(rrt, 99) AS p99, Avg(error_ratio) AS errors FROM l7_flow_log "
            "WHERE l7_protocol = 'HTTP' AND time > now() - 3600 GROUP BY endpoint ORDER BY p99 DESC LIMIT 10",
        },
    },
}
_BODY: Final = {
    "requestBody": {
        "content": {
            "application/json": {"schema": _SCHEMA, "examples": _EXAMPLES},
            "application/x-www-form-urlencoded": {"schema": _SCHEMA},
        }
    }
}
_ANSWER: Final = {
    "result": {
        "columns": ["endpoint", "n"],
        "schemas": [
            {"unit": "", "type": 0, "value_type": "String", "pre_as": "", "label_type": "string"},
            {"unit": "row", "type": 1, "value_type": "Int", "pre_as": "Count(*)", "label_type": ""},
        ],
        "values": [["/login", 12]],
    },
    "OPT_STATUS": "SUCCESS",
    "DESCRIPTION": "",
}
_REFUSAL: Final = {"OPT_STATUS": "INVALID_SQL", "DESCRIPTION": "There is no tag or metric 'bytes' in …: did you mean byte?", "result": None}


def _example(value: dict[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": {"example": value}}}


_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The answer.", **_example(_ANSWER)},
    400: {"description": "The statement or a parameter is wrong; DESCRIPTION says what is right.", **_example(_REFUSAL)},
    422: {"description": "It needs more rows or memory than one question may have."},
    502: {"description": "The store did not accept it."},
    503: {"description": "The store cannot be reached; Retry-After says when to ask again."},
    504: {"description": "It takes longer than one question may."},
}


@cache
def _catalog() -> bytes:
    return orjson.dumps(catalog())


def build(answering: Answering) -> FastAPI:
    """The application."""
    app = FastAPI(title="Weir querier", description="Questions in SQL about who talked to whom, how fast and how well.", version="1", redoc_url=None)

    async def query(request: Request) -> Response:
        """Answers one SELECT or SHOW statement. Parameters come in the query string, a form or JSON."""
        try:
            question = await read(request)
        except QuerierError as error:
            QUESTIONS.labels(error.opt_status.lower()).inc()
            return Response(error_body(error), error.status, media_type="application/json")
        return Answer(answering, question)

    for path in ("/v1/query/", "/v1/query"):
        app.add_api_route(
            path,
            query,
            methods=["POST"],
            summary="Ask",
            responses=_RESPONSES,
            openapi_extra=_BODY,
            include_in_schema=path.endswith("/"),
            response_class=Response,
            response_model=None,
        )

    @app.get("/v1/catalog", summary="Everything that can be asked for", response_class=Response)
    async def everything() -> Response:
        """Tables with their tags and metrics, functions and closed sets, with units and descriptions."""
        return Response(_catalog(), media_type="application/json")

    @app.get("/", include_in_schema=False)
    async def front() -> HTMLResponse:
        return HTMLResponse(PAGE)

    return app
