"""Sync and Push over gRPC."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

import grpc
import grpc.aio

from libs.postgres import PostgresUnavailable
from libs.wire import agent_pb2, agent_pb2_grpc
from services.trisolaris.errors import TooManyAgents, TrisolarisError
from services.trisolaris.identity import Identity, identify
from services.trisolaris.metrics import PUSHED, PUSHES, SYNCS
from services.trisolaris.registrar import Registrar
from services.trisolaris.registry import Registry, Vtap
from services.trisolaris.settings import TrisolarisSettings

_LOOK_AGAIN_S: Final = 30.0
"""A Push looks for itself now and then, should it have been told nothing."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every answer says, whoever asks."""

    genesis_address: str
    ingesters: tuple[agent_pb2.IngesterEndpoint, ...]
    weir_endpoints: tuple[agent_pb2.WeirEndpoint, ...]
    retry_after_ms: int

    @classmethod
    def of(cls, settings: TrisolarisSettings) -> Surroundings:
        """From the settings; raises ValueError for an endpoint that is not host:port."""
        endpoints = []
        for text in settings.weir_endpoints:
            address, _, number = text.rpartition(":")
            endpoints.append(agent_pb2.WeirEndpoint(address=address.strip("[]"), port=int(number)))
        ingesters = tuple(agent_pb2.IngesterEndpoint(**ingester.model_dump()) for ingester in settings.ingesters)
        return cls(settings.genesis_address, ingesters, tuple(endpoints), settings.retry_after_ms)


class Synchronizer(agent_pb2_grpc.SynchronizerServicer):
    """INVALID_ARGUMENT without host_id, UNAVAILABLE for an unknown agent while PostgreSQL is away, RESOURCE_EXHAUSTED with too many agents."""

    def __init__(self, registry: Registry, registrar: Registrar, surroundings: Surroundings, *, max_pushes: int) -> None:
        self._registry = registry
        self._registrar = registrar
        self._surroundings = surroundings
        self._max_pushes = max_pushes
        self._pushes = 0

    async def Sync(  # noqa: N802  the name in the .proto
        self, request: agent_pb2.SyncRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> agent_pb2.SyncResponse:
        """Who am I?"""
        async with self._refusing(context):
            identity = identify(request)
            vtap = await self._recognise(identity, request)
            if vtap is not None:
                await self._registrar.note(vtap, identity, request)
                vtap = self._registry.vtaps.get(vtap.id, vtap)
            response = self._answer(vtap, request.config_version)
        SYNCS.labels(agent_pb2.SyncStatus.Name(response.status).removeprefix("SYNC_STATUS_").lower()).inc()
        return response

    async def Push(  # noqa: N802  the name in the .proto
        self, request: agent_pb2.SyncRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> AsyncIterator[agent_pb2.SyncResponse]:
        """The answer at once, and each time it changes."""
        async with self._refusing(context):
            identity = identify(request)
            if self._pushes >= self._max_pushes:
                message = f"{self._max_pushes} agents are connected already; another replica may have room."
                raise TooManyAgents(message)
        self._pushes += 1
        PUSHES.set(self._pushes)
        try:
            running, last = request.config_version, None
            while True:
                changed = self._registry.changed
                async with self._refusing(context):
                    vtap = await self._recognise(identity, request)
                    response = self._answer(vtap, running)
                essence = agent_pb2.SyncResponse()
                essence.CopyFrom(response)
                essence.ClearField("config_yaml")
                if essence != last:
                    PUSHED.inc(last is not None)
                    running, last = response.config_version, essence
                    yield response
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_AGAIN_S):
                        await changed.wait()
        finally:
            self._pushes -= 1
            PUSHES.set(self._pushes)

    @contextlib.asynccontextmanager
    async def _refusing(self, context: grpc.aio.ServicerContext[Any, Any]) -> AsyncIterator[None]:
        try:
            yield
        except PostgresUnavailable as error:
            SYNCS.labels("unavailable").inc()
            await context.abort(grpc.StatusCode.UNAVAILABLE, str(error))
        except TrisolarisError as error:
            SYNCS.labels("bad").inc()
            await context.abort(error.status, str(error))

    async def _recognise(self, identity: Identity, request: agent_pb2.SyncRequest) -> Vtap | None:
        if not self._registry.is_loaded:
            message = "The agents have not been read from PostgreSQL yet; ask again."
            raise PostgresUnavailable(message)
        return self._registry.find(identity) or await self._registrar.register(identity, request)

    def _answer(self, vtap: Vtap | None, runs_version: int) -> agent_pb2.SyncResponse:
        around = self._surroundings
        if vtap is None:
            return agent_pb2.SyncResponse(
                status=agent_pb2.SYNC_STATUS_UNKNOWN,
                platform_enabled=True,
                genesis_address=around.genesis_address,
                retry_after_ms=around.retry_after_ms,
                weir_endpoints=around.weir_endpoints,
                message="This machine is not recorded yet: send its facts to genesis and ask again.",
            )
        config = self._registry.config(vtap.vtap_group_id)
        if vtap.state == "disabled":
            return agent_pb2.SyncResponse(
                status=agent_pb2.SYNC_STATUS_REFUSED,
                vtap_id=vtap.id,
                sync_interval_s=config.sync_interval_s,
                message=f"Agent {vtap.id} ({vtap.name}) is disabled; PATCH /v1/agents/{vtap.id} with state=enabled lets it work again.",
            )
        return agent_pb2.SyncResponse(
            status=agent_pb2.SYNC_STATUS_OK,
            vtap_id=vtap.id,
            vpc_id=vtap.vpc_id,
            platform_enabled=True,
            genesis_address=around.genesis_address,
            ingesters=around.ingesters,
            config_version=config.version,
            config_yaml="" if config.version == runs_version else config.yaml,
            sync_interval_s=config.sync_interval_s,
            vtap_group_id=vtap.vtap_group_id,
            weir_endpoints=around.weir_endpoints,
        )
