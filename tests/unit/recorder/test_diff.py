from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.wire import snapshot_pb2
from services.recorder.diff import Recorded, diff
from services.recorder.errors import RefusedSnapshot
from services.recorder.guard import check
from services.recorder.wanted import read

keys = st.text("abcdef", min_size=1, max_size=2)
columns = st.fixed_dictionaries({"name": st.text(max_size=2), "n": st.integers(0, 2)})


@given(st.dictionaries(keys, columns), st.dictionaries(keys, columns), st.sets(keys))
def test_applying_the_difference_gives_what_is_wanted(before: dict[str, dict[str, object]], wanted: dict[str, dict[str, object]], keep: set[str]) -> None:
    recorded = {key: Recorded(number, values) for number, (key, values) in enumerate(before.items())}
    difference = diff(recorded, wanted, keep)
    after = {key: row.values for key, row in recorded.items() if key not in difference.delete}
    assert not difference.create.keys() & recorded.keys()
    assert difference.update.keys() <= recorded.keys()
    after.update(difference.create)
    after.update(difference.update)
    kept = {key: row.values for key, row in recorded.items() if key in keep}
    assert after == {**wanted, **kept}


@given(st.dictionaries(keys, columns))
def test_equal_worlds_differ_in_nothing(world: dict[str, dict[str, object]]) -> None:
    assert not diff({key: Recorded(1, dict(values)) for key, values in world.items()}, world)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_world_or_refused(data: bytes) -> None:
    try:
        world = read(data)
    except RefusedSnapshot:
        return
    assert set(world.by_kind) >= {"vm"}


def test_a_world_without_machines_is_refused_only_where_there_were_some() -> None:
    world = read(snapshot_pb2.Resources().SerializeToString())
    check(world, {"vm": 0})
    with pytest.raises(RefusedSnapshot, match="no vm while 3"):
        check(world, {"vm": 3})


def test_a_resource_with_a_bad_value_or_an_unknown_owner_is_unclear() -> None:
    uuids = [f"00000000-0000-0000-0000-00000000000{n}" for n in range(4)]
    resources = snapshot_pb2.Resources(
        resources=[
            snapshot_pb2.Resource(kind="az", lcuuid=uuids[1], refs={"region": uuids[0]}),
            snapshot_pb2.Resource(kind="region", lcuuid=uuids[0]),
            snapshot_pb2.Resource(kind="vpc", lcuuid=uuids[2], refs={"region": uuids[3]}),
            snapshot_pb2.Resource(kind="region", lcuuid="no uuid"),
        ]
    )
    world = read(resources.SerializeToString())
    assert set(world.by_kind["az"]) == {uuids[1]}
    assert set(world.by_kind["vpc"]) == set()
    assert world.unclear == {uuids[2], "no uuid"}
