"""What recorder can be told."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from libs.boot import ProcessSettings
from libs.catalog.ports import port as default_port
from libs.postgres import shared_dsn


class RecorderSettings(ProcessSettings):
    """Settings of recorder, from `WEIR_RECORDER_*`."""

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(env_prefix="WEIR_RECORDER_", extra="forbid", frozen=True)

    port: int = Field(default_port("recorder"), ge=0, le=65535, description="Port of the REST side, with /healthz, /readyz and /metrics; 0 picks a free one.")
    postgres_dsn: str = Field(default_factory=shared_dsn, description="PostgreSQL; WEIR_POSTGRES_DSN sets it for every process.")
    cloud_address: str = Field(f"127.0.0.1:{default_port('cloud', 'grpc')}", description="host:port of cloud's gRPC side.")
    event_retention_days: int = Field(30, ge=1, description="Resource events are kept so long.")
    deleted_retention_days: int = Field(400, ge=1, description="Soft-deleted resources are kept so long; one that comes back before gets its id back.")
