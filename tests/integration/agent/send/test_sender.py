"""The sender against a real HTTP server that misbehaves in every way an ingester or a proxy in front of it can."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse

from agent.backoff import Backoff
from agent.send import sender as sender_module
from agent.send.halves import _unpack, pack
from agent.send.item import Item
from agent.send.sender import Sender
from agent.send.spool import Spool

STREAM = "flow_log.l4_flow_log"
Behaviour = Callable[["Ingester", bytes], Awaitable[tuple[int, dict[str, str], bytes] | None]]


class Ingester:
    """A tiny HTTP/1.1 server that keeps every body it acknowledged and lets a test decide each answer."""

    def __init__(self) -> None:
        self.behaviour: Behaviour = accept
        self.stored: list[bytes] = []
        self.seen: list[tuple[float, bytes]] = []
        self.attempts: dict[bytes, list[str | None]] = {}
        """Body -> `weir-attempt` of each time it came."""
        self.paths: Counter[str] = Counter()
        self.busy = 0
        self.busiest = 0
        self.port = 0
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                lines = head.split("\r\n")
                headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
                body = await reader.readexactly(int(headers["content-length"]))
                self.paths[f"{lines[0].split()[1]} {headers.get('content-encoding')}"] += 1
                self.seen.append((time.monotonic(), body))
                self.attempts.setdefault(body, []).append(headers.get("weir-attempt"))
                self.busy += 1
                self.busiest = max(self.busiest, self.busy)
                answer = await self.behaviour(self, body)
                self.busy -= 1
                if answer is None:
                    break
                status, extra, content = answer
                if status == 200:
                    self.stored.append(body)
                lines = [f"HTTP/1.1 {status} X", f"content-length: {len(content)}", *(f"{name}: {value}" for name, value in extra.items())]
                writer.write("\r\n".join([*lines, "", ""]).encode() + content)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


async def accept(_ingester: Ingester, _body: bytes) -> tuple[int, dict[str, str], bytes]:
    return 200, {}, b""


@pytest.fixture
async def ingester() -> AsyncIterator[Ingester]:
    made = Ingester()
    await made.start()
    yield made
    await made.stop()


class Ledger:
    def __init__(self) -> None:
        self.dropped: Counter[str] = Counter()

    def __call__(self, rows: Mapping[str, int], reason: str) -> None:
        self.dropped[reason] += sum(rows.values())


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> Ledger:
    made = Ledger()
    monkeypatch.setattr(sender_module, "count_dropped", made)
    return made


@asynccontextmanager
async def sending(url: str, ledger: Ledger, folder: Path | None = None, timeout_s: float = 1.0) -> AsyncIterator[Sender]:
    spool = Spool(folder, memory_bytes=1 << 20, disk_bytes=1 << 24, on_drop=ledger)
    async with httpx.AsyncClient(trust_env=False) as client:
        sender = Sender("flow_log", spool, client, url=url, timeout_s=timeout_s, backoff=Backoff(0.02, 0.1))
        task = asyncio.create_task(sender.run())
        try:
            yield sender
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            spool.close()


def item(number: int, rows: int = 10) -> Item:
    request = ExportLogsServiceRequest()
    scope = request.resource_logs.add().scope_logs.add()
    for row in range(rows):
        scope.log_records.add(time_unix_nano=number * 1000 + row)
    return Item("logs", {STREAM: rows}, pack(request.SerializeToString(), "zstd"), "zstd", int(time.time() * 1000))


async def test_bodies_arrive_compressed_at_the_signals_path(ingester: Ingester, ledger: Ledger) -> None:
    async with sending(ingester.url, ledger) as sender:
        for n in range(20):
            sender.put(item(n))
        assert await sender.drained(5)
    assert len(set(ingester.stored)) == len(ingester.stored) == 20
    assert ingester.paths == {"/v1/logs zstd": 20}
    assert not ledger.dropped


async def test_several_requests_are_in_flight_but_not_many(ingester: Ingester, ledger: Ledger) -> None:
    async def slow(_: Ingester, __: bytes) -> tuple[int, dict[str, str], bytes]:
        await asyncio.sleep(0.02)
        return 200, {}, b""

    ingester.behaviour = slow
    async with sending(ingester.url, ledger) as sender:
        for n in range(30):
            sender.put(item(n))
        assert await sender.drained(5)
    assert 2 <= ingester.busiest <= 4


async def test_retry_after_is_obeyed_and_the_body_is_the_same(ingester: Ingester, ledger: Ledger) -> None:
    async def overloaded_once(server: Ingester, _: bytes) -> tuple[int, dict[str, str], bytes]:
        return (429, {"retry-after": "1"}, b"") if len(server.seen) == 1 else (200, {}, b"")

    ingester.behaviour = overloaded_once
    async with sending(ingester.url, ledger) as sender:
        sender.put(item(1))
        await asyncio.sleep(0.2)
        for n in range(2, 5):
            sender.put(item(n))
        assert await sender.drained(5)
    times = [at for at, _ in ingester.seen]
    assert times[1] - times[0] >= 1.0
    assert ingester.seen[0][1] == ingester.seen[1][1]
    assert len(set(ingester.stored)) == len(ingester.stored) == 4


async def test_an_answer_that_is_lost_is_asked_for_again_with_the_same_bytes(ingester: Ingester, ledger: Ledger) -> None:
    async def hang_up_on_odd(server: Ingester, body: bytes) -> tuple[int, dict[str, str], bytes] | None:
        if len(server.seen) % 2:
            server.stored.append(body)
            return None
        return 200, {}, b""

    ingester.behaviour = hang_up_on_odd
    async with sending(ingester.url, ledger) as sender:
        originals = [item(n) for n in range(10)]
        for one in originals:
            sender.put(one)
        assert await sender.drained(5)
    assert set(ingester.stored) == {one.body for one in originals}
    assert not ledger.dropped


@pytest.mark.parametrize("status", [None, 500, 503, 504])
async def test_a_repeat_of_what_may_be_stored_says_which_it_is(ingester: Ingester, ledger: Ledger, status: int | None) -> None:
    async def third_time(server: Ingester, body: bytes) -> tuple[int, dict[str, str], bytes] | None:
        if len(server.attempts[body]) < 3:
            return (status, {"retry-after": "0"}, b"") if status else None
        return 200, {}, b""

    ingester.behaviour = third_time
    async with sending(ingester.url, ledger) as sender:
        sender.put(item(1))
        assert await sender.drained(5)
    assert list(ingester.attempts.values()) == [[None, "2", "3"]]


async def test_what_was_refused_unread_or_found_nobody_is_no_repeat(ingester: Ingester, ledger: Ledger) -> None:
    async def overloaded_once(server: Ingester, _: bytes) -> tuple[int, dict[str, str], bytes]:
        return (429, {"retry-after": "0"}, b"") if len(server.seen) == 1 else (200, {}, b"")

    ingester.behaviour = overloaded_once
    await ingester.stop()
    async with sending(ingester.url, ledger) as sender:
        sender.put(item(1))
        await asyncio.sleep(0.1)
        assert sender.last_failure.startswith("unreachable")
        await ingester.start()
        assert await sender.drained(5)
    assert list(ingester.attempts.values()) == [[None, None]]


async def test_an_ingester_that_is_away_is_waited_for(ingester: Ingester, ledger: Ledger, tmp_path: Path) -> None:
    await ingester.stop()
    async with sending(ingester.url, ledger, tmp_path) as sender:
        for n in range(10):
            sender.put(item(n))
        await asyncio.sleep(0.3)
        assert sender.last_failure.startswith("unreachable")
        assert sender.spool.count == 10
        await ingester.start()
        assert await sender.drained(5)
        assert sender.last_failure == ""
    assert len(set(ingester.stored)) == 10
    assert not ledger.dropped


async def test_a_slow_ingester_times_out_and_gets_it_again(ingester: Ingester, ledger: Ledger) -> None:
    async def asleep_first(server: Ingester, _: bytes) -> tuple[int, dict[str, str], bytes]:
        if len(server.seen) == 1:
            await asyncio.sleep(1)
        return 200, {}, b""

    ingester.behaviour = asleep_first
    async with sending(ingester.url, ledger, timeout_s=0.2) as sender:
        sender.put(item(1))
        assert await sender.drained(5)
    assert len({body for _, body in ingester.seen}) == 1


@pytest.mark.parametrize("status", [400, 404, 415])
async def test_a_permanent_refusal_is_counted_and_does_not_block(ingester: Ingester, ledger: Ledger, status: int) -> None:
    bad = item(1)

    async def refuse(_: Ingester, body: bytes) -> tuple[int, dict[str, str], bytes]:
        return (status if body == bad.body else 200), {}, b""

    ingester.behaviour = refuse
    async with sending(ingester.url, ledger) as sender:
        sender.put(bad)
        sender.put(item(2))
        assert await sender.drained(5)
    assert ledger.dropped == {f"http_{status}": 10}
    assert len(ingester.stored) == 1


async def test_a_body_that_the_ingester_cannot_digest_is_dropped_in_the_end_and_blocks_nobody(ingester: Ingester, ledger: Ledger) -> None:
    poison = item(0)

    async def choke(_: Ingester, body: bytes) -> tuple[int, dict[str, str], bytes]:
        return (500 if body == poison.body else 200), {}, b""

    ingester.behaviour = choke
    async with sending(ingester.url, ledger) as sender:
        sender.put(poison)
        for n in range(1, 100):
            sender.put(item(n))
            await asyncio.sleep(0.01)
        assert await sender.drained(10)
    assert ledger.dropped == {"http_500": 10}
    assert len(ingester.stored) == 99


async def test_an_ingester_that_only_answers_errors_loses_nothing(ingester: Ingester, ledger: Ledger) -> None:
    async def broken(_: Ingester, __: bytes) -> tuple[int, dict[str, str], bytes]:
        return 500, {}, b""

    ingester.behaviour = broken
    async with sending(ingester.url, ledger) as sender:
        for n in range(30):
            sender.put(item(n))
        await asyncio.sleep(1.5)
        assert len(ingester.seen) > 10
        ingester.behaviour = accept
        assert await sender.drained(10)
    assert len(set(ingester.stored)) == 30
    assert not ledger.dropped


async def test_a_body_that_is_too_large_is_halved_until_it_fits(ingester: Ingester, ledger: Ledger) -> None:
    def records(body: bytes) -> list[int]:
        scopes = ExportLogsServiceRequest.FromString(_unpack(body, "zstd")).resource_logs[0].scope_logs
        return [record.time_unix_nano for record in scopes[0].log_records]

    async def picky(_: Ingester, body: bytes) -> tuple[int, dict[str, str], bytes]:
        return (413 if len(records(body)) > 13 or 5 in records(body) else 200), {}, b""

    ingester.behaviour = picky
    async with sending(ingester.url, ledger) as sender:
        sender.put(item(0, rows=100))
        assert await sender.drained(5)
    stored = [record for body in ingester.stored for record in records(body)]
    assert sorted(stored) == [n for n in range(100) if n != 5]
    assert ledger.dropped == {"http_413": 1}


async def test_rows_that_the_ingester_rejects_are_counted_and_not_sent_again(ingester: Ingester, ledger: Ledger) -> None:
    async def partly(_: Ingester, __: bytes) -> tuple[int, dict[str, str], bytes]:
        answer = ExportLogsServiceResponse(partial_success=ExportLogsPartialSuccess(rejected_log_records=3, error_message="too old"))
        return 200, {}, answer.SerializeToString()

    ingester.behaviour = partly
    async with sending(ingester.url, ledger) as sender:
        sender.put(item(1))
        assert await sender.drained(5)
    assert ledger.dropped == {"rejected": 3}
    assert len(ingester.seen) == 1


async def test_what_a_stopped_agent_could_not_send_is_sent_by_the_next_one(ingester: Ingester, ledger: Ledger, tmp_path: Path) -> None:
    originals = [item(n) for n in range(10)]
    async with sending("", ledger, tmp_path) as sender:
        for one in originals:
            sender.put(one)
    async with sending(ingester.url, ledger, tmp_path) as sender:
        assert await sender.drained(5)
        assert (sender.spool.count, sender.spool.disk_bytes) == (0, 0)
    assert set(ingester.stored) == {one.body for one in originals}
    assert len(ingester.stored) == 10
    assert [attempts for attempts in ingester.attempts.values() if attempts != ["2"]] == []  # it cannot know what the first one did
    assert not ledger.dropped
