"""A read-only user reads, and nothing else: the engine's rights hold, not this project's reading of SQL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def target(store: Any) -> str:
    store.ok("CREATE OR REPLACE TABLE guarded (a UInt8, s String) ENGINE = MergeTree ORDER BY a")
    store.ok("INSERT INTO guarded VALUES (1, 'x')")
    return "guarded"


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO guarded VALUES (2, 'y')",
        "INSERT INTO guarded SELECT 2, 'y'",
        "ALTER TABLE guarded DELETE WHERE 1",
        "DELETE FROM guarded WHERE 1",
        "TRUNCATE TABLE guarded",
        "DROP TABLE guarded",
        "RENAME TABLE guarded TO other",
        "OPTIMIZE TABLE guarded",
        "CREATE TABLE made (a UInt8) ENGINE = Memory",
        "CREATE VIEW made AS SELECT 1",
        "CREATE DATABASE made",
        "CREATE FUNCTION made AS x -> x",
        "CREATE USER made",
        "GRANT ALL ON *.* TO default",
        "SYSTEM SHUTDOWN",
        "SYSTEM RELOAD DICTIONARIES",
        "BACKUP TABLE guarded TO File('/tmp/never')",
        "SELECT 1 PARALLEL WITH DROP TABLE guarded",
        "EXECUTE AS default SELECT 1",
        "SET ROLE ALL",
        "SET ROLE weir_full",
        "SET profile = 'default'",
        "SET readonly = 0",
        "SELECT * FROM file('/etc/passwd', 'LineAsString')",
        "SELECT * FROM `/etc/passwd`",
        "SELECT * FROM url('http://127.0.0.1/', 'LineAsString')",
        "SELECT * FROM remote('127.0.0.1', 'system', 'one')",
        "SELECT * FROM s3('http://127.0.0.1/bucket/key')",
        "CREATE TEMPORARY TABLE stolen AS SELECT * FROM file('/etc/passwd', 'LineAsString')",
        "INSERT INTO FUNCTION file('/tmp/never', 'CSV', 'a UInt8') SELECT 1",
        "INSERT INTO guarded FROM INFILE '/etc/passwd' FORMAT LineAsString",
        "SELECT 1 INTO/**/OUTFILE '/tmp/never'",
        "SELECT '\\'' INTO OUTFILE '/tmp/never'",
        "SELECT $x$ ' $x$ INTO OUTFILE '/tmp/never' -- '",
        "SELECT 1 SETTINGS readonly = 0",
        "SELECT 1 SETTINGS profile = 'default'",
        "SELECT 1 SETTINGS max_memory_usage = 0",
        "SELECT 1 SETTINGS max_memory_usage = 100000000000",
        "SELECT 1 SETTINGS max_execution_time = 0",
        "SELECT 1 SETTINGS max_execution_time = 86400",
    ],
)
@pytest.mark.parametrize("session", [None, "reader-session"])
def test_a_reader_cannot(store: Any, target: str, sql: str, session: str | None) -> None:
    params = {"user": "reader"} | ({"session_id": session} if session else {})
    assert store.post(sql, **params).status_code != 200
    assert store.ok(f"SELECT * FROM {target}", **params) == "1\tx\n"
    assert store.ok("SELECT getSetting('readonly'), currentRoles()", **params) == "2\t['weir_reader']\n"
    assert not Path("/tmp/never").exists()  # noqa: S108


@pytest.mark.parametrize(
    "params", [{"max_memory_usage": "100000000000"}, {"readonly": "0"}, {"role": "weir_full"}, {"profile": "default"}, {"max_execution_time": "0"}]
)
def test_a_reader_cannot_by_the_url_either(store: Any, params: dict[str, str]) -> None:
    assert store.post("SELECT 1", user="reader", **params).status_code != 200


def test_a_reader_can(store: Any, target: str) -> None:
    reader = {"user": "looker", "password": "l"}
    assert store.ok(f"SELECT count() FROM {target}", **reader) == "1\n"
    assert store.ok("SELECT 1", max_execution_time="5", max_threads="1", **reader) == "1\n"
    for sql in (
        "SHOW TABLES",
        f"DESCRIBE TABLE {target}",
        f"SHOW CREATE TABLE {target}",
        "EXPLAIN SELECT 1",
        f"EXISTS TABLE {target}",
        "SELECT count() FROM system.tables",
    ):
        assert store.post(sql, **reader).status_code == 200, sql
    store.ok("CREATE TEMPORARY TABLE notes (a UInt8)", session_id="looking", **reader)
    assert store.ok("SELECT count() FROM notes", session_id="looking", **reader) == "0\n"


def test_a_readers_queries_are_bounded(start_store: Any) -> None:
    store = start_store(reader_max_memory_mib="64", reader_max_execution_s="1")
    heavy = store.post("SELECT groupArray(toString(number)) FROM numbers(100000000)", user="reader")
    assert heavy.headers["x-clickhouse-exception-code"] in ("241", "159")
    slow = store.post("SELECT sum(sipHash64(number)) FROM numbers(100000000000)", user="reader")
    assert slow.headers["x-clickhouse-exception-code"] == "159"
    assert slow.status_code == 408


def test_a_denial_names_the_user(store: Any) -> None:
    assert store.post("SELECT * FROM file('/etc/passwd', 'LineAsString')", user="reader").text.startswith("Code: 497. DB::Exception: reader: ")


def test_a_client_is_told_its_own_name_and_query_id(store: Any) -> None:
    sql = "SELECT currentUser(), user() AS u, queryID(), concat(current_user ( ), '!') AS c, 'user()' AS s -- user()\n WHERE currentUser() = 'looker' FORMAT TSVWithNames"
    told = store.ok(sql, user="looker", password="l", query_id="mine")  # noqa: S106
    assert told == "currentUser()\tu\tqueryID()\tc\ts\nlooker\tlooker\tmine\tlooker!\tuser()\n"
    store.ok("CREATE OR REPLACE TABLE written_by (who String) ENGINE = MergeTree ORDER BY who")
    store.ok("INSERT INTO written_by SELECT currentUser()", user="anna", password="s3cret")  # noqa: S106
    assert store.ok("SELECT who FROM written_by") == "anna\n"
    assert store.ok("SELECT user FROM (SELECT 1 AS user)") == "1\n"
