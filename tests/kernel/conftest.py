"""Network namespaces with names of their own, removed at the end whatever happens."""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from collections.abc import Callable, Iterator

import pytest


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)


def _may_make_namespaces() -> str:
    if os.geteuid() != 0:
        return "making network namespaces needs root"
    if shutil.which("ip") is None:
        return "making network namespaces needs iproute2"
    tried = subprocess.run(["unshare", "--net", "true"], check=False, capture_output=True)
    return "" if tried.returncode == 0 else "this machine allows no network namespaces"


@pytest.fixture(scope="session", autouse=True)
def _kernel() -> None:
    if reason := _may_make_namespaces():
        pytest.skip(reason)


@pytest.fixture
def make_namespace() -> Iterator[Callable[[], str]]:
    made: list[str] = []

    def make() -> str:
        name = f"weir{uuid.uuid4().hex[:8]}"
        ip("netns", "add", name)
        made.append(name)
        return name

    yield make
    for name in made:
        subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)
