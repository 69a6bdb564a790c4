"""Numbered SQL files, each applied once, by the process that owns the schema."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from libs.boot.errors import StartError
from libs.boot.logs import get_logger

LOCK: Final = 0x57454952  # "WEIR": all schemas share one lock, for they are made in one database


async def migrate(connection: Any, schema: str, folder: Path) -> None:  # noqa: ANN401  asyncpg's connection and its proxy share no type
    """Brings `schema` to the newest `NNN_name.sql` in `folder`; each file is one transaction. Raises StartError where the schema is newer."""
    files = _files(folder)
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
        await connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
        await connection.execute(f'CREATE TABLE IF NOT EXISTS "{schema}".migration (number int PRIMARY KEY, name text, applied_at timestamptz DEFAULT now())')
        done = {row["number"] for row in await connection.fetch(f'SELECT number FROM "{schema}".migration')}  # noqa: S608  a constant of ours
        if done - files.keys():
            message = f"Schema {schema} has migration {max(done)}, which this version of Weir does not know: start the newer version again."
            raise StartError(message)
        for number in sorted(files.keys() - done):
            await connection.execute(files[number].read_text())
            await connection.execute(f'INSERT INTO "{schema}".migration (number, name) VALUES ($1, $2)', number, files[number].stem)  # noqa: S608  a constant of ours
            get_logger("migrations").info("applied", schema=schema, migration=files[number].stem)


def _files(folder: Path) -> dict[int, Path]:
    return {int(path.name.split("_", 1)[0]): path for path in folder.glob("*.sql")}
