"""Writes to the tables of schema meta: one statement per kind and change, whatever the number of rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from services.recorder.diff import Columns, Recorded
from services.recorder.resources.contract import ResourceType

# The names that are put into these statements come from services/recorder/resources, never from data.
# ruff: noqa: S608


async def load(connection: Any, resource_type: ResourceType) -> dict[str, Recorded]:  # noqa: ANN401  asyncpg's connection and its proxy share no type
    """The live rows of a type by lcuuid."""
    columns = ", ".join(resource_type.columns)
    rows = await connection.fetch(f"SELECT lcuuid::text, id, {columns} FROM meta.{resource_type.kind} WHERE deleted_at IS NULL")
    return {row["lcuuid"]: Recorded(row["id"], {column: row[column] for column in resource_type.columns}) for row in rows}


async def create(connection: Any, resource_type: ResourceType, rows: Mapping[str, Columns]) -> dict[str, int]:  # noqa: ANN401
    """Inserts rows, or brings soft-deleted ones back with their old ids; returns ids by lcuuid."""
    columns = ", ".join(resource_type.columns)
    assignments = ", ".join(f"{column} = excluded.{column}" for column in resource_type.columns)
    revived = await connection.fetch(
        f"""UPDATE meta.{resource_type.kind} AS t SET ({columns}) = ({_columns("r", resource_type)}), deleted_at = NULL, updated_at = now()
        FROM jsonb_populate_recordset(NULL::meta.{resource_type.kind}, $1) AS r WHERE t.lcuuid = r.lcuuid RETURNING t.lcuuid::text, t.id""",
        _records(rows),
    )
    ids: dict[str, int] = {row["lcuuid"]: row["id"] for row in revived}
    new = {lcuuid: values for lcuuid, values in rows.items() if lcuuid not in ids}
    if new:
        inserted = await connection.fetch(
            f"""INSERT INTO meta.{resource_type.kind} (lcuuid, {columns})
            SELECT lcuuid, {columns} FROM jsonb_populate_recordset(NULL::meta.{resource_type.kind}, $1)
            ON CONFLICT (lcuuid) DO UPDATE SET {assignments}, deleted_at = NULL, updated_at = now() RETURNING lcuuid::text, id""",
            _records(new),
        )
        ids |= {row["lcuuid"]: row["id"] for row in inserted}
    return ids


async def update(connection: Any, resource_type: ResourceType, rows: Mapping[str, Columns]) -> None:  # noqa: ANN401
    """Overwrites the compared columns of live rows."""
    columns = ", ".join(resource_type.columns)
    await connection.execute(
        f"""UPDATE meta.{resource_type.kind} AS t SET ({columns}) = ({_columns("r", resource_type)}), updated_at = now()
        FROM jsonb_populate_recordset(NULL::meta.{resource_type.kind}, $1) AS r WHERE t.lcuuid = r.lcuuid""",
        _records(rows),
    )


async def delete(connection: Any, resource_type: ResourceType, lcuuids: Iterable[str]) -> None:  # noqa: ANN401
    """Marks rows as deleted."""
    await connection.execute(
        f"UPDATE meta.{resource_type.kind} SET deleted_at = now(), updated_at = now() WHERE lcuuid = ANY($1::uuid[]) AND deleted_at IS NULL", list(lcuuids)
    )


async def purge(connection: Any, resource_type: ResourceType, days: int) -> None:  # noqa: ANN401
    """Removes rows that were deleted more than `days` ago."""
    await connection.execute(f"DELETE FROM meta.{resource_type.kind} WHERE deleted_at < now() - make_interval(days => $1)", days)


def _columns(alias: str, resource_type: ResourceType) -> str:
    return ", ".join(f"{alias}.{column}" for column in resource_type.columns)


def _records(rows: Mapping[str, Columns]) -> list[dict[str, Any]]:
    return [{"lcuuid": lcuuid, **values} for lcuuid, values in rows.items()]
