"""The logs say what clients asked, under the names that clients know."""

from __future__ import annotations

from typing import Any

import orjson

_ONE = "SELECT * FROM system.query_log WHERE query_id = {id:String} FORMAT JSONEachRow"


def _logged(store: Any, query_id: str) -> dict[str, Any]:
    return dict(orjson.loads(store.ok(_ONE, param_id=query_id)))


def test_a_query_is_in_the_log_as_soon_as_its_answer_is_there(store: Any) -> None:
    store.ok("SELECT number FROM numbers(7)", query_id="logged-1", user="reader", database="system", log_comment="why")
    row = _logged(store, "logged-1")
    assert (row["type"], row["query"], row["query_kind"]) == ("QueryFinish", "SELECT number FROM numbers(7)", "Select")
    assert (row["user"], row["initial_query_id"], row["current_database"], row["log_comment"]) == ("reader", "logged-1", "system", "why")
    assert (row["result_rows"], row["exception_code"], row["interface"], row["http_method"]) == (7, 0, 2, 2)
    assert row["address"] == "::ffff:127.0.0.1"
    assert row["http_user_agent"].startswith("python-httpx/")


def test_a_failure_is_logged_with_its_code(store: Any) -> None:
    store.post("SELECT throwIf(1, 'now')", query_id="logged-2")
    store.post("SELEC 1", query_id="logged-3")
    late, early = _logged(store, "logged-2"), _logged(store, "logged-3")
    assert (late["type"], late["exception_code"]) == ("ExceptionWhileProcessing", 395)
    assert "now" in late["exception"]
    assert (early["type"], early["exception_code"], early["query"]) == ("ExceptionBeforeStart", 62, "SELEC 1")


def test_the_data_of_an_insert_are_not_logged(store: Any) -> None:
    store.ok("CREATE OR REPLACE TABLE logged (a String) ENGINE = MergeTree ORDER BY a")
    store.ok("INSERT INTO logged FORMAT TSV\nsecret\nwords\n", query_id="logged-4")
    row = _logged(store, "logged-4")
    assert row["query"] == "INSERT INTO logged FORMAT TSV\n"
    assert (row["query_kind"], row["written_rows"]) == ("Insert", 2)


def test_a_client_may_ask_not_to_be_logged(store: Any) -> None:
    store.ok("SELECT 1", query_id="logged-5", log_queries="0")
    store.ok("SYSTEM FLUSH LOGS")
    assert store.ok("SELECT count() FROM system.query_log WHERE query_id = 'logged-5'") == "0\n"


def test_sessions_and_refusals_are_in_the_session_log(store: Any) -> None:
    store.ok("SELECT 1", session_id="logged-6", user="anna", password="s3cret")  # noqa: S106
    store.ok("SELECT 1", session_id="logged-6", user="anna", password="s3cret")  # noqa: S106
    store.post("SELECT 1", user="mallory")
    found = store.ok("SELECT type, session_id, user FROM system.session_log WHERE session_id = 'logged-6' OR user = 'mallory' ORDER BY user")
    assert found == "LoginSuccess\tlogged-6\tanna\nLoginFailure\t\tmallory\n"


def test_a_reader_cannot_change_the_log(store: Any) -> None:
    assert store.post("TRUNCATE TABLE system.query_log", user="reader").status_code != 200
    assert store.post("INSERT INTO system.query_log (query_id) VALUES ('forged')", user="reader").status_code != 200


def test_a_log_on_disk_outlives_the_process(start_store: Any) -> None:
    first = start_store(query_log="true")
    first.ok("SELECT 1", query_id="kept")
    first.process.terminate()
    first.process.wait(20)
    second = start_store(first.directory, query_log="true")
    assert second.ok("SELECT user FROM system.query_log WHERE query_id = 'kept'") == "default\n"
