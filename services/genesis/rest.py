"""What people can look at: the sources, what each says, who reads."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, HTTPException
from google.protobuf.json_format import MessageToDict

from libs.postgres import Database
from libs.rest import rest_app
from libs.wire import agent_pb2
from libs.wire.snapshots import SnapshotServer
from services.genesis.board import KIND

_SOURCES = """SELECT source, host_id, hostname, ctrl_mac, ctrl_ip, vtap_id, version, change, first_seen_at, changed_at, seen_at, expired_at,
coalesce(octet_length(sync), 0) AS size_bytes FROM genesis.fact WHERE source > $1 ORDER BY source LIMIT $2"""


def build(database: Database, snapshots: SnapshotServer) -> FastAPI:
    """The REST side, read-only."""
    app = rest_app("Weir genesis", "Raw facts of every source: what agents say of their machines, before anything is made of it.")

    @app.get("/v1/sources")
    async def sources(after: str = "", limit: int = 1000) -> dict[str, Any]:
        """Every source that was ever heard of, expired ones included (`expired_at`)."""
        rows = await database.fetch(_SOURCES, after, min(max(limit, 1), 10_000))
        return {"sources": [dict(row) for row in rows]}

    @app.get("/v1/sources/{source}")
    async def source(source: str) -> dict[str, Any]:
        """The whole last report of one source."""
        rows = await database.fetch("SELECT source, version, changed_at, seen_at, sync FROM genesis.fact WHERE source = $1", source)
        if not rows:
            raise HTTPException(404, f"No source {source!r}; /v1/sources lists them.")
        sync = agent_pb2.GenesisSyncRequest.FromString(rows[0]["sync"] or b"")
        return {**{key: value for key, value in rows[0].items() if key != "sync"}, "sync": MessageToDict(sync, preserving_proto_field_name=True)}

    @app.get("/v1/snapshot")
    async def snapshot() -> dict[str, Any]:
        """The version that readers are given, and who reads."""
        latest = snapshots.latest(KIND)
        return {
            "kind": KIND,
            "version": latest.version if latest else 0,
            "size_bytes": len(latest.data) if latest else 0,
            "readers": [{"name": reader.name, "peer": reader.peer, "version": reader.version, "since": reader.since} for reader in snapshots.readers],
        }

    return app
