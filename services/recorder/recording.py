"""The leader's work: follow cloud.resources, write each difference in one transaction."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import asyncpg

from libs.boot import get_logger
from libs.postgres import unavailable
from libs.wire.snapshots import Snapshot, watch
from services.recorder import events, guard, tables
from services.recorder.diff import Columns, Difference, Recorded, diff
from services.recorder.errors import RefusedSnapshot
from services.recorder.metrics import APPLY_SECONDS, CHANGES, REFUSED, RESOURCES
from services.recorder.resources import RESOURCES as TYPES
from services.recorder.resources.contract import ResourceType
from services.recorder.wanted import Wanted, World, read

_PURGE_EVERY_S: Final = 86_400.0


class Recording:
    """One term of leadership. Keeps the live rows in memory; whatever goes wrong ends the term, and the next one loads them anew."""

    def __init__(self, connection: Any, *, event_retention_days: int, deleted_retention_days: int) -> None:  # noqa: ANN401  asyncpg's types
        self._connection = connection
        self._event_retention_days = event_retention_days
        self._deleted_retention_days = deleted_retention_days
        self._recorded: dict[str, dict[str, Recorded]] = {}
        self._purged_at = -_PURGE_EVERY_S

    async def follow(self, cloud_address: str, on_state: Callable[[str], None], on_refusal: Callable[[str], None]) -> None:
        """Applies each snapshot as it comes, for ever. Raises PostgresUnavailable. `on_refusal` hears why the latest one was not applied, else ""."""
        with unavailable():
            self._recorded = {resource_type.kind: await tables.load(self._connection, resource_type) for resource_type in TYPES}
        async for snapshot in watch(cloud_address, "cloud.resources", reader="recorder", on_state=on_state):
            try:
                with unavailable():
                    await self.apply(snapshot)
                    await self._purge()
                on_refusal("")
            except RefusedSnapshot as error:
                REFUSED.labels("refused").inc()
                get_logger("recorder").warning("snapshot refused", version=snapshot.version, reason=str(error))
                on_refusal(str(error))

    async def apply(self, snapshot: Snapshot) -> dict[str, Difference]:
        """Compares and writes one snapshot; returns what differed by kind. Raises RefusedSnapshot before anything is written."""
        with APPLY_SECONDS.time():
            return await self._apply(snapshot)

    async def _apply(self, snapshot: Snapshot) -> dict[str, Difference]:
        world = read(snapshot.data)
        guard.check(world, {kind: len(rows) for kind, rows in self._recorded.items()})
        after: dict[str, dict[str, Recorded]] = {}
        differences: dict[str, Difference] = {}
        async with self._connection.transaction():
            for resource_type in TYPES:
                recorded = self._recorded[resource_type.kind]
                wanted = self._resolve(resource_type, world, after)
                difference = diff(recorded, wanted, world.unclear)
                ids = await self._write(resource_type, difference, recorded)
                after[resource_type.kind] = _apply_to_memory(recorded, difference, ids)
                if difference:
                    differences[resource_type.kind] = difference
            await self._connection.execute(
                "INSERT INTO meta.applied (version, at) VALUES ($1, now()) ON CONFLICT (one) DO UPDATE SET version = excluded.version, at = now()",
                snapshot.version,
            )
            if differences:
                await self._connection.execute("NOTIFY meta_changed")
        self._recorded = after
        self._count(differences)
        return differences

    @staticmethod
    def _resolve(resource_type: ResourceType, world: World, known: Mapping[str, Mapping[str, Recorded]]) -> dict[str, Columns]:
        """The wanted rows with ids where there were lcuuids; what is left out here for want of its owner's row stays as it is."""
        resolved: dict[str, Columns] = {}
        for lcuuid, wanted in world.by_kind[resource_type.kind].items():
            values = dict(wanted.values)
            for ref in resource_type.refs:
                values[ref.column] = _id_of(known[ref.kind], wanted, ref.column)
            resolved[lcuuid] = {column: values[column] for column in resource_type.columns}
        return resolved

    async def _write(self, resource_type: ResourceType, difference: Difference, recorded: Mapping[str, Recorded]) -> dict[str, int]:
        ids: dict[str, int] = {}
        if difference.create:
            ids = await tables.create(self._connection, resource_type, difference.create)
        if difference.update:
            await tables.update(self._connection, resource_type, difference.update)
        if difference.delete:
            await tables.delete(self._connection, resource_type, difference.delete)
        await events.write(self._connection, events.events(resource_type.kind, difference, recorded, ids))
        return ids

    def _count(self, differences: Mapping[str, Difference]) -> None:
        for kind, difference in differences.items():
            for change in ("create", "update", "delete"):
                CHANGES.labels(kind, change).inc(len(getattr(difference, change)))
        for kind, rows in self._recorded.items():
            RESOURCES.labels(kind).set(len(rows))

    async def _purge(self) -> None:
        """Once a day; from the last type to the first, for rows refer upwards."""
        if time.monotonic() - self._purged_at < _PURGE_EVERY_S:
            return
        self._purged_at = time.monotonic()
        await events.purge(self._connection, self._event_retention_days)
        for resource_type in reversed(TYPES):
            with contextlib.suppress(asyncpg.ForeignKeyViolationError):  # something younger still belongs to one of them: another day
                await tables.purge(self._connection, resource_type, self._deleted_retention_days)


def _id_of(rows: Mapping[str, Recorded], wanted: Wanted, column: str) -> int | None:
    owner = wanted.refs.get(column)
    return rows[owner].id if owner else None


def _apply_to_memory(recorded: Mapping[str, Recorded], difference: Difference, ids: Mapping[str, int]) -> dict[str, Recorded]:
    gone = set(difference.delete)
    after = {lcuuid: row for lcuuid, row in recorded.items() if lcuuid not in gone}
    for lcuuid, values in difference.create.items():
        after[lcuuid] = Recorded(ids[lcuuid], values)
    for lcuuid, values in difference.update.items():
        after[lcuuid] = Recorded(recorded[lcuuid].id, values)
    return after
