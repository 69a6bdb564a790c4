"""Tells genesis what this machine is: everything when it changes, a heartbeat otherwise."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Final

import grpc
import grpc.aio

from agent.backoff import Backoff
from agent.control.client import CHANNEL_OPTIONS, ControlClient
from agent.metrics import SYNCS
from agent.platform.facts import HostFacts
from agent.platform.identity import HostIdentity, control_interface
from libs.boot import get_logger
from libs.wire import agent_pb2 as pb
from libs.wire import agent_pb2_grpc as pb_grpc

_CALL_S: Final = 10.0
_BETWEEN_S: Final = 0.25
"""Between two full reports, however fast the machine changes."""
_MESSAGE_BYTES: Final = 16 << 20


class Reporter:
    """Sends the facts; starts when the control plane asks for them and never stops."""

    def __init__(self, identity: HostIdentity, control: ControlClient, controller: str, version: int = 0) -> None:
        self.problem = ""
        """Why genesis does not have the facts, one sentence; empty while it does."""
        self._identity = identity
        self._control = control
        self._controller = controller
        self._facts = HostFacts()
        self._version = version
        self._held_version = 0
        """What genesis has, as far as this process knows."""
        self._changed = asyncio.Event()
        self._backoff = Backoff(0.3, 10.0)
        self._interval_s = 60.0

    def report(self, facts: HostFacts) -> None:
        """These are the facts from now on."""
        self._facts = facts
        self._version = max(self._version + 1, time.time_ns() // 1_000_000)  # grows across restarts too
        self._changed.set()

    def configure(self, interval_s: float) -> None:
        """Time between two heartbeats, unless genesis asks for another."""
        self._interval_s = interval_s

    async def run(self) -> None:
        """Until cancelled."""
        await self._control.platform_enabled.wait()
        while True:
            address = self._control.standing.genesis_address
            async with grpc.aio.insecure_channel(address, options=[*CHANNEL_OPTIONS, ("grpc.max_send_message_length", _MESSAGE_BYTES)]) as channel:
                stub = pb_grpc.GenesisStub(channel)  # type: ignore[no-untyped-call]
                while self._control.standing.genesis_address == address:
                    await self._turn(stub)

    async def _turn(self, stub: pb_grpc.GenesisStub) -> None:
        """One report, and the wait until the next."""
        self._changed.clear()
        version = self._version
        request = self._request(unchanged=self._held_version == version)
        try:
            answer = await stub.GenesisSync(request, timeout=_CALL_S)
        except grpc.aio.AioRpcError as error:
            SYNCS.labels("genesis", error.code().name.lower()).inc()
            if not self.problem:
                get_logger("agent.control").warning("genesis does not take this machine's facts; they are sent again", reason=error.details())
            self.problem = f"genesis at {self._control.standing.genesis_address} does not answer ({error.code().name.lower()}): start it."
            await self._pause(self._backoff.failed())
            return
        SYNCS.labels("genesis", "ok").inc()
        self._backoff.succeeded()
        self.problem = ""
        self._held_version = 0 if answer.need_full else version
        if answer.version > version and answer.need_full:
            self._version = max(self._version, answer.version) + 1  # this machine's clock was ahead once
        if not answer.need_full and not self._changed.is_set():
            await self._pause(answer.interval_s or self._interval_s)
        await asyncio.sleep(_BETWEEN_S)

    async def _pause(self, wait_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._changed.wait()

    def _request(self, *, unchanged: bool) -> pb.GenesisSyncRequest:
        request = pb.GenesisSyncRequest() if unchanged else self._facts.report()
        own = self._facts.own
        request.ctrl_ip, request.ctrl_mac = control_interface(self._controller, own.interfaces if own else ())
        request.host_id, request.hostname, request.os = self._identity.host_id, self._identity.hostname, self._identity.os
        request.vtap_id, request.version, request.unchanged = self._control.standing.vtap_id, self._version, unchanged
        return request
