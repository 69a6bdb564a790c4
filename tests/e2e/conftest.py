"""Every test here runs in a network namespace of its own, so that the default ports are free and all traffic is the test's own."""

from __future__ import annotations

import ctypes
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.machine import Machine

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


@pytest.fixture(scope="module")
def machine(own_network: None, request: pytest.FixtureRequest) -> Iterator[Machine]:  # noqa: ARG001  the order matters, not the value
    """Weir, up on this machine with an empty data folder; stopped, and its folder removed, after the module."""
    folder = Path(tempfile.mkdtemp(prefix="weir-e2e-"))
    built = Machine(folder)
    try:
        built.up()
        yield built
    finally:
        built.down()
        if request.session.testsfailed:
            print(f"\nlogs of the failed run: {folder / 'logs'}")  # noqa: T201
        else:
            shutil.rmtree(folder, ignore_errors=True)
