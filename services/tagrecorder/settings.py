"""What tagrecorder can be told."""

from __future__ import annotations

import os
from typing import ClassVar

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from libs.boot import ProcessSettings
from libs.catalog.ports import port as default_port
from libs.postgres import shared_dsn


def _clickhouse() -> str:
    return os.environ.get("WEIR_CLICKHOUSE_URL") or f"http://127.0.0.1:{default_port('store')}"


class TagrecorderSettings(ProcessSettings):
    """Settings of tagrecorder, from `WEIR_TAGRECORDER_*`."""

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(env_prefix="WEIR_TAGRECORDER_", extra="forbid", frozen=True)

    port: int = Field(
        default_port("tagrecorder"), ge=0, le=65535, description="Port of the REST side, with /healthz, /readyz and /metrics; 0 picks a free one."
    )
    postgres_dsn: str = Field(default_factory=shared_dsn, description="PostgreSQL; WEIR_POSTGRES_DSN sets it for every process.")
    clickhouse_url: str = Field(
        default_factory=_clickhouse,
        pattern=r"^https?://",
        description="http(s)://[user:password@]host:port of ClickHouse; WEIR_CLICKHOUSE_URL sets it for every process.",
    )
    compare_interval_s: float = Field(600.0, gt=0, description="How often everything is compared, whether or not something was said to have changed.")
    late_s: float = Field(3600.0, ge=0, description="A deleted resource's name stays valid so long, for rows that come late.")
    retention_days: int = Field(400, ge=1, description="Names that ended so long ago are removed.")
