"""What the store can be told: WEIR_STORE_*."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from libs.boot import ProcessSettings
from libs.boot.settings import data_dir


class User(BaseModel):
    """Someone who may connect."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, description="Name, as in X-ClickHouse-User.")
    password: SecretStr = Field(SecretStr(""), description="Password; empty means none is asked for.")
    readonly: bool = Field(False, description="May only read, and may not raise the limits.")


_MIB = 1024 * 1024


class StoreSettings(ProcessSettings):
    """The embedded ClickHouse."""

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(env_prefix="WEIR_STORE_", extra="forbid", frozen=True)

    port: int = Field(8123, ge=0, le=65535, description="Port of the ClickHouse HTTP protocol, with /healthz, /readyz and /metrics; 0 picks a free one.")
    native_port: int = Field(
        0,
        ge=0,
        le=65535,
        description="Port (ClickHouse's is 9000) that only tells clients of the native protocol, and HTTP clients lost there, to use the HTTP one; 0 opens none.",
    )
    data_dir: Path = Field(default_factory=lambda: data_dir() / "clickhouse", description="Where the tables are kept; one process at a time.")
    users: tuple[User, ...] = Field(
        (User(name="default"), User(name="reader", readonly=True)),
        description='Who may connect, as JSON: [{"name": "default", "password": "…"}, {"name": "reader", "password": "…", "readonly": true}].',
    )
    users_file: Path | None = Field(None, description="A file with the same JSON; wins over WEIR_STORE_USERS.")
    max_concurrent_queries: int = Field(64, ge=2, le=1000, description="Queries at once; one more is refused with TOO_MANY_SIMULTANEOUS_QUERIES.")
    max_sessions: int = Field(1000, ge=1, description="Sessions alive at once.")
    session_timeout_s: int = Field(60, ge=1, description="How long an idle session is kept where the client does not say.")
    max_session_timeout_s: int = Field(3600, ge=1, description="The longest session_timeout a client may ask for.")
    max_body_mib: int = Field(4096, ge=1, description="Largest request body, as it comes over the wire.")
    spool_memory_mib: int = Field(
        64, ge=0, description="A request body up to this size waits in memory, a larger one in an unnamed file in the data directory."
    )
    max_memory_mib: int = Field(1024, ge=256, description="Memory of all queries, merges and caches together (max_server_memory_usage).")
    max_query_memory_mib: int = Field(700, ge=0, description="Memory of one query (max_memory_usage); 0 leaves only the bound on all together.")
    max_execution_s: float = Field(0, ge=0, description="Time limit of a query of a full user that names none, in seconds; 0 is none.")
    reader_max_memory_mib: int = Field(400, ge=16, description="Memory of one query of a read-only user, which it cannot raise.")
    reader_max_execution_s: float = Field(60, gt=0, description="Time of one query of a read-only user, which it cannot raise.")
    mark_cache_mib: int = Field(48, ge=1, description="Cache of marks.")
    uncompressed_cache_mib: int = Field(0, ge=0, description="Cache of uncompressed blocks; 0 is none.")
    background_pool_size: int = Field(2, ge=1, description="Threads that merge parts.")
    min_free_mib: int = Field(512, ge=0, description="With less free space than this /readyz says so and inserts are refused before they are tried.")
    query_log: bool = Field(
        False, description="Keeps system.query_log and session_log on disk for 7 days; without it they hold the last 4096 entries, in memory."
    )

    @property
    def asks_who_calls(self) -> bool:
        """Whether everyone who may connect has a password; those of a file are looked at when it is read."""
        return self.users_file is not None or all(user.password.get_secret_value() for user in self.users)

    @property
    def login(self) -> str:
        """The remedy."""
        return "give every user of WEIR_STORE_USERS a password"

    @model_validator(mode="after")
    def _names_are_unique(self) -> StoreSettings:
        names = [user.name for user in self.users]
        if len(names) != len(set(names)):
            message = "two users have the same name"
            raise ValueError(message)
        return self
