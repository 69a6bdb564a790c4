"""Agents, groups, configurations and the platform table, for people."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import BaseModel, ConfigDict

from libs.catalog.agent_config import AgentConfig
from libs.rest import rest_app
from libs.wire.snapshots import SnapshotServer
from services.trisolaris.agents import Agents
from services.trisolaris.errors import BadRequest, TrisolarisError
from services.trisolaris.groups import Groups
from services.trisolaris.platform import Platform


class AgentChange(BaseModel):
    """What can be changed of an agent; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = None
    state: Literal["enabled", "disabled"] | None = None
    vtap_group_id: str | None = None


class NewGroup(BaseModel):
    """A group to be made; without an id it gets one."""

    model_config = ConfigDict(extra="forbid")

    name: str
    id: str = ""


class GroupName(BaseModel):
    """A group's new name."""

    model_config = ConfigDict(extra="forbid")

    name: str


def build(agents: Agents, groups: Groups, platform: Platform, snapshots: SnapshotServer) -> FastAPI:
    """The REST side."""
    app = rest_app("Weir trisolaris", "Agents, their groups and configurations, and the platform table that ingesters are given.")

    @app.exception_handler(TrisolarisError)
    async def refuse(_request: Request, error: TrisolarisError) -> JSONResponse:
        return JSONResponse({"error": str(error)}, error.http)

    _agents(app, agents)
    _groups(app, groups)
    _configs(app, groups)

    @app.get("/v1/platform")
    async def table() -> dict[str, Any]:
        """Version and size of the platform table, and who reads it."""
        readers = [{"name": reader.name, "peer": reader.peer, "version": reader.version, "since": reader.since} for reader in snapshots.readers]
        return {"version": platform.version, "rows": platform.rows, "readers": readers}

    return app


def _agents(app: FastAPI, agents: Agents) -> None:
    @app.get("/v1/agents")
    async def list_agents(after: int = 0, limit: int = 1000) -> dict[str, Any]:
        """Every agent that ever registered, in the order of ids."""
        return {"items": await agents.list(after, min(max(limit, 1), 10_000))}

    @app.get("/v1/agents/{vtap_id}")
    async def get_agent(vtap_id: int) -> dict[str, Any]:
        """One agent."""
        return await agents.get(vtap_id)

    @app.patch("/v1/agents/{vtap_id}")
    async def change_agent(vtap_id: int, change: AgentChange) -> dict[str, Any]:
        """Another name, state or group; the agent is told at once."""
        return await agents.change(vtap_id, name=change.name, state=change.state, group=change.vtap_group_id)

    @app.delete("/v1/agents/{vtap_id}", status_code=204)
    async def delete_agent(vtap_id: int) -> None:
        """Forgets an agent; one that still runs registers again, with another id."""
        await agents.delete(vtap_id)


def _groups(app: FastAPI, groups: Groups) -> None:
    @app.get("/v1/groups")
    async def list_groups() -> dict[str, Any]:
        """All groups."""
        return {"items": await groups.list()}

    @app.post("/v1/groups", status_code=201)
    async def create_group(new: NewGroup) -> dict[str, Any]:
        """A new group, configured like the default group."""
        return await groups.create(new.name, new.id)

    @app.get("/v1/groups/{group}")
    async def get_group(group: str) -> dict[str, Any]:
        """One group."""
        return await groups.get(group)

    @app.patch("/v1/groups/{group}")
    async def rename_group(group: str, change: GroupName) -> dict[str, Any]:
        """Another name."""
        return await groups.rename(group, change.name)

    @app.delete("/v1/groups/{group}", status_code=204)
    async def delete_group(group: str) -> None:
        """Removes a group; its agents belong to the default group then."""
        await groups.delete(group)


def _configs(app: FastAPI, groups: Groups) -> None:
    @app.get("/v1/groups/{group}/config", response_class=PlainTextResponse)
    async def get_config(group: str) -> Response:
        """The group's configuration, YAML; `X-Config-Version` has its version."""
        version, yaml = await groups.config(group)
        return Response(yaml, media_type="application/yaml", headers={"X-Config-Version": str(version)})

    @app.put("/v1/groups/{group}/config")
    async def put_config(group: str, request: Request) -> dict[str, Any]:
        """Takes a YAML configuration and pushes it to the group's agents at once; 400 names what is wrong with it."""
        try:
            yaml = (await request.body()).decode()
        except UnicodeDecodeError as error:
            message = "A configuration is UTF-8 text."
            raise BadRequest(message) from error
        return {"version": await groups.configure(group, yaml)}

    @app.get("/v1/agent-config/schema")
    async def schema() -> dict[str, Any]:
        """JSON schema of a configuration."""
        return AgentConfig.model_json_schema()

    @app.get("/v1/agent-config/default")
    async def default() -> dict[str, Any]:
        """Every key with its default."""
        return AgentConfig().model_dump(mode="json")
