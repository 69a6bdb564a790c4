"""Talks to trisolaris: Sync at start and now and then, Push for what changes in between. It outlives every restart of the other side."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Sequence
from typing import Any, Final

import grpc
import grpc.aio

from agent.backoff import Backoff
from agent.control.standing import Standing, UnusableAnswerError
from agent.metrics import SYNCS
from libs.boot import get_logger
from libs.wire import agent_pb2 as pb
from libs.wire import agent_pb2_grpc as pb_grpc

CHANNEL_OPTIONS: Final[Sequence[tuple[str, Any]]] = (
    ("grpc.enable_http_proxy", 0),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 5000),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
)
_CALL_S: Final = 10.0
_RETRY_LEAST_S: Final = 0.2
_INTERVAL_DEFAULT_S: Final = 60

Ask = Callable[[Standing], pb.SyncRequest]
"""Draws up the question: who I am, how I am."""
OnStanding = Callable[[Standing], None]


class ControlClient:
    """Keeps `standing` up to date and tells `on_standing` of each change."""

    def __init__(self, controller: str, standing: Standing, ask: Ask, on_standing: OnStanding) -> None:
        self.standing = standing
        self.problem = "The control plane has not answered yet."
        """Why the control plane is not heard, one sentence; empty while it is."""
        self.config_problem = ""
        """Why its configuration is not obeyed, one sentence; empty while it is."""
        self.platform_enabled = asyncio.Event()
        """Set once an answer asked for this machine's facts (or one before a restart did)."""
        if standing.genesis_address:
            self.platform_enabled.set()
        self._controller = controller
        self._ask = ask
        self._on_standing = on_standing
        self._ask_now = asyncio.Event()
        self._registered = asyncio.Event()
        self._backoff = Backoff(0.3, 10.0)
        self._push_backoff = Backoff(0.3, 10.0)

    async def run(self) -> None:
        """Until cancelled."""
        async with grpc.aio.insecure_channel(self._controller, options=CHANNEL_OPTIONS) as channel:
            stub = pb_grpc.SynchronizerStub(channel)  # type: ignore[no-untyped-call]
            async with asyncio.TaskGroup() as group:
                group.create_task(self._sync(stub))
                group.create_task(self._push(stub))

    def ask_now(self) -> None:
        """Syncs at once: something that the control plane should know has changed."""
        self._ask_now.set()

    async def _sync(self, stub: pb_grpc.SynchronizerStub) -> None:
        while True:
            self._ask_now.clear()
            try:
                answer = await stub.Sync(self._ask(self.standing), timeout=_CALL_S)
            except grpc.aio.AioRpcError as error:
                wait_s = self._failed("sync", error, self._backoff)
            else:
                self._backoff.succeeded()
                SYNCS.labels("sync", "ok").inc()
                self._hear(answer)
                wait_s = _next_s(answer)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._ask_now.wait()

    async def _push(self, stub: pb_grpc.SynchronizerStub) -> None:
        """Only a registered agent listens: before that, Sync asks often enough."""
        while True:
            await self._registered.wait()
            try:
                async for answer in stub.Push(self._ask(self.standing)):
                    self._push_backoff.succeeded()
                    SYNCS.labels("push", "ok").inc()
                    self._hear(answer)
                    if answer.status == pb.SYNC_STATUS_UNKNOWN:
                        self._ask_now.set()
                wait_s = self._push_backoff.failed()
            except grpc.aio.AioRpcError as error:
                wait_s = self._failed("push", error, self._push_backoff)
                self._ask_now.set()  # what it missed, and whether anyone is there
            await asyncio.sleep(wait_s)

    def _failed(self, kind: str, error: grpc.aio.AioRpcError, backoff: Backoff) -> float:
        SYNCS.labels(kind, error.code().name.lower()).inc()
        if not self.problem:
            get_logger("agent.control").warning("the control plane does not answer; going on with what it said last", kind=kind, reason=error.details())
        self.problem = f"The control plane at {self._controller} does not answer ({error.code().name.lower()}): start trisolaris or set WEIR_AGENT_CONTROLLER."
        return backoff.failed()

    def _hear(self, answer: pb.SyncResponse) -> None:
        log = get_logger("agent.control")
        self.problem = ""
        try:
            new = self.standing.after(answer)
            self.config_problem = ""
        except UnusableAnswerError as error:
            if self.config_problem != str(error):
                log.error("a configuration cannot be used", reason=str(error))  # noqa: TRY400  the sentence says it all
            self.config_problem = str(error)
            bare = pb.SyncResponse()
            bare.CopyFrom(answer)
            bare.ClearField("config_yaml")
            new = self.standing.after(bare)
        if answer.status == pb.SYNC_STATUS_OK:
            self._registered.set()
        else:
            self._registered.clear()
        if answer.platform_enabled and new.genesis_address:
            self.platform_enabled.set()
        if new == self.standing:
            return
        if new.vtap_id != self.standing.vtap_id:
            log.info("registered", vtap_id=new.vtap_id, group=new.vtap_group_id)
        if new.config_version != self.standing.config_version:
            log.info("new configuration", version=new.config_version)
        self.standing = new
        self._on_standing(new)


def _next_s(answer: pb.SyncResponse) -> float:
    """When to ask again: after what the answer says, spread a little."""
    if answer.status == pb.SYNC_STATUS_UNKNOWN:
        return max(answer.retry_after_ms / 1000, _RETRY_LEAST_S)
    interval = answer.sync_interval_s or _INTERVAL_DEFAULT_S
    return interval * random.uniform(0.9, 1.1)  # noqa: S311  a spread, not a secret
