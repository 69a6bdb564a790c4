"""What a snapshot wants recorded, checked. Pure."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Final

from google.protobuf.message import DecodeError

from libs.wire import snapshot_pb2
from services.recorder.errors import RefusedSnapshot
from services.recorder.metrics import SKIPPED
from services.recorder.resources import RESOURCES
from services.recorder.resources.contract import ResourceType, Value

_TYPES: Final = {resource_type.kind: resource_type for resource_type in RESOURCES}
_RANKS: Final = {resource_type.kind: rank for rank, resource_type in enumerate(RESOURCES)}


@dataclass(frozen=True, slots=True)
class Wanted:
    """One resource: its own columns, and the lcuuids of what it belongs to by the column that will hold the id."""

    lcuuid: str
    values: dict[str, Value]
    refs: dict[str, str]


@dataclass(slots=True)
class World:
    """A whole snapshot by kind. `unclear` are lcuuids that were mentioned but cannot be recorded: their rows must stay as they are."""

    by_kind: dict[str, dict[str, Wanted]] = field(default_factory=lambda: {resource_type.kind: {} for resource_type in RESOURCES})
    unclear: set[str] = field(default_factory=set)


def read(data: bytes) -> World:
    """The world a snapshot of cloud.resources tells of; raises RefusedSnapshot where the bytes are none.

    A resource of an unknown kind, with an attribute that cannot be parsed, or that belongs to something unknown is left out and counted.
    """
    try:
        resources = snapshot_pb2.Resources.FromString(data).resources
    except DecodeError as error:
        message = "The snapshot is broken: its bytes are no Resources."
        raise RefusedSnapshot(message) from error
    world = World()
    for resource in sorted(resources, key=lambda resource: _RANKS.get(resource.kind, len(_RANKS))):
        resource_type = _TYPES.get(resource.kind)
        if resource_type is None:
            SKIPPED.labels("other", "unknown_kind").inc()
            continue
        try:
            wanted = _wanted(resource_type, resource)
        except ValueError:
            _skip(world, resource, "bad_value")
            continue
        if all(_known(world, ref.kind, wanted.refs.get(ref.column), required=ref.required) for ref in resource_type.refs):
            world.by_kind[resource.kind][wanted.lcuuid] = wanted
        else:
            _skip(world, resource, "unknown_owner")
    return world


def _skip(world: World, resource: snapshot_pb2.Resource, reason: str) -> None:
    SKIPPED.labels(resource.kind, reason).inc()
    world.unclear.add(resource.lcuuid)


def _known(world: World, kind: str, lcuuid: str | None, *, required: bool) -> bool:
    return lcuuid in world.by_kind[kind] if lcuuid else not required


def _wanted(resource_type: ResourceType, resource: snapshot_pb2.Resource) -> Wanted:
    values: dict[str, Value] = {"domain": resource.domain, "name": resource.name.replace("\x00", "")}
    for attribute in resource_type.attributes:
        values[attribute.column] = attribute.parse(resource.attributes.get(attribute.column, attribute.default))
    refs = {ref.column: resource.refs[ref.kind] for ref in resource_type.refs if ref.kind in resource.refs}
    return Wanted(str(uuid.UUID(resource.lcuuid)), values, refs)
