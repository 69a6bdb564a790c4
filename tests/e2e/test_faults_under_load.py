"""Each process is killed, and what others lean on is frozen, while a client asks all the time: every request of its log is one row, nothing is doubled."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import psutil
import pytest

from tests.e2e.load import Load, Request, steady
from tests.e2e.machine import Machine
from tests.e2e.stage import Stage

PORT = 8090
AWAY_S = 60 if os.environ.get("WEIR_E2E_LONG") == "1" else 20
IN_MEMORY_S = 6.0
"""A request may be in the memory of a killed agent alone for this long: the engine's second, a batch's, the two that the spool waits, its tick's."""

pytestmark = pytest.mark.timeout(240 + 2 * AWAY_S)


@pytest.fixture(scope="module")
def load(machine: Machine, wire: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Load]:
    with steady(machine, wire, PORT, tmp_path_factory.mktemp("load")) as running:
        running.settled()
        yield running


def family(pid: int) -> list[psutil.Process]:
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


@pytest.fixture
def freeze() -> Iterator[list[psutil.Process]]:
    """Takes processes that a test stops; lets them go on, whatever happens."""
    frozen: list[psutil.Process] = []
    yield frozen
    for process in frozen:
        if process.is_running():
            process.resume()


def stop(machine: Machine, frozen: list[psutil.Process], *names: str) -> None:
    """SIGSTOP: there, but silent, which is worse than away."""
    for name in names:
        for process in family(machine.pids()[name]):
            process.suspend()
            frozen.append(process)


@pytest.mark.parametrize(
    "name",
    ["store", "ingester.flow_log", "ingester.flow_metrics", "querier", "trisolaris", "genesis", "cloud", "recorder", "tagrecorder", "postgres"],
)
def test_a_killed_process_comes_back_and_nothing_is_lost_or_doubled(machine: Machine, load: Load, name: str) -> None:
    before = machine.agent_ids()
    pid = machine.kill(name)
    machine.wait_ready(name, pid)
    machine.ensure_up()
    load.settled()
    assert machine.agent_ids() == before, "the agent was registered again"


@pytest.mark.parametrize("names", [("store",), ("ingester.flow_log",), ("postgres", "trisolaris")], ids="+".join)
def test_a_frozen_process_is_waited_for(machine: Machine, load: Load, freeze: list[psutil.Process], names: tuple[str, ...]) -> None:
    before = machine.agent_ids()
    stop(machine, freeze, *names)
    time.sleep(AWAY_S)
    for process in freeze:
        process.resume()
    machine.ensure_up()
    load.settled()
    assert machine.agent_ids() == before, "the agent was registered again"


def test_the_ledger_balances_and_what_was_acknowledged_is_what_is_stored(machine: Machine, load: Load) -> None:
    load.settled()
    (agent_id,) = machine.agent_ids()
    machine.wait(lambda: machine.acknowledged() == machine.stored(agent_id), 30, lambda: f"{machine.acknowledged()} is not {machine.stored(agent_id)}")
    machine.wait(lambda: all(row["open"] == 0 for row in machine.status().values()), 30, lambda: f"open: {machine.status()}")
    assert machine.status()["agent"]["dropped"] == {}


def test_a_killed_agent_keeps_its_id_and_what_it_had_written(machine: Machine, load: Load, freeze: list[psutil.Process]) -> None:
    before = machine.agent_ids()
    load.settled()
    stop(machine, freeze, "ingester.flow_log")
    time.sleep(10)
    killed_at = time.time()
    pid = machine.kill("agent")
    machine.wait_ready("agent", pid)
    back_at = time.time()
    time.sleep(2)
    for process in freeze:
        process.resume()
    time.sleep(3)

    def counted(request: Request) -> bool:
        return not killed_at - IN_MEMORY_S < request.time < back_at + 1

    load.compare([request for request in load.requests() if counted(request)])
    assert machine.agent_ids() == before, "the agent was registered again"


def test_at_the_end_the_rows_are_the_log(machine: Machine, load: Load) -> None:
    wanted = load.end()
    time.sleep(2)
    machine.wait(lambda: machine.waiting() == 0, 30, "rows wait")
    extra = load.rows().keys() - {(request.path, request.method, request.status) for request in wanted}
    assert extra == set()
