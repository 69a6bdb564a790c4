"""Bytes of the store become bytes of the answer, wherever they are cut, and an error in the middle is told."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import orjson
import pytest

from services.querier.answers import Form, stream
from services.querier.errors import QuerierError, TimeLimitError, UnavailableError
from services.querier.store import Result, failure
from services.querier.translation import Column, Plan

TAG = "abcdefghijklmnop"
ROWS = b'["a\\nb\\r",1]\n["c",2]\n["d",null]\n'
TROUBLE = f"\r\n__exception__\r\n{TAG}\r\nCode: 159. DB::Exception: Timeout exceeded. (TIMEOUT_EXCEEDED)\n60 {TAG}\r\n__exception__\r\n".encode()
PLAN = Plan((Column("x", metric=False), Column("n", metric=True)), sql="SELECT")


class Wire(httpx.AsyncByteStream):
    def __init__(self, data: bytes, step: int, *, torn: bool = False) -> None:
        self.data, self.step, self.torn = data, step, torn

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for at in range(0, len(self.data), self.step):
            yield self.data[at : at + self.step]
        if self.torn:
            message = "peer closed the connection"
            raise httpx.RemoteProtocolError(message)


def result(data: bytes, step: int, *, torn: bool = False) -> Result:
    return Result(httpx.Response(200, headers={"x-clickhouse-exception-tag": TAG}, stream=Wire(data, step, torn=torn)), "30 s")


async def answered(running: Result, form: Form = Form.JSON, plan: Plan = PLAN) -> bytes:
    return b"".join([chunk async for chunk in stream(plan, form, running.chunks(), None)])


@pytest.mark.parametrize("step", [1, 2, 3, 7, 1000])
async def test_rows_become_one_json_document_wherever_they_are_cut(step: int) -> None:
    answer = orjson.loads(await answered(result(ROWS, step)))
    assert answer["result"]["values"] == [["a\nb\r", 1], ["c", 2], ["d", None]]
    assert answer["OPT_STATUS"] == "SUCCESS"


@pytest.mark.parametrize("step", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("rows", [b"", ROWS, ROWS[:-5]])
async def test_an_error_in_the_middle_is_told_in_the_status(step: int, rows: bytes) -> None:
    whole = rows if rows.endswith(b"\n") or not rows else rows[: rows.rfind(b"\n") + 1]
    answer = orjson.loads(await answered(result(whole + TROUBLE, step, torn=True)))
    assert answer["OPT_STATUS"] == "FAIL"
    assert "takes longer than it may" in answer["DESCRIPTION"]
    assert len(answer["result"]["values"]) == whole.count(b"\n")


@pytest.mark.parametrize("step", [1, 5, 1000])
async def test_other_forms_break_off(step: int) -> None:
    with pytest.raises(TimeLimitError):
        await answered(result(b'"x","n"\n' + TROUBLE, step), Form.CSV)


async def test_a_torn_connection_is_an_error() -> None:
    with pytest.raises(UnavailableError, match="in the middle"):
        await answered(result(b'"x","n"\n', 3, torn=True), Form.CSV)


@pytest.mark.parametrize("step", [1, 2, 5])
async def test_carriage_returns_pass(step: int) -> None:
    data = b"a\r\n__exception__\r\nb\rc\r\n\r"
    assert await answered(result(data, step), Form.CSV) == data


async def test_no_rows_is_an_empty_list() -> None:
    assert orjson.loads(await answered(result(b"", 1)))["result"]["values"] == []


async def test_as_many_rows_as_the_default_limit_are_called_cut() -> None:
    answer = orjson.loads(await answered(result(ROWS, 9), plan=Plan(PLAN.columns, sql="SELECT", default_limit=3)))
    assert answer["truncated"] is True


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ("Code: 159. DB::Exception: Timeout exceeded", 504, "shorter time range"),
        ("Code: 241. DB::Exception: Memory limit", 422, "more memory"),
        ("Code: 60. DB::Exception: Table x does not exist", 503, "ingester"),
        ("Code: 427. DB::Exception: bad regexp", 400, "regular expression"),
        ("Code: 202. DB::Exception: Too many", 503, "busy"),
        ("Code: 216. DB::Exception: same id", 400, "query_uuid"),
        ("Code: 452. DB::Exception: constraint", 502, "WEIR_QUERIER_MAX_TIME_S"),
        ("Code: 47. DB::Exception: Unknown identifier", 502, "did not accept"),
        ("<html>", 502, "did not accept"),
    ],
)
def test_an_exception_of_the_store_is_a_sentence(body: str, status: int, said: str) -> None:
    error: QuerierError = failure(0, body, "30 s and 400 MiB")
    assert (error.status, said in str(error)) == (status, True), str(error)
