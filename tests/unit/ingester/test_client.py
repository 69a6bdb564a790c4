from __future__ import annotations

import pytest
import urllib3
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError
from urllib3.connection import HTTPConnection

from services.ingester.errors import InDoubt, NotNow, Rejected, StoreError
from services.ingester.storage.client import Store, classify


def error(code: int, text: str = "") -> DatabaseError:
    made = DatabaseError(text or f"Code: {code}")
    made.code = code
    return made


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (error(469), Rejected),
        (error(252, "Too many parts (300)"), NotNow),
        (error(252, "Too many partitions for single INSERT block"), Rejected),
        (error(241), NotNow),
        (error(60), NotNow),
        (OperationalError("Error executing HTTP request"), InDoubt),
        (ConnectionResetError(), InDoubt),
        (ConnectionRefusedError(), NotNow),
    ],
)
def test_failure_is_one_of_three(raised: Exception, kind: type[StoreError]) -> None:
    assert type(classify(raised)) is kind


def test_code_that_nobody_knows_does_not_clearly_blame_the_rows() -> None:
    found = classify(error(99_999))
    assert isinstance(found, Rejected)
    assert not found.certain


def test_connection_that_was_never_made_is_not_in_doubt() -> None:
    cause = urllib3.exceptions.NewConnectionError(HTTPConnection("h"), "refused")
    raised = OperationalError("Error executing HTTP request")
    raised.__cause__ = urllib3.exceptions.MaxRetryError(urllib3.connectionpool.HTTPConnectionPool("h"), "/", cause)
    assert type(classify(raised)) is NotNow


def test_address_is_told_without_the_password() -> None:
    store = Store("http://weir:secret@db.example:8124", timeout_s=1)
    assert store.where == "http://db.example:8124"
    assert not store.is_local
