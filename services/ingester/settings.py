"""Settings of an ingester, `WEIR_INGESTER_…`. Both decoders read the same names; each process has its own environment."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import AliasChoices, Field
from pydantic_settings import SettingsConfigDict

from libs.boot import ProcessSettings, StartError, load_settings
from libs.catalog.ports import port as default_port
from services.ingester.decoders import DECODERS, Decoder

MIB = 1 << 20


class IngesterSettings(ProcessSettings):
    """What an ingester can be told."""

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(env_prefix="WEIR_INGESTER_", extra="forbid", frozen=True, populate_by_name=True)

    grpc_port: int = Field(0, ge=0, le=65535, description="Port of OTLP over gRPC; 0 picks a free one.")
    clickhouse_url: str = Field(
        "http://127.0.0.1:8123",
        validation_alias=AliasChoices("WEIR_INGESTER_CLICKHOUSE_URL", "WEIR_CLICKHOUSE_URL"),
        description="The store: http(s)://[user:password@]host:port.",
    )
    sink: Literal["clickhouse", "discard"] = Field("clickhouse", description="discard: encode blocks and throw them away. For measuring only.")
    trisolaris: str = Field(f"127.0.0.1:{default_port('trisolaris', 'grpc')}", description="host:port that serves the platform table; empty: none.")
    platform_wait_s: float = Field(3.0, ge=0, description="How long a first start waits for the platform table before rows are stored without ids, in seconds.")
    data_dir: str = Field("", description="Where the last platform table is kept; empty: ingester/<decoder> in Weir's data folder.")
    max_body_mib: int = Field(64, ge=1, le=512, description="Largest request body, as sent and decompressed.")
    max_waiting_mib: int = Field(16, ge=1, description="Request bodies held at once, being read or waiting to be decoded; a larger one is taken alone.")
    max_requests: int = Field(1024, ge=1, description="Requests between admission and answer at once.")
    max_queued: int = Field(64, ge=0, description="Requests that wait unread for room; more are refused with 429.")
    queue_wait_s: float = Field(1.0, ge=0, description="How long a request waits unread for room before it is refused with 429.")
    read_timeout_s: float = Field(30.0, gt=0, description="How long a body may take to arrive.")
    max_block_rows: int = Field(100_000, ge=1, description="Rows after which a block takes no more requests.")
    max_block_mib: int = Field(32, ge=1, description="Column bytes after which a block takes no more requests.")
    answer_timeout_s: float = Field(
        8.0, gt=0, description="How long a request waits for its block before it is answered 503. Stock exporters give up after 10 s."
    )
    insert_timeout_s: float = Field(60.0, gt=0, description="How long one insert may take before its answer counts as lost.")
    insert_compression: Literal["auto", "none", "lz4"] = Field("auto", description="auto: none to this machine, lz4 to another.")
    remembered_requests: int = Field(100_000, ge=1, description="Stored requests that are remembered, to recognise a repeated one without asking the store.")
    remember_s: int = Field(300, ge=0, description="How far back row times are loaded from the store at the start, in seconds.")
    retention_days: dict[str, int] = Field(
        default_factory=dict, description='Days that rows are kept, by table, as JSON: {"flow_log.l7_flow_log": 7}. Only what differs from the declaration.'
    )

    @property
    def max_body_bytes(self) -> int:
        """Largest body in bytes."""
        return self.max_body_mib * MIB


def settings_for(decoder: Decoder, **overrides: object) -> IngesterSettings:
    """Settings of the process that runs `decoder`, with its fixed ports where nothing is said. Raises StartError."""

    class Settings(IngesterSettings):
        port: int = Field(default_port(f"ingester.{decoder.name}"), ge=0, le=65535, description="Port of OTLP over HTTP, /healthz, /readyz and /metrics.")
        grpc_port: int = Field(default_port(f"ingester.{decoder.name}", "grpc"), ge=0, le=65535, description="Port of OTLP over gRPC; 0 picks a free one.")

    settings = load_settings(Settings, **overrides)
    known = [table.full_name for row in DECODERS for table in row.tables]
    for name, days in settings.retention_days.items():
        if days < 0 or name not in known:
            message = f"WEIR_INGESTER_RETENTION_DAYS says {name!r}: {days}; the tables are {', '.join(known)}, and days are 0 (for ever) or more."
            raise StartError(message)
    return settings
