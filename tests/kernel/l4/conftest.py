"""A line that can be made bad."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.kernel.l4.line import Line, stretched

SEED = 20_777


@pytest.fixture
def line(make_namespace: Callable[[], str]) -> Iterator[Line]:
    with stretched(make_namespace, SEED) as made:
        yield made
