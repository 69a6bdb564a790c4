"""GenesisSync over gRPC."""

from __future__ import annotations

from typing import Any

import grpc
import grpc.aio

from libs.postgres import PostgresUnavailable
from libs.wire import agent_pb2, agent_pb2_grpc
from services.genesis.errors import GenesisError
from services.genesis.facts import check
from services.genesis.ledger import Ledger
from services.genesis.metrics import SYNCS


class GenesisServicer(agent_pb2_grpc.GenesisServicer):
    """Answers only after the facts are in PostgreSQL."""

    def __init__(self, ledger: Ledger, *, interval_s: int) -> None:
        self._ledger = ledger
        self._interval_s = interval_s

    async def GenesisSync(  # noqa: N802  the name in the .proto
        self, request: agent_pb2.GenesisSyncRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> agent_pb2.GenesisSyncResponse:
        """INVALID_ARGUMENT without host_id, UNAVAILABLE while PostgreSQL is away, RESOURCE_EXHAUSTED with too many sources."""
        try:
            check(request)
            taken = await self._ledger.take(request)
        except PostgresUnavailable as error:
            SYNCS.labels("unavailable").inc()
            await context.abort(grpc.StatusCode.UNAVAILABLE, str(error))
        except GenesisError as error:
            SYNCS.labels("refused").inc()
            await context.abort(error.status, str(error))
        SYNCS.labels(taken.outcome).inc()
        return agent_pb2.GenesisSyncResponse(version=taken.version, need_full=taken.need_full, interval_s=self._interval_s)
