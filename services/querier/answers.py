"""Answers as they leave: DeepFlow's JSON, CSV or Arrow, streamed. Rows are never taken apart here; ClickHouse writes them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator, Iterator
from enum import StrEnum
from typing import Any, Final

import orjson

from services.querier.errors import QuerierError
from services.querier.translation import Plan


class Form(StrEnum):
    """The forms of an answer."""

    JSON = "json"
    CSV = "csv"
    ARROW = "arrow"


CLICKHOUSE_FORMAT: Final = {Form.JSON: "JSONCompactEachRow", Form.CSV: "CSVWithNames", Form.ARROW: "ArrowStream"}
CONTENT_TYPE: Final = {Form.JSON: "application/json", Form.CSV: "text/csv; charset=utf-8", Form.ARROW: "application/vnd.apache.arrow.stream"}


def error_body(error: QuerierError) -> bytes:
    """The JSON that tells why there is no answer."""
    return orjson.dumps({"OPT_STATUS": error.opt_status, "DESCRIPTION": str(error), "result": None})


async def stream(plan: Plan, form: Form, chunks: AsyncIterator[bytes], debug: dict[str, Any] | None) -> AsyncIterator[bytes]:
    """ClickHouse's bytes as the answer's. A JSON answer that fails on the way says so in its OPT_STATUS, which comes last; others break off."""
    if form is not Form.JSON:
        async for chunk in chunks:
            yield chunk
        return
    head = orjson.dumps({"columns": [column.name for column in plan.columns], "schemas": [column.schema() for column in plan.columns]})
    yield b'{"result":' + head[:-1] + b',"values":['
    rows, waiting = 0, b""
    failed: QuerierError | None = None
    try:
        async for chunk in chunks:
            # A row ends with the only line feeds there are: those within text are escaped.
            rows += chunk.count(b"\n")
            body = chunk[:-1] if chunk.endswith(b"\n") else chunk
            yield waiting + body.replace(b"\n", b",\n")
            waiting = b",\n" if chunk.endswith(b"\n") else b""
    except QuerierError as error:
        failed = error
    yield b"]}," + _tail(plan, rows, failed, debug)


def _tail(plan: Plan, rows: int, failed: QuerierError | None, debug: dict[str, Any] | None) -> bytes:
    cut = bool(plan.default_limit) and rows >= plan.default_limit
    said = f"These are the first {rows} rows: the statement has no LIMIT." if cut else ""
    ending: dict[str, Any] = {"OPT_STATUS": failed.opt_status if failed else "SUCCESS", "DESCRIPTION": str(failed) if failed else said}
    if cut:
        ending["truncated"] = True
    if debug is not None:
        ending["debug"] = debug
    return orjson.dumps(ending)[1:]


def whole(plan: Plan, form: Form, debug: dict[str, Any] | None) -> bytes:
    """The answer whose rows are known already."""
    if form is Form.CSV:
        return "".join(_csv_lines(plan)).encode()
    if form is Form.ARROW:
        return _arrow(plan)
    result = {
        "columns": [column.name for column in plan.columns],
        "schemas": [column.schema() for column in plan.columns],
        "values": [list(row) for row in plan.rows],
    }
    ending = {"OPT_STATUS": "SUCCESS", "DESCRIPTION": ""} | ({} if debug is None else {"debug": debug})
    return orjson.dumps({"result": result, **ending})


def _csv_lines(plan: Plan) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    writer.writerow([column.name for column in plan.columns])
    for row in plan.rows:
        writer.writerow([json.dumps(item, ensure_ascii=False) if isinstance(item, list) else item for item in row])
    yield buffer.getvalue()


def _arrow(plan: Plan) -> bytes:
    import pyarrow as pa  # noqa: PLC0415  only answers in Arrow need it

    kinds = {"Int": pa.int64(), "Array": pa.list_(pa.string())}
    fields = [pa.field(column.name, kinds.get(column.value_type, pa.string())) for column in plan.columns]
    columns = [pa.array([row[at] for row in plan.rows], field.type) for at, field in enumerate(fields)]
    sink = pa.BufferOutputStream()
    table = pa.Table.from_arrays(columns, schema=pa.schema(fields))
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())
