"""Names are what they were at the row's time; conditions on tags of each type."""

from __future__ import annotations

import time

import pytest

from tests.integration.querier.conftest import Querier, Store
from tests.integration.querier.world import T

CASES = (
    # db was db-old until T + 600; five of the six rows are before
    ("chost_1 = 'db-old'", 5),
    ("chost_1 = 'db'", 1),
    ("chost_1 != 'db'", 5),
    ("chost_1 <> 'nobody'", 6),
    ("chost_1 IN ('db', 'nobody')", 1),
    ("chost_1 NOT IN ('db', 'nobody')", 5),
    ("chost_1 LIKE 'db%'", 6),
    ("chost_1 NOT LIKE '%old'", 1),
    ("chost_1 ILIKE 'DB'", 1),
    ("chost_1 REGEXP '^db$'", 1),
    ("NOT chost_1 REGEXP '^db$'", 5),
    ("chost_1 > 'db'", 5),
    ("chost_1 = ''", 0),
    ("chost_1 IN ('', 'db')", 1),
    ("vm_1 = 'db'", 1),
    ("chost_0 = chost_1", 0),
    ("chost_0 != chost_1", 6),
    ("chost_1 = 'db' OR endpoint = '/b'", 2),
    ("chost_1 = 'x'' OR 1=1 --'", 0),
    ("chost_1 = 'x\\' OR 1=1 --'", 0),
    # no id, or no dictionary of that kind
    ("subnet_0 = ''", 6),
    ("pod_0 = ''", 6),
    ("pod_0 = 'x'", 0),
    ("pod_0 LIKE '%'", 6),
    ("region_0 LIKE '%'", 6),
    ("region_0 LIKE 'n%'", 0),
    ("auto_instance_0 = 'web-1'", 6),
    ("auto_instance_1 = 'nginx'", 6),
    ("auto_instance_1 = '10.0.0.2'", 0),
    ("auto_instance_1 != 'nginx'", 0),
    ("auto_instance_1 LIKE 'ng%'", 6),
    ("auto_service_0 = '10.0.0.1'", 6),
    ("auto_service_0 IN ('10.0.0.1', 'nobody')", 6),
    ("agent = 'agent-7'", 6),
    ("vtap = 'agent-7'", 6),
    ("chost_id_1 = 2", 6),
    ("auto_instance_type_1 = 'gprocess'", 6),
    ("ip_0 = '10.0.0.1'", 6),
    ("ip_0 = '10.0.0.0/30'", 6),
    ("ip_0 IN ('10.0.0.0/32', '192.168.0.0/16')", 0),
    ("ip_0 != '10.0.0.0/8'", 0),
    ("ip_0 >= '10.0.0.1' AND ip_1 < '10.0.0.3'", 6),
    ("ip_0 BETWEEN '10.0.0.0' AND '10.0.0.1'", 6),
    ("ip_0 LIKE '10.%'", 6),
    ("ip_0 = '::/0'", 0),
    ("ip_0 = ip_1", 0),
    ("l7_protocol = 'http'", 6),
    ("l7_protocol = 20", 6),
    ("l7_protocol != 'DNS'", 6),
    ("enum(l7_protocol) = 'HTTP'", 6),
    ("enum(response_status) LIKE '%error'", 2),
    ("response_status IN ('ok', 2)", 4),
    ("observation_point = 'server_nic'", 6),
    ("observation_point = 's'", 6),
    ("tap_side IN ('c', 's')", 6),
    ("tag_source_0 = 'vpc_ip'", 6),
    ("tag_source_0 = 'mac'", 0),
    ("server_port = 80", 6),
    ("server_port = '80'", 6),
    ("server_port BETWEEN 1 AND 79", 0),
    ("80 = server_port", 6),
    ("response_code >= 400", 2),
    ("rrt > 300", 2),
    ("rrt > request_length * 30 AND request_length > 0", 1),
    ("attributes.http.route = '/a'", 4),
    ("`attributes.tenant` = 'o''neil \\\\ co'", 6),
    ("attributes.nothing = ''", 6),
    (f"time = {T}", 1),
    (f"time >= {T} AND time < {T + 2}", 2),
    (f"time IN ({T}, {T + 1})", 2),
    (f"{T + 3} < time", 2),
    ("time < '2026-03-01T00:00:02Z'", 2),
    ("time < '2026-03-01 01:00:02+01:00'", 2),
    (f"time > {T}.5", 5),
    (f"time >= {T}.5", 5),
    (f"time < {T}.5", 1),
    ("time > now() + 3600", 0),
    ("time < now() - INTERVAL 1 HOUR", 6),
    (f"start_time >= {(T + 1) * 1_000_000}", 5),
    ("end_time >= '2026-03-01 00:00:01.000200'", 5),
    ("start_time < now() - 60", 6),
    ("1 = 1", 6),
    ("flow_id = 1152921504606846977", 1),
)


@pytest.mark.parametrize(("condition", "rows"), CASES, ids=[case[0][:60] for case in CASES])
def test_condition_lets_through_the_rows_it_should(querier: Querier, condition: str, rows: int) -> None:
    assert querier.values(f"SELECT Count(*) FROM l7_flow_log WHERE {condition}") == [[rows]]


def test_a_name_is_what_it_was_at_the_rows_time(querier: Querier) -> None:
    assert querier.values("SELECT chost_1, Count(*) AS n FROM l7_flow_log GROUP BY chost_1 ORDER BY n") == [["db", 1], ["db-old", 5]]


def test_what_has_no_name_is_shown_by_its_address(querier: Querier) -> None:
    assert querier.values("SELECT auto_instance_0, auto_instance_1, ip_0 FROM network_map.1m WHERE server_port = 443") == [
        ["2001:db8::1", "2001:db8::2", "2001:db8::1"]
    ]
    assert querier.values("SELECT Sum(byte) FROM network_map.1m WHERE auto_instance_1 = '2001:db8::2'") == [[77]]
    assert querier.values("SELECT Sum(byte) FROM network_map.1m WHERE ip_1 = '2001:db8::/32'") == [[77]]


def test_a_dictionary_that_appears_later_is_used(querier: Querier, store: Store) -> None:
    store.run("CREATE TABLE IF NOT EXISTS tag.az_rows (id UInt64, valid_from DateTime, valid_to DateTime, name String) ENGINE = MergeTree ORDER BY id")
    assert querier.values("SELECT Any(az_0) FROM l7_flow_log") == [[""]]
    store.run("INSERT INTO tag.az_rows VALUES (0, 0, 4294967295, 'az-1')")
    store.run(
        "CREATE DICTIONARY tag.az (id UInt64, valid_from DateTime, valid_to DateTime, name String) PRIMARY KEY id "
        "SOURCE(CLICKHOUSE(TABLE 'az_rows' DB 'tag')) LIFETIME(MIN 0 MAX 5) LAYOUT(RANGE_HASHED()) RANGE(MIN valid_from MAX valid_to)"
    )
    deadline = time.monotonic() + 20
    while querier.values("SELECT Any(az_0) FROM l7_flow_log") != [["az-1"]]:
        assert time.monotonic() < deadline, "the name never came"
        time.sleep(0.05)
    store.run("DROP DICTIONARY tag.az")
    assert querier.values("SELECT Any(az_0) FROM l7_flow_log") == [[""]]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SHOW DATABASES", [["flow_log"], ["flow_metrics"]]),
        ("SHOW TAG chost_1 VALUES FROM l7_flow_log WHERE display_name LIKE 'db%' ORDER BY display_name", [[2, "db"], [2, "db-old"]]),
        ("SHOW TAG chost VALUES FROM l7_flow_log WHERE value = 1", [[1, "web-1"]]),
        ("SHOW TAG l7_protocol VALUES FROM l7_flow_log WHERE display_name LIKE 'HTTP%' AND value != 21", [[20, "HTTP"]]),
        ("SHOW TAG l7_protocol VALUES FROM l7_flow_log LIMIT 1, 1", [[20, "HTTP"]]),
        ("SHOW TAG endpoint VALUES FROM l7_flow_log LIMIT 1", [["/a", "/a"]]),
        (f"SHOW TAG endpoint VALUES FROM l7_flow_log WHERE time > {T + 1} AND response_code > 0 LIMIT 9", [["/a", "/a"], ["/b", "/b"], ["/c", "/c"]]),
        ("SHOW TAG chost_1 VALUES FROM l7_flow_log WHERE chost_0 = 'web-1'", [[2, "db-old"], [2, "db"]]),
        ("SHOW TAG pod_0 VALUES FROM l7_flow_log", []),
        ("SHOW TAG attributes.http.route VALUES FROM l7_flow_log WHERE display_name = '/b'", [["/b", "/b"]]),
    ],
)
def test_show_tells_what_there_is(querier: Querier, sql: str, expected: list[list[object]]) -> None:
    values = querier.values(sql)
    assert (sorted(values) == expected) if "ORDER" not in sql and "time >" in sql else (values == expected)
