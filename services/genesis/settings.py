"""What genesis can be told."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from libs.boot import ProcessSettings
from libs.catalog.ports import port as default_port
from libs.postgres import shared_dsn


class GenesisSettings(ProcessSettings):
    """Settings of genesis, from `WEIR_GENESIS_*`."""

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(env_prefix="WEIR_GENESIS_", extra="forbid", frozen=True)

    port: int = Field(default_port("genesis"), ge=0, le=65535, description="Port of the REST side, with /healthz, /readyz and /metrics; 0 picks a free one.")
    grpc_port: int = Field(default_port("genesis", "grpc"), ge=0, le=65535, description="Port of the gRPC side: GenesisSync and the snapshot genesis.facts.")
    postgres_dsn: str = Field(default_factory=shared_dsn, description="PostgreSQL; WEIR_POSTGRES_DSN sets it for every process.")
    expire_s: float = Field(300.0, gt=0, description="Facts of a source that has been silent for so long are dropped.")
    interval_s: int = Field(60, ge=1, description="How often a source is asked to say that nothing has changed.")
    max_sources: int = Field(50_000, ge=1, description="Sources kept at most; one more is refused.")
