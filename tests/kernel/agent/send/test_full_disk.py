"""The spool on a disk that is really full."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from agent.send.item import Item
from agent.send.spool import Spool


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "weir-test", str(tmp_path)], check=False, capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"mounting a small disk is not possible: {mounted.stderr.strip()}")
    yield tmp_path
    subprocess.run(["umount", "-l", str(tmp_path)], check=True)


def test_a_full_disk_costs_only_what_neither_it_nor_memory_holds(small_disk: Path) -> None:
    dropped: Counter[str] = Counter()

    def on_drop(rows: Mapping[str, int], reason: str) -> None:
        dropped[reason] += sum(rows.values())

    spool = Spool(small_disk / "spool", memory_bytes=50_000, disk_bytes=64 << 20, on_drop=on_drop)
    for n in range(600):
        spool.put(Item("logs", {"s": 1}, n.to_bytes(4, "big") + bytes(1_000), "zstd", 0))
    assert spool.disk_refused == "No space left on device"
    assert set(dropped) == {"disk_refused"}
    assert spool.count + dropped.total() == 600
    found = []
    while (item := spool.take()) is not None:
        found.append(int.from_bytes(item.body[:4], "big"))
        spool.settle(item)  # needs no room
    assert found == sorted(found)
    assert found[-1] == 599
    assert len(found) > 200
    assert spool.disk_bytes == 0
    spool.put(Item("logs", {"s": 1}, b"x", "zstd", 0))
    spool.spill()
    assert spool.disk_refused == ""
    assert spool.close() == {}
