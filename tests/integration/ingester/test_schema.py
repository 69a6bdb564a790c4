"""The tables in the store against the declaration."""

from __future__ import annotations

import pytest

from libs.tables import TABLES
from libs.tables.flow_log import L7_FLOW_LOG
from tests.integration.ingester.processes import Body, Make, Store


@pytest.mark.parametrize("decoder", ["flow_log", "flow_metrics"])
def test_every_table_is_made_as_declared(make_ingester: Make, bare_store: Store, decoder: str) -> None:
    make_ingester(decoder)
    for table in TABLES:
        if table.database == decoder:
            described = [(row[0], row[1]) for row in bare_store.ask(f"DESCRIBE TABLE {table.sql_name} FORMAT TabSeparatedRaw")]
            assert described == [(column.name, column.kind.value) for column in table.columns]


def test_missing_column_is_added(make_ingester: Make, bare_store: Store, body: Body) -> None:
    make_ingester().kill()
    bare_store.ask("ALTER TABLE flow_log.l7_flow_log DROP COLUMN request_type")
    assert make_ingester().post(body()).status_code == 200
    assert bare_store.ask("SELECT DISTINCT request_type FROM flow_log.l7_flow_log") == [["GET"]]


def test_column_of_another_type_stops_the_start_with_a_sentence(make_ingester: Make, bare_store: Store) -> None:
    make_ingester().kill()
    bare_store.ask("ALTER TABLE flow_log.l7_flow_log MODIFY COLUMN response_code String")
    ingester = make_ingester(wait_for="")
    assert ingester.exit_code() == 3
    said = ingester.log.read_text()
    assert "Column response_code of table flow_log.l7_flow_log" in said
    assert "is String, but Weir writes Int32" in said


def test_retention_is_a_setting(make_ingester: Make, bare_store: Store) -> None:
    make_ingester().kill()
    ttl = f"toIntervalDay({L7_FLOW_LOG.ttl_days})"
    query = "SELECT create_table_query FROM system.tables WHERE database = 'flow_log' AND name = 'l7_flow_log'"
    assert ttl in bare_store.ask(query)[0][0]
    make_ingester(retention_days='{"flow_log.l7_flow_log": 9}').kill()
    assert "toIntervalDay(9)" in bare_store.ask(query)[0][0]
    make_ingester(retention_days='{"flow_log.l7_flow_log": 0}')
    kept_for_ever = bare_store.ask(query)[0][0]
    assert "toIntervalDay" not in kept_for_ever
    assert "RECOMPRESS" in kept_for_ever


def test_table_that_is_dropped_while_it_is_in_use_is_made_again(make_ingester: Make, bare_store: Store, body: Body) -> None:
    ingester = make_ingester(answer_timeout_s=20)
    assert ingester.post(body(0)).status_code == 200
    bare_store.ask("DROP TABLE flow_log.l7_flow_log SYNC")
    assert ingester.post(body(1)).status_code == 200
    assert bare_store.batches("01020304") == {1: (100, 100)}
