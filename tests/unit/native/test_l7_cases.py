"""Captures that nobody here made, through the whole engine: what their makers say about requests and responses holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import orjson
import pytest
from weir_native import Engine

CASES: Final = Path(__file__).resolve().parents[3].parent / "shared" / "cases" / "pcap"
EXPECTED: Final = CASES / "expected.json"

pytestmark = pytest.mark.skipif(not EXPECTED.is_file(), reason=f"no captures in {CASES}")

Rows = list[dict[str, Any]]


def rows_of(name: str) -> dict[str, Rows]:
    """Rows of a capture by table."""
    tables: dict[str, Rows] = {}
    for batch in Engine({}).replay(CASES / f"{name}.pcap"):
        rows = [orjson.loads(line) for line in batch.to_json_lines().splitlines()]
        tables.setdefault(batch.table, []).extend(rows)
    return tables


def requests_of(name: str) -> Rows:
    return sorted(rows_of(name)["flow_log.l7_flow_log"], key=lambda row: str(row["start_time"]))


def pick(row: dict[str, Any], *columns: str) -> tuple[Any, ...]:
    return tuple(row[column] for column in columns)


@pytest.mark.parametrize(
    "name",
    [
        "http/httpv1",
        "http/h2c_ascii",
        "dns/dns",
        "mysql/mysql",
        "mysql/mysql-error",
        "mysql/171-mysql",
        "redis/redis-debug",
        "redis/redis-error",
        "kafka/18-api-versions-v3",
        "mqtt/mqtt_connect",
    ],
)
def test_counters_are_the_expected_ones_in_rows_and_in_documents(name: str) -> None:
    expected = orjson.loads(EXPECTED.read_bytes())["l7_counters"][name]
    tables = rows_of(name)
    durations = [row["response_duration"] for row in tables["flow_log.l7_flow_log"] if row["type"] == 2]
    assert {"count": len(durations), "sum": sum(durations), "max": max(durations)} == expected["rrt"]

    flows, documents = tables["flow_log.l4_flow_log"], tables["flow_metrics.application_map.1s"]
    for measure in ("request", "response", "client_error", "server_error"):
        wanted = expected.get(measure, 0)
        assert sum(row[f"l7_{measure}"] for row in flows) == wanted
        assert sum(row[measure] for row in documents) == wanted
    assert sum(row["rrt_sum"] for row in documents) == expected["rrt"]["sum"]


def test_a_post_is_told_whole() -> None:
    (row,) = requests_of("http/httpv1")
    assert pick(row, "l7_protocol_str", "version", "request_type", "request_domain") == ("HTTP", "1.1", "POST", "rq.cct.cloud.duba.net")
    assert pick(row, "request_resource", "endpoint") == ("/query?1590632942", "/query")
    assert pick(row, "response_code", "response_status", "request_length", "response_length") == (200, 0, 85, 54)
    assert pick(row, "captured_request_byte", "captured_response_byte", "response_duration") == (231, 227, 84051)


def test_a_request_without_its_end_is_paired_and_traced() -> None:
    (row,) = requests_of("http/client-ip")
    assert pick(row, "request_type", "request_domain", "endpoint") == ("POST", "api-webizft1.intranet.local", "/biz-inquiry-bff/bff")
    assert row["request_resource"] == "/biz-inquiry-bff/bff/v1/common/check/polymerization?channel=webportal&terminalType=bff"
    assert row["trace_id"] == "6d4ae9e1fb8a4399aba252d65b5a83c9.76.17016891360410347"
    assert row["span_id"] == "6d4ae9e1fb8a4399aba252d65b5a83c9.76.17016891360410346-6"
    assert row["http_proxy_client"] == "10.90.14.76,10.158.233.64"
    assert pick(row, "request_length", "captured_request_byte", "captured_response_byte", "response_code") == (50, 1410, 737, 200)


MYSQL_COLUMNS: Final = ("type", "request_type", "endpoint", "response_status", "captured_request_byte", "captured_response_byte")


def test_mysql_is_read_also_where_it_is_compressed() -> None:
    (row,) = requests_of("mysql/mysql-compressed-response")
    assert pick(row, *MYSQL_COLUMNS) == (2, "COM_QUERY", "SELECT az_controller_connection", 0, 52, 374)
    assert [pick(row, *MYSQL_COLUMNS) for row in requests_of("mysql/large-response")] == [
        (2, "COM_QUERY", "SELECT az_controller_connection", 0, 45, 779),
        (2, "COM_QUERY", "SELECT controller", 0, 31, 2226),
    ]


def test_mysql_statements_and_their_rows_are_told() -> None:
    executed = [row for row in requests_of("mysql/mysql-statement") if row["request_type"] == "COM_STMT_EXECUTE"]
    assert pick(executed[0], "request_id", "request_resource") == (96, "SELECT * FROM `controller` WHERE name = ?")
    assert [row["sql_affected_rows"] for row in requests_of("mysql/mysql-table-insert") if row["endpoint"] == "INSERT tmp"] == [1]
    (row,) = requests_of("mysql/mysql-login-error")
    assert pick(row, "request_resource", "response_code", "response_status") == ("Login username: mydemo db: mydemo-dn1", 1040, 3)


DNS_COLUMNS: Final = ("request_id", "request_type", "response_result", "response_status", "response_code", "captured_response_byte", "response_duration")


def test_dns_answers_are_told_in_words() -> None:
    address, authority = requests_of("dns/a-and-ns")
    assert {address["request_resource"], authority["request_resource"]} == {"aa.bb.cc.ddd.eee.fff.zqytest.com"}
    assert pick(address, *DNS_COLUMNS) == (12697, "A", "A=10.50.71.5 TTL=86400; NS=ns.zqytest.com TTL=86400", 0, 0, 99, 386)
    assert pick(authority, *DNS_COLUMNS) == (7412, "AAAA", "SOA=ns.zqytest.com TTL=10800", 0, 0, 94, 185)


def test_a_missing_name_is_the_clients_error_but_not_under_cluster_local() -> None:
    rows = requests_of("dns/nxdomain")
    assert [pick(row, *DNS_COLUMNS) for row in rows] == [
        (26636, "AAAA", "", 4, 3, 51, 385),
        (59426, "A", "A=100.103.26.52 TTL=5", 0, 0, 120, 449),
        (28756, "AAAA", "", 0, 3, 69, 267),
    ]
    assert [row["request_resource"] for row in rows] == [
        "prod-fcdt-e02.int.frontnode.net",
        "dockerauth-ee-vpc.cn-shenzhen.aliyuncs.com",
        "registry.yingmi-inc.com.monitor.svc.cluster.local",
    ]
