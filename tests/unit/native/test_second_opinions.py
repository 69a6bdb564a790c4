"""What Weir reads of captures that nobody here made agrees with what another reader printed, and where it does not, somebody knows why."""

from __future__ import annotations

import pytest

from tests.opinions.compare import CASES, Compared, everything
from tests.opinions.reasons import reason

pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason=f"no captures in {CASES}")


@pytest.fixture(scope="module")
def compared() -> list[Compared]:
    return everything()


def test_each_disagreement_has_a_reason(compared: list[Compared]) -> None:
    assert [row for row in compared if row.disagreed and not reason(row)] == []


def test_what_agrees_is_most_of_it(compared: list[Compared]) -> None:
    read = [row for row in compared if "not read yet" not in reason(row)]
    agreed, disagreed = sum(row.agreed for row in read), sum(row.disagreed for row in read)
    assert agreed > 300
    assert disagreed < agreed / 10
