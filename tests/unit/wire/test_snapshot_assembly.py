import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.wire import snapshot_pb2
from libs.wire.snapshots import Assembly, BrokenSnapshot, Snapshot, _chunks


@given(st.binary(max_size=5000), st.integers(1, 700))
def test_chunks_put_together_are_what_was_sent(data: bytes, size: int) -> None:
    assembly = Assembly("k")
    snapshots = [assembly.add(chunk) for chunk in _chunks(Snapshot("k", 7, data), size)]
    assert snapshots[-1] == Snapshot("k", 7, data)
    assert not any(snapshots[:-1])


def test_a_heartbeat_between_chunks_changes_nothing() -> None:
    first, second = _chunks(Snapshot("k", 7, b"abcd"), 2)
    assembly = Assembly("k")
    assert assembly.add(first) is None
    assert assembly.add(snapshot_pb2.SnapshotChunk(kind="k", heartbeat=True)) is None
    assert assembly.add(second) == Snapshot("k", 7, b"abcd")


@given(st.binary(min_size=3, max_size=100), st.data())
def test_a_missing_chunk_is_noticed(data: bytes, draw: st.DataObject) -> None:
    chunks = list(_chunks(Snapshot("k", 7, data), 1))
    del chunks[draw.draw(st.integers(1, len(chunks) - 2))]
    assembly = Assembly("k")
    with pytest.raises(BrokenSnapshot):
        [assembly.add(chunk) for chunk in chunks]


def test_a_flipped_byte_is_noticed() -> None:
    (chunk,) = _chunks(Snapshot("k", 7, b"abcd"), 10)
    chunk.data = b"abce"
    with pytest.raises(BrokenSnapshot, match="checksum"):
        Assembly("k").add(chunk)
