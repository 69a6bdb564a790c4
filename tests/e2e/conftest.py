"""Every test here runs in a network namespace of its own, so that the default ports are free and all traffic is the test's own."""

from __future__ import annotations

import ctypes
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.machine import Machine
from tests.e2e.small_disk import small_disk
from tests.e2e.stage import Stage, stage

_CLONE_NEWNET: Final = 0x40000000


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.geteuid() != 0:
        for item in items:
            item.add_marker(pytest.mark.skip(reason="needs root: makes network namespaces and captures packets"))


@pytest.fixture(scope="session")
def own_network() -> None:
    """Moves this process, and every child, into a fresh network namespace with loopback up."""
    from pyroute2 import IPRoute  # noqa: PLC0415

    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNET):
        pytest.skip("this machine lets nobody make a network namespace")
    with IPRoute() as here:
        here.link("set", index=here.link_lookup(ifname="lo")[0], state="up")


@pytest.fixture(scope="session")
def only_machine(own_network: None, request: pytest.FixtureRequest) -> Iterator[Machine]:  # noqa: ARG001  the order matters, not the value
    """Weir, once for all modules: a start takes longer than most tests. Agent and store have small disks of their own, which a test can fill."""
    folder = Path(tempfile.mkdtemp(prefix="weir-e2e-"))
    built = Machine(folder)
    with small_disk(folder / "agent", mib=32), small_disk(folder / "clickhouse", mib=1536):
        try:
            yield built
        finally:
            built.down()
            if request.session.testsfailed:
                print(f"\nlogs of the failed run: {folder / 'logs'}")  # noqa: T201
    if not request.session.testsfailed:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def machine(only_machine: Machine) -> Machine:
    """Weir, up and ready, with whatever the modules before left in it."""
    only_machine.ensure_up()
    return only_machine


@pytest.fixture(scope="session")
def wire(only_machine: Machine) -> Iterator[Stage]:
    """The two namespaces, known to Weir by name before the first packet."""
    only_machine.ensure_up()
    with stage("e2e") as built:
        only_machine.wait(lambda: built.server in only_machine.names(), 30, "the namespaces were not learnt")
        time.sleep(2)
        yield built
