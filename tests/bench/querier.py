"""What the querier adds to a question put straight to the store: the same SQL, the same store, in turns. Median of both.

Run as `python -m tests.bench.querier`; `make bench` collects its rows.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import Final

import httpx

from libs.tables import TABLES
from libs.tables.ddl import create_database, create_table
from tests.bench.figure import Figure, show
from tests.integration.querier.conftest import Querier, Store, launch, stop
from tests.integration.querier.world import WORLD

ROUNDS: Final = 300
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
                straight, through, new = _compare(store, Querier(at, asked.pid))
            finally:
                stop(asked)
        finally:
            stop(process)
    note = f"{straight:.2f} ms straight to the store, median of {ROUNDS}"
    return [
        Figure("querier over the same question put straight to the store", through - straight, "ms more", 5, higher_is_better=False, note=note),
        Figure("the same, a statement it has not seen", new - straight, "ms more", 10, higher_is_better=False, note=note),
    ]


if __name__ == "__main__":
    show(measure(quick=False))
