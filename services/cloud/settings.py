"""What cloud can be told."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from libs.boot import ProcessSettings
from libs.catalog.ports import port as default_port
from libs.postgres import shared_dsn


class CloudSettings(ProcessSettings):
    """Settings of cloud, from `WEIR_CLOUD_*`."""

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(env_prefix="WEIR_CLOUD_", extra="forbid", frozen=True)

    port: int = Field(default_port("cloud"), ge=0, le=65535, description="Port of the REST side, with /healthz, /readyz and /metrics; 0 picks a free one.")
    grpc_port: int = Field(default_port("cloud", "grpc"), ge=0, le=65535, description="Port of the gRPC side: the snapshot cloud.resources.")
    postgres_dsn: str = Field(default_factory=shared_dsn, description="PostgreSQL; WEIR_POSTGRES_DSN sets it for every process.")
    genesis_address: str = Field(f"127.0.0.1:{default_port('genesis', 'grpc')}", description="host:port of genesis's gRPC side.")
