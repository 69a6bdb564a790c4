"""The guide's statements are answered."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.integration.querier.conftest import Querier

GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "query.md"
STATEMENTS = re.findall(r"```sql\n(.*?)```", GUIDE.read_text(), re.DOTALL)


def test_the_guide_has_statements() -> None:
    assert len(STATEMENTS) > 5


@pytest.mark.parametrize("sql", STATEMENTS, ids=[sql[:50] for sql in STATEMENTS])
def test_statement_of_the_guide_is_answered(querier: Querier, sql: str) -> None:
    assert querier.answer(sql)["result"]["columns"]
