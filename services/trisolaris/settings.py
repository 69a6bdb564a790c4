"""What trisolaris can be told."""

from __future__ import annotations

from typing import ClassVar, Final

from pydantic import BaseModel, ConfigDict, Field
from pydantic_settings import SettingsConfigDict

from libs.boot import ProcessSettings
from libs.catalog.ports import PORTS
from libs.catalog.ports import port as default_port
from libs.postgres import shared_dsn

_DECODERS: Final = ("flow_log", "flow_metrics")


class Ingester(BaseModel):
    """One ingester that agents may send to."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)

    decoder: str = Field(description="flow_log, flow_metrics …")
    otlp_http: str = Field("", description="http://host:port")
    otlp_grpc: str = Field("", description="host:port")


def _local_ingesters() -> tuple[Ingester, ...]:
    return tuple(
        Ingester(
            decoder=decoder,
            otlp_http=f"http://127.0.0.1:{default_port(f'ingester.{decoder}')}",
            otlp_grpc=f"127.0.0.1:{default_port(f'ingester.{decoder}', 'grpc')}",
        )
        for decoder in _DECODERS
    )


class TrisolarisSettings(ProcessSettings):
    """Settings of trisolaris, from `WEIR_TRISOLARIS_*`."""

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(env_prefix="WEIR_TRISOLARIS_", extra="forbid", frozen=True)

    port: int = Field(default_port("trisolaris"), ge=0, le=65535, description="Port of the REST side, with /healthz, /readyz and /metrics; 0 picks a free one.")
    grpc_port: int = Field(
        default_port("trisolaris", "grpc"), ge=0, le=65535, description="Port of the gRPC side: Sync, Push and the snapshot trisolaris.platform."
    )
    postgres_dsn: str = Field(default_factory=shared_dsn, description="PostgreSQL; WEIR_POSTGRES_DSN sets it for every process.")
    genesis_address: str = Field(f"127.0.0.1:{default_port('genesis', 'grpc')}", description="host:port of genesis as agents reach it.")
    ingesters: tuple[Ingester, ...] = Field(default_factory=_local_ingesters, description="JSON list of the ingesters agents send to, as agents reach them.")
    weir_endpoints: tuple[str, ...] = Field(
        default_factory=lambda: tuple(f"127.0.0.1:{row.number}" for row in PORTS),
        description="JSON list of host:port of Weir's own listeners; agents leave their packets out.",
    )
    retry_after_ms: int = Field(500, ge=10, le=60_000, description="When an agent that is not registered yet asks again.")
    max_agents: int = Field(50_000, ge=1, description="Agents at most; one more is refused.")
    max_pushes: int = Field(50_000, ge=1, description="Open Push streams at most.")
    seen_interval_s: float = Field(5.0, gt=0, description="How often what agents say of themselves is written to PostgreSQL.")
