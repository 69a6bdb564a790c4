"""What the querier can be told: WEIR_QUERIER_*."""

from __future__ import annotations

import os
from typing import ClassVar

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from libs.boot import ProcessSettings
from libs.catalog.ports import port


def _clickhouse() -> str:
    return os.environ.get("WEIR_CLICKHOUSE_URL") or f"http://127.0.0.1:{port('store')}"


class QuerierSettings(ProcessSettings):
    """The process that answers questions."""

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(env_prefix="WEIR_QUERIER_", extra="forbid", frozen=True)

    port: int = Field(port("querier"), ge=0, le=65535, description="Port of the REST side, with /healthz, /readyz and /metrics; 0 picks a free one.")
    token: SecretStr = Field(SecretStr(""), description="Bearer token that every request must carry. Needed where the address is not loopback.")
    clickhouse_url: str = Field(
        default_factory=_clickhouse,
        pattern=r"^https?://",
        description="ClickHouse over HTTP; WEIR_CLICKHOUSE_URL says it for every process. A user and password in it are taken off and win over the next two.",
    )
    clickhouse_user: str = Field("reader", description="User of ClickHouse; needs no more than SELECT, SHOW and dictGet.")
    clickhouse_password: SecretStr = Field(SecretStr(""), description="That user's password.")
    connections: int = Field(16, ge=1, le=1000, description="Connections to ClickHouse, so questions that run at once; one more waits.")
    default_limit: int = Field(10_000, ge=1, description="Rows of an answer where the statement has no LIMIT.")
    max_rows: int = Field(10_000_000, ge=1, description="The largest LIMIT that is accepted.")
    max_time_s: int = Field(30, ge=1, description="Time that one question may take in ClickHouse, in seconds.")
    max_memory_mib: int = Field(400, ge=16, description="Memory that one question may take in ClickHouse.")
    max_rows_to_read: int = Field(0, ge=0, description="Rows that one question may read; 0 sets no bound but that of time.")
    names_refresh_s: float = Field(5.0, gt=0, description="How often to look which dictionaries of names exist, in seconds.")
    cache_entries: int = Field(1024, ge=0, description="Translated statements that are kept.")

    @property
    def asks_who_calls(self) -> bool:
        """Whether a token is asked for."""
        return bool(self.token.get_secret_value())

    @property
    def login(self) -> str:
        """The remedy."""
        return "set WEIR_QUERIER_TOKEN"
