"""Every row of the table of resource types has a sample: a resource as cloud gives it, and the row it becomes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from google.protobuf.json_format import ParseDict

from libs.wire import snapshot_pb2
from services.recorder.resources import RESOURCES
from services.recorder.wanted import World, read

DATA = Path(__file__).parents[2] / "data" / "resources"


def sample(kind: str, file: str) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads((DATA / kind / file).read_bytes())
    return found


def world() -> World:
    resources = [ParseDict(sample(resource_type.kind, "resource.json"), snapshot_pb2.Resource()) for resource_type in RESOURCES]
    return read(snapshot_pb2.Resources(resources=resources).SerializeToString())


@pytest.mark.parametrize("resource_type", RESOURCES, ids=lambda row: row.kind)
def test_a_resource_becomes_its_row(resource_type: Any) -> None:
    resource, row = sample(resource_type.kind, "resource.json"), sample(resource_type.kind, "row.json")
    wanted = world().by_kind[resource_type.kind][resource["lcuuid"]]
    assert {**wanted.values, **wanted.refs} == row
    assert set(row) == set(resource_type.columns)


def test_there_is_no_sample_of_what_does_not_exist() -> None:
    assert {folder.name for folder in DATA.iterdir()} == {resource_type.kind for resource_type in RESOURCES}
