"""Every row of the table of platforms has a sample: facts, and the resources they become."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from google.protobuf.json_format import MessageToDict, ParseDict

from libs.wire import agent_pb2, snapshot_pb2
from services.cloud.platforms import PLATFORMS

DATA = Path(__file__).parents[2] / "data" / "platforms"


def facts(sample: dict[str, Any]) -> snapshot_pb2.Facts:
    found = snapshot_pb2.Facts()
    for agent in sample["agents"]:
        sync = ParseDict(agent.pop("sync"), agent_pb2.GenesisSyncRequest())
        ParseDict(agent, found.agents.add()).sync = sync.SerializeToString()
    return found


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda row: row.name)
def test_facts_become_these_resources(platform: Any) -> None:
    folder = DATA / platform.name
    found = platform.resources("default", facts(orjson.loads((folder / "facts.json").read_bytes())))
    assert [MessageToDict(resource, preserving_proto_field_name=True) for resource in found] == orjson.loads((folder / "resources.json").read_bytes())


def test_there_is_no_sample_of_what_does_not_exist() -> None:
    assert {folder.name for folder in DATA.iterdir()} == {platform.name for platform in PLATFORMS}
