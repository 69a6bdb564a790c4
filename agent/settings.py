"""What an agent can be told by its environment (WEIR_AGENT_…). The rest of its configuration comes from the control plane."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from libs.boot.settings import ProcessSettings, data_dir
from libs.catalog.ports import port as usual_port


class AgentSettings(ProcessSettings):
    """Settings of one agent."""

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(env_prefix="WEIR_AGENT_", extra="forbid", frozen=True)

    port: int = Field(usual_port("agent"), ge=0, le=65535, description="Port of /healthz, /readyz and /metrics; 0 picks a free one.")
    controller: str = Field(f"127.0.0.1:{usual_port('trisolaris', 'grpc')}", description="host:port of trisolaris' gRPC side.")
    state_dir: Path = Field(default_factory=lambda: data_dir() / "agent", description="Folder for unsent batches and for what the control plane said last.")
    protocols_dir: Path = Field(Path("/etc/weir/protocols"), description="Folder with the Python files that `l7.custom` names.")
    group: str = Field("", description="Id of the group this agent asks to join; empty for the default one.")
    host_id: str = Field("", max_length=256, description="Stable id of this machine; empty to take /etc/machine-id.")
    hostname: str = Field("", max_length=256, description="Name of this machine; empty to ask the kernel.")
    spool_memory_mib: int = Field(8, ge=1, le=4096, description="Unsent batches per ingester that are kept in memory before they go to disk.")
    held_mib: int = Field(48, ge=1, le=4096, description="Rows kept in memory while this agent is not registered yet; the oldest go first and are counted.")
    requests_in_flight: int = Field(3, ge=1, le=16, description="Requests per ingester that wait for their answers at once.")
    limit_window_s: float = Field(5.0, gt=0, le=60, description="How often the agent compares its use of CPU and memory with its limits.")
