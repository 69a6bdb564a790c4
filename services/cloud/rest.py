"""What people can look at: domains, platforms, the resources of the latest snapshot."""

from __future__ import annotations

from collections import Counter
from typing import Any

from fastapi import FastAPI
from google.protobuf.json_format import MessageToDict

from libs.postgres import Database
from libs.rest import rest_app
from libs.wire import snapshot_pb2
from libs.wire.snapshots import SnapshotServer
from services.cloud.catalogue import KIND, Catalogue
from services.cloud.platforms import PLATFORMS


def build(database: Database, snapshots: SnapshotServer, catalogue: Catalogue) -> FastAPI:
    """The REST side, read-only."""
    app = rest_app("Weir cloud", "Resources of every domain, as they are handed to recorder.")

    @app.get("/v1/domains")
    async def domains() -> dict[str, Any]:
        """Where resources come from."""
        return {"domains": [dict(row) for row in await database.fetch("SELECT name, lcuuid, platform, created_at FROM cloud.domain ORDER BY name")]}

    @app.get("/v1/platforms")
    async def platforms() -> dict[str, Any]:
        """What this build can turn into resources."""
        return {"platforms": [{"name": platform.name, "doc": platform.doc} for platform in PLATFORMS]}

    @app.get("/v1/snapshot")
    async def snapshot() -> dict[str, Any]:
        """The version that readers are given, how much of what is in it, and who reads."""
        latest = snapshots.latest(KIND)
        found = snapshot_pb2.Resources.FromString(latest.data).resources if latest else ()
        return {
            "kind": KIND,
            "version": latest.version if latest else 0,
            "facts_version": catalogue.facts_version,
            "resources": Counter(resource.kind for resource in found),
            "readers": [{"name": reader.name, "peer": reader.peer, "version": reader.version, "since": reader.since} for reader in snapshots.readers],
        }

    @app.get("/v1/resources")
    async def resources(kind: str = "", limit: int = 1000) -> dict[str, Any]:
        """The resources of the latest snapshot, of one kind or all."""
        latest = snapshots.latest(KIND)
        found = snapshot_pb2.Resources.FromString(latest.data).resources if latest else ()
        chosen = [resource for resource in found if kind in ("", resource.kind)]
        return {"count": len(chosen), "resources": [MessageToDict(resource, preserving_proto_field_name=True) for resource in chosen[: max(limit, 0)]]}

    return app
