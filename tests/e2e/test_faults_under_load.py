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


def ledger(machine: Machine, agent_id: int) -> str:
    """What is wrong with the ledger, empty where nothing is: what the agent was told is stored is stored, and nobody has rows that are unaccounted for."""
    told, stored, status = machine.acknowledged(), machine.stored(agent_id), machine.status()
    open_rows = {name: row["open"] for name, row in status.items() if row["open"]}
    wrong = [f"the agent was told of {told}, and stored are {stored}"] if told != stored else []
    return "; ".join([*wrong, *([f"unaccounted for: {open_rows}"] if open_rows else [])])


def assert_exact(machine: Machine, load: Load) -> None:
    """Nothing lost, nothing doubled, nobody registered again, and the books say so."""
    load.settled()
    (agent_id,) = machine.agent_ids()
    assert agent_id == 1, "the agent was registered again"
    machine.wait(lambda: ledger(machine, agent_id) == "", 30, lambda: ledger(machine, agent_id))
    assert machine.status()["agent"]["dropped"] == {}


@pytest.mark.parametrize(
    "name",
    ["store", "ingester.flow_log", "ingester.flow_metrics", "querier", "trisolaris", "genesis", "cloud", "recorder", "tagrecorder", "postgres"],
)
def test_a_killed_process_comes_back_and_nothing_is_lost_or_doubled(machine: Machine, load: Load, name: str) -> None:
    pid = machine.kill(name)
    machine.wait_ready(name, pid)
    machine.ensure_up()
    assert_exact(machine, load)


@pytest.mark.parametrize("names", [("store",), ("ingester.flow_log",), ("postgres", "trisolaris")], ids="+".join)
def test_a_frozen_process_is_waited_for(machine: Machine, load: Load, freeze: list[psutil.Process], names: tuple[str, ...]) -> None:
    stop(machine, freeze, *names)
    time.sleep(AWAY_S)
    for process in freeze:
        process.resume()
    machine.ensure_up()
    assert_exact(machine, load)


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
