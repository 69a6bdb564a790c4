"""`default` and `system` are what they are in a server."""

from __future__ import annotations

from typing import Any


def test_default_and_system_are_atomic(store: Any) -> None:
    assert store.ok("SELECT name, engine FROM system.databases WHERE name IN ('default', 'system') ORDER BY name") == "default\tAtomic\nsystem\tAtomic\n"
    assert store.ok("SHOW CREATE DATABASE default FORMAT RawBLOB") == "CREATE DATABASE default\nENGINE = Atomic"
    assert store.ok("SHOW CREATE TABLE system.tables").startswith("CREATE TABLE system.tables")


def test_a_tables_name_is_no_files_path(store: Any) -> None:
    answer = store.post("SELECT * FROM `/etc/passwd`")
    assert answer.headers["x-clickhouse-exception-code"] == "60"


def test_tables_swap_and_come_back_after_a_restart(start_store: Any) -> None:
    first = start_store()
    for name, value in (("one", 1), ("two", 2)):
        first.ok(f"CREATE TABLE {name} (a UInt8) ENGINE = MergeTree ORDER BY a")
        first.ok(f"INSERT INTO {name} VALUES ({value})")
    first.ok("EXCHANGE TABLES one AND two")
    first.process.terminate()
    first.process.wait(20)
    # What an earlier store left behind: the tables under a link, and no metadata of the database.
    (first.directory / "metadata" / "default.sql").unlink()
    assert (first.directory / "metadata" / "default").is_symlink()
    second = start_store(first.directory)
    assert (second.ok("SELECT a FROM one"), second.ok("SELECT a FROM two")) == ("2\n", "1\n")


def test_aggregating_tables_may_hold_plain_columns(store: Any) -> None:
    columns = "(k UInt32, plain String, last SimpleAggregateFunction(anyLast, String))"
    assert store.ok(f"CREATE TABLE IF NOT EXISTS mixed {columns} ENGINE = AggregatingMergeTree ORDER BY k") == ""
