"""What the querier adds to a question put straight to the store: the same SQL, the same store, in turns. Median of both.
And what names cost in a question over many rows.

Run as `python -m tests.bench.querier`; `make bench` collects its rows.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import Final

import httpx
import orjson

from libs.tables import TABLES
from libs.tables.ddl import create_database, create_table
from tests.bench.figure import Figure, show
from tests.integration.querier.conftest import Querier, Store, launch, stop
from tests.integration.querier.world import WORLD

ROUNDS: Final = 300
ROWS: Final = 3_000_000
NAMED_ROUNDS: Final = 7
NAMED: Final = "SELECT auto_instance_0, Sum(byte) AS n FROM l4_flow_log GROUP BY auto_instance_0 ORDER BY n DESC LIMIT 10"
BY_ID: Final = (
    "SELECT auto_instance_type_0, auto_instance_id_0, if(auto_instance_type_0 = 255, ip4_0, toIPv4('0.0.0.0')) AS address, sum(byte_tx + byte_rx) AS n "
    "FROM flow_log.l4_flow_log GROUP BY 1, 2, 3 ORDER BY n DESC LIMIT 10"
)
"""The same by ids, as one would write it who knows that only what is of type 255 has no name."""
KEPT: Final = "SELECT endpoint, Count(*) AS n, Avg(rrt) AS us FROM l7_flow_log WHERE chost_0 = 'web-1' GROUP BY endpoint ORDER BY n DESC LIMIT 10"


def _once(client: httpx.Client, path: str, **request: object) -> tuple[float, httpx.Response]:
    began = time.perf_counter()
    response = client.post(path, **request)  # type: ignore[arg-type]
    return (time.perf_counter() - began) * 1000, response


def _compare(store: Store, querier: Querier) -> tuple[float, float, float]:
    """Medians in ms: straight to the store, through the querier, through it with a statement it has not seen."""
    direct = httpx.Client(base_url=store.address, headers={"X-ClickHouse-User": "reader"}, trust_env=False)
    explained = querier.client.post("/v1/query/", params={"debug": "true"}, json={"sql": KEPT}).json()
    sql = explained["debug"]["query_sqls"][0]["sql"]
    straight, through, new = [], [], []
    for at in range(ROUNDS):
        took, answer = _once(direct, "/", params={"default_format": "JSONCompactEachRow"}, content=sql.encode())
        straight.append(took)
        took, same = _once(querier.client, "/v1/query/", json={"sql": KEPT})
        through.append(took)
        took, unseen = _once(querier.client, "/v1/query/", json={"sql": KEPT.replace("LIMIT 10", f"LIMIT {10 + at}")})
        new.append(took)
        rows = answer.text.count("\n")
        if not rows == len(same.json()["result"]["values"]) == len(unseen.json()["result"]["values"]) == 3:
            message = f"the answers differ: {answer.text} {same.text} {unseen.text}"
            raise AssertionError(message)
    return statistics.median(straight), statistics.median(through), statistics.median(new)


def _fill(store: Store) -> None:
    """Rows of 2000 hosts, the first of them renamed on the way, and of 5000 addresses without a name."""
    renamed = "(1000, 0, 1772323199 + 43200, 'first'), (1000, 1772323200 + 43200, 4294967295, 'renamed')"
    store.run(f"INSERT INTO tag.chost_rows VALUES {renamed}")
    store.run("INSERT INTO tag.chost_rows SELECT number + 1001, 0, 4294967295, concat('host-', toString(number)) FROM numbers(1999)")
    store.run("SYSTEM RELOAD DICTIONARY tag.chost")
    for first in range(0, ROWS, ROWS // 12):
        store.run(
            "INSERT INTO flow_log.l4_flow_log (time, is_ipv4, auto_instance_type_0, auto_instance_id_0, ip4_0, byte_tx, byte_rx) "
            f"SELECT 1772323200 + intDiv(number * 86400, {ROWS}), 1, if(number % 5 = 0, 255, 1) AS kind, if(kind = 1, 1000 + sipHash64(number) % 2000, 0) AS id, "
            f"if(kind = 1, 167772160 + id, 3000000000 + sipHash64(number) % 5000), number % 1000, number % 777 FROM numbers({first}, {ROWS // 12})"
        )


def _named(store: Store, querier: Querier) -> tuple[float, float]:
    """Least time in ms of a question grouped by names and of the same by ids put straight to the store, asked in turns."""
    direct = httpx.Client(base_url=store.address, headers={"X-ClickHouse-User": "reader"}, trust_env=False, timeout=60)
    named, by_id = [], []
    for _ in range(NAMED_ROUNDS):
        took, answer = _once(direct, "/", params={"default_format": "JSONCompactEachRow"}, content=BY_ID.encode())
        by_id.append(took)
        took, same = _once(querier.client, "/v1/query/", json={"sql": NAMED})
        named.append(took)
        totals = [[row[-1] for row in rows] for rows in ([orjson.loads(line) for line in answer.text.splitlines()], same.json()["result"]["values"])]
        if totals[0] != totals[1] or len(totals[0]) != 10:
            message = f"the answers differ: {answer.text} {same.text}"
            raise AssertionError(message)
    return min(named), min(by_id)


def measure(*, quick: bool) -> list[Figure]:  # noqa: ARG001  it is quick
    """Starts a store and a querier of its own and compares."""
    with tempfile.TemporaryDirectory() as folder:
        process, address = launch("services.store", Path(folder), {})
        try:
            store = Store(address)
            for database in dict.fromkeys(table.database for table in TABLES):
                store.run(create_database(database))
            for statement in (*(create_table(table, ttl_days=0) for table in TABLES), *WORLD):
                store.run(statement)
            asked, at = launch("services.querier", Path(folder), {"WEIR_QUERIER_CLICKHOUSE_URL": store.address})
            try:
                querier = Querier(at, asked.pid)
                straight, through, new = _compare(store, querier)
                _fill(store)
                named, by_id = _named(store, querier)
            finally:
                stop(asked)
        finally:
            stop(process)
    by_ids = f"{named:.0f} ms, {by_id:.0f} ms by ids straight to the store: {ROWS:,} rows, least of {NAMED_ROUNDS}"
    note = f"{straight:.2f} ms straight to the store, median of {ROUNDS}"
    return [
        Figure("querier over the same question put straight to the store", through - straight, "ms more", 5, higher_is_better=False, note=note),
        Figure("the same, a statement it has not seen", new - straight, "ms more", 10, higher_is_better=False, note=note),
        Figure("a large question grouped by names, over the same by ids", named / by_id, "times", 4, higher_is_better=False, note=by_ids),
    ]


if __name__ == "__main__":
    show(measure(quick=False))
