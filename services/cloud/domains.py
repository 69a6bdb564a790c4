"""Domains and the snapshot's version, in PostgreSQL."""

from __future__ import annotations

import hashlib
from typing import Any

from libs.postgres import unavailable
from services.cloud.keys import lcuuid


async def ensure_domain(connection: Any, name: str, platform: str) -> None:  # noqa: ANN401  asyncpg's connection and its proxy share no type
    """Makes the domain where it is not there yet."""
    with unavailable():
        await connection.execute(
            "INSERT INTO cloud.domain (name, lcuuid, platform) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", name, lcuuid(name, "domain", name), platform
        )


async def version_of(connection: Any, content: bytes) -> int:  # noqa: ANN401  asyncpg's connection and its proxy share no type
    """The version of this content: the one it had, where it is what was published last, else the next one. Durable when it returns."""
    checksum = hashlib.blake2b(content, digest_size=16).hexdigest()
    with unavailable():
        version: int = await connection.fetchval(
            """UPDATE cloud.snapshot SET version = version + (checksum <> $1)::int, made_at = CASE WHEN checksum <> $1 THEN now() ELSE made_at END,
            checksum = $1 RETURNING version""",
            checksum,
        )
    return version
