"""Sends and follows snapshots: versioned bytes of one kind, the one way state moves between control-plane processes.

The writer publishes, every reader gets the latest; a reader that is slow gets the newest when it is done, never a backlog.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import time
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import grpc
import grpc.aio
import structlog

from libs.wire.generated.weir.v1 import snapshot_pb2, snapshot_pb2_grpc

CHUNK_BYTES: Final = 1 << 20
HEARTBEAT_S: Final = 10.0
MAX_BYTES: Final = 512 << 20
"""A reader refuses a larger snapshot: nothing Weir sends comes near."""
MAX_READERS: Final = 1024
_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 5.0

CHANNEL_OPTIONS: Final[tuple[tuple[str, Any], ...]] = (
    ("grpc.use_local_subchannel_pool", 1),  # a new channel must not inherit the back-off of the one before it
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2000),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.enable_http_proxy", 0),
)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One state of one kind. `version` grows with each change; equal versions are equal bytes."""

    kind: str
    version: int
    data: bytes


class BrokenSnapshot(Exception):  # noqa: N818  the name says what came
    """A connection is of no use any more: it was lost, a chunk is missing, or the checksum differs. The message says which."""


@dataclass(slots=True)
class Reader:
    """Who is watching, for the writer's status page."""

    name: str
    kind: str
    peer: str
    since: float = field(default_factory=time.time)
    version: int = 0


class SnapshotServer(snapshot_pb2_grpc.SnapshotsServicer):
    """The writer's side: add it to a `grpc.aio` server with `snapshot_pb2_grpc.add_SnapshotsServicer_to_server`.

    `kinds` are those it will ever publish; another one is answered NOT_FOUND. Call `publish` from the server's event loop.
    """

    def __init__(self, kinds: tuple[str, ...], *, heartbeat_s: float = HEARTBEAT_S, chunk_bytes: int = CHUNK_BYTES) -> None:
        self._kinds = kinds
        self._heartbeat_s = heartbeat_s
        self._chunk_bytes = chunk_bytes
        self._latest: dict[str, Snapshot] = {}
        self._changed: dict[str, asyncio.Event] = {kind: asyncio.Event() for kind in kinds}
        self._readers: dict[int, Reader] = {}
        self._numbers = itertools.count()

    def publish(self, kind: str, version: int, data: bytes) -> None:
        """Makes this the latest of `kind` and wakes its readers; raises KeyError for a kind that was not declared."""
        changed = self._changed[kind]
        self._latest[kind] = Snapshot(kind, version, data)
        self._changed[kind] = asyncio.Event()
        changed.set()

    def latest(self, kind: str) -> Snapshot | None:
        """What readers are given now, None before the first `publish`."""
        return self._latest.get(kind)

    @property
    def readers(self) -> tuple[Reader, ...]:
        """Everyone who is watching now."""
        return tuple(self._readers.values())

    async def Watch(  # noqa: N802  the name in the .proto
        self, request: snapshot_pb2.SnapshotRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> AsyncIterator[snapshot_pb2.SnapshotChunk]:
        """A heartbeat at once, the latest where the reader has another, and each later one."""
        if request.kind not in self._changed:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"No snapshots of kind {request.kind!r} here; there are {', '.join(self._kinds)}.")
        if len(self._readers) >= MAX_READERS:
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, f"{MAX_READERS} readers are watching already; stop some or ask a replica.")
        number = next(self._numbers)
        reader = self._readers[number] = Reader(request.reader, request.kind, context.peer(), version=request.have_version)
        try:
            yield snapshot_pb2.SnapshotChunk(kind=request.kind, version=request.have_version, heartbeat=True)
            while True:
                changed, snapshot = self._changed[request.kind], self._latest.get(request.kind)
                if snapshot is not None and snapshot.version != reader.version:
                    for chunk in _chunks(snapshot, self._chunk_bytes):
                        yield chunk
                    reader.version = snapshot.version
                    continue
                try:
                    async with asyncio.timeout(self._heartbeat_s):
                        await changed.wait()
                except TimeoutError:
                    yield snapshot_pb2.SnapshotChunk(kind=request.kind, version=reader.version, heartbeat=True)
        finally:
            del self._readers[number]


def _chunks(snapshot: Snapshot, size: int) -> Iterator[snapshot_pb2.SnapshotChunk]:
    total = max(1, -(-len(snapshot.data) // size))
    for index in range(total):
        last = index == total - 1
        yield snapshot_pb2.SnapshotChunk(
            kind=snapshot.kind,
            version=snapshot.version,
            index=index,
            last=last,
            data=snapshot.data[index * size : (index + 1) * size],
            checksum=zlib.crc32(snapshot.data) if last else 0,
        )


@dataclass(slots=True)
class Assembly:
    """Puts chunks together again. A pure state machine: `add` gives a snapshot with its last chunk, None before."""

    kind: str
    _version: int = 0
    _parts: list[bytes] = field(default_factory=list)
    _bytes: int = 0

    def add(self, chunk: snapshot_pb2.SnapshotChunk) -> Snapshot | None:
        """Takes the next chunk; raises BrokenSnapshot for one that is out of turn, too much, or fails the checksum."""
        if chunk.heartbeat:
            return None
        if chunk.index == 0:
            self._version, self._parts, self._bytes = chunk.version, [], 0
        self._bytes += len(chunk.data)
        if chunk.kind != self.kind or chunk.version != self._version or chunk.index != len(self._parts) or self._bytes > MAX_BYTES:
            message = f"chunk {chunk.index} of {chunk.kind} {chunk.version} does not follow {len(self._parts)} chunks of {self.kind} {self._version}"
            raise BrokenSnapshot(message)
        self._parts.append(chunk.data)
        if not chunk.last:
            return None
        data = b"".join(self._parts)
        self._parts, self._bytes = [], 0
        if zlib.crc32(data) != chunk.checksum:
            message = f"{self.kind} {chunk.version} has another checksum than it was sent with"
            raise BrokenSnapshot(message)
        return Snapshot(self.kind, chunk.version, data)


async def watch(
    address: str,
    kind: str,
    have_version: int = 0,
    reader: str = "",
    *,
    on_state: Callable[[str], None] = lambda _: None,
    silence_s: float = 3 * HEARTBEAT_S,
) -> AsyncIterator[Snapshot]:
    """Follows `kind` at `address` (host:port) for ever: yields each snapshot that is not `have_version`, newest only.

    A lost, silent or broken connection is made again after 0.1 s to 5 s. `on_state` hears "" while the writer is there and else one
    sentence that says what is wrong: what /readyz wants. Raises nothing; cancel it, or leave the loop, to end it.
    """
    log = structlog.get_logger("snapshots")
    pause, version, state = _FIRST_PAUSE_S, have_version, ""
    while True:
        assembly = Assembly(kind)
        try:
            async for chunk in _connection(address, snapshot_pb2.SnapshotRequest(kind=kind, have_version=version, reader=reader), silence_s):
                pause, state = _FIRST_PAUSE_S, ""
                on_state("")
                snapshot = assembly.add(chunk)
                if snapshot is not None:
                    version = snapshot.version
                    yield snapshot
        except BrokenSnapshot as error:
            sentence = f"No {kind} from {address}: {error}."
            if state == "":
                log.warning("snapshot source lost", kind=kind, address=address, reason=str(error))
            state = sentence
            on_state(sentence)
        await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311  spreads readers, guards nothing
        pause = min(pause * 2, _LONGEST_PAUSE_S)


async def _connection(address: str, request: snapshot_pb2.SnapshotRequest, silence_s: float) -> AsyncIterator[snapshot_pb2.SnapshotChunk]:
    """The chunks of one connection; always ends with BrokenSnapshot, which says why it ended."""
    async with grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS) as channel:
        call = snapshot_pb2_grpc.SnapshotsStub(channel).Watch(request)  # type: ignore[no-untyped-call]
        try:
            while True:
                async with asyncio.timeout(silence_s):
                    chunk = await call.read()
                if not isinstance(chunk, snapshot_pb2.SnapshotChunk):
                    break
                yield chunk
        except grpc.aio.AioRpcError as error:
            message = f"{error.code().name}: {error.details()}"
            raise BrokenSnapshot(message) from error
        except TimeoutError as error:
            message = f"it has been silent for {silence_s:.0f} s"
            raise BrokenSnapshot(message) from error
        finally:
            call.cancel()
    message = "it closed the stream"
    raise BrokenSnapshot(message)
