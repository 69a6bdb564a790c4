"""The disk of the agent's spool and the store's are filled under a known load: it is said in a sentence, nothing is lost, and it goes on by itself."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import psutil
import pytest

from tests.e2e.load import Load, steady
from tests.e2e.machine import HTTP, Machine
from tests.e2e.small_disk import filled
from tests.e2e.stage import Stage

PORT = 8092

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def load(machine: Machine, wire: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Load]:
    for name in ("agent", "clickhouse"):
        if not os.path.ismount(machine.folder / name):
            pytest.skip("this machine lets nobody mount a file system")
    with steady(machine, wire, PORT, tmp_path_factory.mktemp("load")) as running:
        running.settled()
        yield running


@pytest.mark.parametrize("left_mib", [300, 0], ids=["nearly", "wholly"])
def test_a_full_store_says_so_and_takes_everything_when_there_is_room_again(machine: Machine, load: Load, left_mib: int) -> None:
    with filled(machine.folder / "clickhouse", left_mib << 20):
        machine.wait(lambda: "MiB are free" in note(machine, "store"), 30, lambda: f"the store says {note(machine, 'store')!r}")
        time.sleep(6)
        assert machine.waiting() > 0
        assert machine.query("SELECT Count(row) AS n FROM l7_flow_log")[0]["n"] > 0
    machine.ensure_up()
    load.settled()
    assert machine.status()["agent"]["dropped"] == {}


def note(machine: Machine, name: str) -> str:
    return str(next(row["note"] for row in machine.processes() if row["name"] == name))


def test_a_full_spool_is_told_and_memory_holds_the_rows(machine: Machine, load: Load) -> None:
    ingester = psutil.Process(machine.pids()["ingester.flow_log"])
    with filled(machine.folder / "agent"):
        ingester.suspend()
        try:
            machine.wait(lambda: "disk refuses" in HTTP.get("http://127.0.0.1:20440/readyz").text, 20, "the agent does not say that its disk is full")
        finally:
            ingester.resume()
    machine.ensure_up()
    load.settled()
    assert machine.status()["agent"]["dropped"] == {}
