from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import grpc
import grpc.aio
import pytest

from libs.wire import snapshot_pb2, snapshot_pb2_grpc
from libs.wire.server import bind, grpc_server
from libs.wire.snapshots import Snapshot, SnapshotServer, watch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@asynccontextmanager
async def serving(servicer: SnapshotServer, port: int = 0) -> AsyncIterator[int]:
    server = grpc_server()
    snapshot_pb2_grpc.add_SnapshotsServicer_to_server(servicer, server)  # type: ignore[no-untyped-call]
    port = bind(server, "127.0.0.1", port)
    await server.start()
    try:
        yield port
    finally:
        await server.stop(0)


async def test_a_reader_gets_the_latest_and_then_each_newer_one() -> None:
    writer = SnapshotServer(("k",))
    writer.publish("k", 1, b"one")
    async with serving(writer) as port:
        snapshots = watch(f"127.0.0.1:{port}", "k", reader="test")
        assert await anext(snapshots) == Snapshot("k", 1, b"one")
        assert [(reader.name, reader.kind) for reader in writer.readers] == [("test", "k")]
        large = bytes(range(256)) * 12_000
        writer.publish("k", 2, large)
        assert await anext(snapshots) == Snapshot("k", 2, large)
        await snapshots.aclose()  # type: ignore[attr-defined]


async def test_a_reader_that_has_the_version_is_sent_heartbeats_only() -> None:
    writer = SnapshotServer(("k",), heartbeat_s=0.05)
    writer.publish("k", 4, b"four")
    async with serving(writer) as port, grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = snapshot_pb2_grpc.SnapshotsStub(channel).Watch(snapshot_pb2.SnapshotRequest(kind="k", have_version=4))  # type: ignore[no-untyped-call]
        assert all([(await call.read()).heartbeat for _ in range(3)])


async def test_a_slow_reader_is_given_the_newest_not_the_backlog() -> None:
    writer = SnapshotServer(("k",))
    async with serving(writer) as port:
        writer.publish("k", 1, b"x" * 5_000_000)
        snapshots = watch(f"127.0.0.1:{port}", "k")
        assert (await anext(snapshots)).version == 1
        for version in range(2, 200):
            writer.publish("k", version, b"x" * 5_000_000)
            await asyncio.sleep(0)
        seen: list[int] = []
        while not seen or seen[-1] != 199:
            seen.append((await anext(snapshots)).version)
        assert len(seen) < 5
        await snapshots.aclose()  # type: ignore[attr-defined]


async def test_a_reader_finds_the_writer_again_after_its_restart() -> None:
    states: list[str] = []
    writer = SnapshotServer(("k",))
    writer.publish("k", 1, b"one")
    async with serving(writer) as port:
        snapshots = watch(f"127.0.0.1:{port}", "k", on_state=states.append)
        assert (await anext(snapshots)).data == b"one"
    pending = asyncio.ensure_future(anext(snapshots))
    await asyncio.sleep(0.3)
    assert states[-1].startswith("No k from 127.0.0.1")
    again = SnapshotServer(("k",))
    again.publish("k", 2, b"two")
    async with serving(again, port):
        started = time.monotonic()
        assert (await asyncio.wait_for(pending, 5)).data == b"two"
        assert time.monotonic() - started < 3
        assert states[-1] == ""
        await snapshots.aclose()  # type: ignore[attr-defined]


async def test_a_silent_writer_is_left_and_asked_again() -> None:
    states: list[str] = []
    writer = SnapshotServer(("k",), heartbeat_s=60)
    async with serving(writer) as port:
        snapshots = watch(f"127.0.0.1:{port}", "k", on_state=states.append, silence_s=0.1)
        pending = asyncio.ensure_future(anext(snapshots))
        await asyncio.sleep(0.5)
        assert any("silent" in state for state in states)
        writer.publish("k", 1, b"one")
        assert (await asyncio.wait_for(pending, 5)).version == 1
        await snapshots.aclose()  # type: ignore[attr-defined]


async def test_an_unknown_kind_is_refused_with_the_known_ones() -> None:
    async with serving(SnapshotServer(("a.b", "c.d"))) as port, grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        with pytest.raises(grpc.aio.AioRpcError, match=r"a\.b, c\.d"):
            await snapshot_pb2_grpc.SnapshotsStub(channel).Watch(snapshot_pb2.SnapshotRequest(kind="x")).read()  # type: ignore[no-untyped-call]
