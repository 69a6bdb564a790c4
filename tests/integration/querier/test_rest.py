"""The REST side: how a question comes in, how an answer goes out, and what happens to one that nobody waits for."""

from __future__ import annotations

import csv
import io
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pyarrow as pa
import pytest

from tests.integration.querier.conftest import Querier, Store, launch, stop
from tests.integration.querier.world import T

SLOW = " OR ".join(f"ip_0 REGEXP '([0-9]+[.]?)*[a-z]{{{at}}}$'" for at in range(1, 150))
"""Takes many seconds over `big` rows: nothing matches, and no expression can be refuted without being run."""


def test_a_question_comes_as_json_form_multipart_or_query_string(querier: Querier) -> None:
    said = {"db": "flow_log", "sql": "SELECT Count(*) AS n FROM l7_flow_log"}
    url = "/v1/query/"
    answers = [
        querier.client.post(url, json=said),
        querier.client.post("/v1/query", json=said),
        querier.client.post(url, data=said),
        querier.client.post(url, files={key: (None, value) for key, value in said.items()}),
        querier.client.post(url, params=said),
        querier.client.post(url, params={"db": "flow_log"}, json={"sql": said["sql"]}),
    ]
    assert [answer.json()["result"]["values"] for answer in answers] == [[[6]]] * 6


def test_the_answer_has_deepflows_shape(querier: Querier) -> None:
    assert querier.answer("SELECT chost_1 AS who, Max(rrt) FROM l7_flow_log WHERE chost_1 = 'db' GROUP BY who") == {
        "OPT_STATUS": "SUCCESS",
        "DESCRIPTION": "",
        "result": {
            "columns": ["who", "Max(rrt)"],
            "schemas": [
                {"unit": "", "type": 0, "value_type": "String", "pre_as": "chost_1", "label_type": "resource"},
                {"unit": "us", "type": 1, "value_type": "Int", "pre_as": "", "label_type": ""},
            ],
            "values": [["db", 1000]],
        },
    }


def test_no_rows_is_a_whole_answer(querier: Querier) -> None:
    assert querier.answer("SELECT endpoint FROM l7_flow_log WHERE endpoint = 'nowhere'")["result"]["values"] == []


def test_large_integers_are_exact_and_text_is_escaped(querier: Querier) -> None:
    sql = "SELECT flow_id, attributes.tenant AS tenant FROM l7_flow_log ORDER BY time LIMIT 1"
    assert querier.values(sql) == [[2**60, "o'neil \\ co"]]


def test_debug_adds_the_stores_sql(querier: Querier) -> None:
    debug = querier.client.post("/v1/query/", params={"debug": "true"}, json={"sql": "SELECT Sum(byte) FROM network"}).json()["debug"]
    assert debug["query_sqls"][0]["sql"].startswith("SELECT sum(")


def test_csv_has_a_header_and_quotes(querier: Querier) -> None:
    response = querier.client.post(
        "/v1/query/", json={"sql": f"SELECT chost_1 AS c, Max(rrt) AS m FROM l7_flow_log WHERE time < {T + 9} GROUP BY c", "format": "csv"}
    )
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert list(csv.reader(io.StringIO(response.text))) == [["c", "m"], ["db-old", "400"]]


def test_arrow_is_a_stream_with_types(querier: Querier) -> None:
    sql = "SELECT time, chost_1, rrt, TopK(endpoint, 2) AS top FROM l7_flow_log GROUP BY time, chost_1, rrt ORDER BY time"
    response = querier.client.post("/v1/query/", json={"sql": sql, "format": "arrow"})
    assert response.headers["content-type"] == "application/vnd.apache.arrow.stream"
    table = pa.ipc.open_stream(response.content).read_all()
    assert table.column("time").to_pylist()[0] == T
    assert table.column("chost_1").to_pylist()[-1] == "db"
    assert pa.types.is_integer(table.schema.field("rrt").type)
    assert table.column("top").to_pylist()[0] == ["/a"]


@pytest.mark.parametrize("form", ["csv", "arrow"])
def test_show_comes_in_every_form(querier: Querier, form: str) -> None:
    content = querier.client.post("/v1/query/", json={"sql": "SHOW METRICS FROM l7_flow_log", "format": form}).content
    names = (
        pa.ipc.open_stream(content).read_all().column("name").to_pylist() if form == "arrow" else [row[0] for row in csv.reader(io.StringIO(content.decode()))]
    )
    assert {"rrt", "request", "error_ratio"} <= set(names)


def test_show_tags_and_metrics_have_deepflows_columns(querier: Querier) -> None:
    tags = {row["name"]: row for row in querier.rows("SHOW TAGS FROM flow_log.l7_flow_log")}
    assert (tags["chost"]["client_name"], tags["chost"]["server_name"], tags["chost"]["type"]) == ("chost_0", "chost_1", "resource")
    assert (tags["l7_protocol"]["client_name"], tags["l7_protocol"]["enum"]) == ("l7_protocol", "l7_protocol")
    metrics = {row["name"]: row for row in querier.rows("SHOW METRICS FROM network")}
    assert (metrics["byte"]["unit"], metrics["byte"]["type"], metrics["byte"]["operators"][0]) == ("byte", 1, "Sum")
    assert "Sum" not in metrics["retrans_ratio"]["operators"]
    assert {row["name"] for row in querier.rows("SHOW METRIC FUNCTIONS")} >= {"Sum", "TopK", "PerSecond"}
    assert ["network_map.1m", "flow_metrics"] in [row[:2] for row in querier.values("SHOW TABLES")]


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"sql": "SELECT Sum(bytes) FROM network"}, 400, "did you mean byte"),
        ({"sql": "SELECT Sum(byte) FROM netwrk"}, 400, "did you mean network"),
        ({"sql": "SHOW TABLES", "db": "flow_logs"}, 400, "did you mean flow_log"),
        ({"sql": ""}, 400, "There is no sql"),
        ({"db": "flow_log"}, 400, "There is no sql"),
        ({"sql": 5}, 400, "must be text"),
        ({"sql": "SHOW TABLES", "format": "xml"}, 400, "json, csv, arrow"),
        ({"sql": "SHOW TABLES", "fromat": "csv"}, 400, "'fromat'"),
        ({"sql": "SELECT Count(*) FROM network", "data_precision": "7s"}, 400, "network.1s, network.1m"),
        ({"sql": "SELECT endpoint FROM l7_flow_log WHERE endpoint REGEXP '('"}, 400, "regular expression"),
        ({"sql": "SELECT endpoint FROM l7_flow_log LIMIT 99999999"}, 400, "more than one answer may have"),
    ],
)
def test_a_wrong_request_is_told_what_is_right(querier: Querier, body: dict[str, object], status: int, said: str) -> None:
    response = querier.client.post("/v1/query/", json=body)
    assert response.status_code == status, response.text
    assert said in response.json()["DESCRIPTION"]
    assert response.json()["OPT_STATUS"] in {"INVALID_SQL", "INVALID_PARAMETERS"}


@pytest.mark.parametrize("body", [b"{", b"[1]", b"\xff\xfe", b"sql=%ff" * 100, b"x" * (1 << 21)])
def test_a_broken_body_is_refused(querier: Querier, body: bytes) -> None:
    for kind in ("application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        response = querier.client.post("/v1/query/", content=body, headers={"content-type": kind})
        assert response.status_code == httpx.codes.BAD_REQUEST, (kind, body[:20], response.text)


def test_only_reading_is_possible_whatever_gets_through(store: Store) -> None:
    reader = httpx.post(store.address, headers={"X-ClickHouse-User": "reader"}, content=b"CREATE DATABASE IF NOT EXISTS evil", trust_env=False)
    assert reader.status_code != httpx.codes.OK


@pytest.fixture(scope="module")
def strict(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Querier]:
    limits = {"DEFAULT_LIMIT": "2", "MAX_TIME_S": "1", "MAX_MEMORY_MIB": "24", "CLICKHOUSE_URL": store.address}
    process, address = launch("services.querier", tmp_path_factory.mktemp("strict"), {f"WEIR_QUERIER_{key}": value for key, value in limits.items()})
    yield Querier(address, process.pid)
    stop(process)


def test_an_answer_without_limit_says_that_it_was_cut(strict: Querier) -> None:
    cut = strict.answer("SELECT endpoint FROM l7_flow_log ORDER BY time")
    assert (len(cut["result"]["values"]), cut["truncated"], cut["DESCRIPTION"]) == (2, True, "These are the first 2 rows: the statement has no LIMIT.")
    assert "truncated" not in strict.answer("SELECT endpoint FROM l7_flow_log LIMIT 2")


def test_time_is_limited(strict: Querier, big: int) -> None:
    assert big
    assert "takes longer than it may (1 s" in strict.refusal(f"SELECT Count(*) FROM l4_flow_log WHERE {SLOW}", 504)


def test_memory_is_limited(strict: Querier, big: int) -> None:
    assert "more memory" in strict.refusal(f"SELECT flow_id, ip_0, mac_0 FROM l4_flow_log ORDER BY ip_0, flow_id LIMIT {big}", 422)


def test_a_store_that_is_away_is_told(tmp_path: Path) -> None:
    process, address = launch("services.querier", tmp_path, {"WEIR_QUERIER_CLICKHOUSE_URL": "http://127.0.0.1:9"}, path="/healthz")
    try:
        response = httpx.post(f"{address}/v1/query/", json={"sql": "SELECT Count(*) FROM network"}, trust_env=False)
        assert (response.status_code, response.headers["retry-after"]) == (503, "2")
        assert "cannot be reached" in response.json()["DESCRIPTION"]
        assert httpx.get(f"{address}/readyz", trust_env=False).status_code == httpx.codes.SERVICE_UNAVAILABLE
        assert httpx.post(f"{address}/v1/query/", json={"sql": "SHOW TABLES"}, trust_env=False).status_code == httpx.codes.OK
    finally:
        stop(process)


def resident_kib(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


@pytest.mark.parametrize("form", ["json", "csv", "arrow"])
def test_a_large_answer_streams_through_flat_memory(querier: Querier, big: int, form: str) -> None:
    querier.answer("SELECT Count(*) FROM l4_flow_log")
    before, most, size, rows = resident_kib(querier.pid), 0, 0, 0
    tail = b""
    body = {"sql": f"SELECT time, flow_id, ip_0, mac_0, capture_nic FROM l4_flow_log LIMIT {big}", "format": form}
    with querier.client.stream("POST", "/v1/query/", json=body) as response:
        for chunk in response.iter_raw():
            size += len(chunk)
            rows += chunk.count(b"\n")
            tail = (tail + chunk)[-200:]
            most = max(most, resident_kib(querier.pid))
    assert size > 5_000_000
    assert most - before < 40_000, f"{before} KiB before, {most} KiB at most, for {size} bytes"
    if form == "json":
        assert rows == big - 1
        assert tail.endswith(b']},"OPT_STATUS":"SUCCESS","DESCRIPTION":""}')
    if form == "csv":
        assert rows == big + 1


def running(store: Store) -> int:
    return int(store.run("SELECT count() FROM system.processes WHERE query LIKE '%l4_flow_log%' AND query NOT LIKE '%system.processes%'"))


def test_a_question_nobody_waits_for_any_more_is_stopped_in_the_store(querier: Querier, store: Store, big: int) -> None:
    assert big
    before = querier.metric('weir_querier_questions_total{outcome="abandoned"}')
    parts = urlsplit(querier.address)
    body = f'{{"sql": "SELECT Count(*) FROM l4_flow_log WHERE {SLOW}"}}'.encode()
    with socket.create_connection((parts.hostname or "", parts.port or 0)) as client:
        client.sendall(b"POST /v1/query/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        deadline = time.monotonic() + 10
        while running(store) == 0 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert running(store) == 1
    deadline = time.monotonic() + 5
    while running(store) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert running(store) == 0
    assert querier.metric('weir_querier_questions_total{outcome="abandoned"}') == before + 1


def test_many_askers_at_once_get_their_own_answers(querier: Querier) -> None:
    failed: list[str] = []

    def ask(port: int) -> None:
        with httpx.Client(base_url=querier.address, trust_env=False, timeout=60) as client:
            for at in range(10):
                answer = client.post("/v1/query/", json={"sql": f"SELECT {port}{at} * 1 AS it, Count(*) AS n FROM l7_flow_log"}).json()
                if answer["result"]["values"] != [[int(f"{port}{at}"), 6]]:
                    failed.append(str(answer))

    threads = [threading.Thread(target=ask, args=(port,)) for port in range(20, 40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def test_pages_for_people_and_tools(querier: Querier) -> None:
    assert "Weir" in querier.client.get("/").text
    assert "Swagger" in querier.client.get("/docs").text or "openapi" in querier.client.get("/docs").text
    described = querier.client.get("/openapi.json").json()["paths"]
    assert "talkers" in described["/v1/query/"]["post"]["requestBody"]["content"]["application/json"]["examples"]
    catalogue = querier.client.get("/v1/catalog").json()
    assert {"tables", "functions", "enums"} == catalogue.keys()
    assert querier.client.get("/healthz").status_code == httpx.codes.OK


def test_the_examples_of_the_api_page_run(querier: Querier) -> None:
    examples = querier.client.get("/openapi.json").json()["paths"]["/v1/query/"]["post"]["requestBody"]["content"]["application/json"]["examples"]
    for example in examples.values():
        querier.answer(**example["value"])
