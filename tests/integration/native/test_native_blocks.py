"""What the crate writes the real engine reads: every table, every kind of column, plain and in ClickHouse's own compression."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
import weir_native
from chdb.session import Session as Opened

from libs.tables import TABLES, table
from libs.tables.ddl import create_database, create_table
from tests.unit.native.test_batches import batch_of, every_table  # the same rows, one per table
from tests.unit.native.test_spans import NOW_NS, append, request, span


class Session(Protocol):
    """What of a chDB session is used here; the wheel has no types."""

    def query(self, sql: str, fmt: str = "CSV") -> object: ...
    def close(self) -> None: ...


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    opened: Session = Opened(str(tmp_path_factory.mktemp("chdb")))  # type: ignore[no-untyped-call]
    for database in {declared.database for declared in TABLES}:
        opened.query(create_database(database))
    for declared in TABLES:
        opened.query(create_table(declared))
    yield opened
    opened.close()


def insert(session: Session, full_name: str, block: weir_native.Block | bytes, path: Path) -> None:
    path.write_bytes(block)
    session.query(f"INSERT INTO {table(full_name).sql_name} FROM INFILE '{path}' FORMAT Native")


def stored(session: Session, full_name: str) -> list[dict[str, Any]]:
    settings = "output_format_json_quote_64bit_integers = 0, date_time_output_format = 'iso'"
    text = str(session.query(f"SELECT * FROM {table(full_name).sql_name} ORDER BY ALL SETTINGS {settings}", "JSONEachRow"))
    return [json.loads(line) for line in text.splitlines()]


def rows(batch: weir_native.Batch) -> list[dict[str, Any]]:
    made = [json.loads(line) for line in batch.to_json_lines().splitlines()]
    for row in made:
        del row["table"]
    return made


@every_table
def test_every_column_of_every_table_is_stored_as_it_was(session: Session, tmp_path: Path, full_name: str) -> None:
    batch = batch_of(full_name)
    insert(session, full_name, batch.to_native(), tmp_path / "block")
    assert stored(session, full_name) == rows(batch)


def test_dictionaries_of_every_width_are_stored_as_they_were(session: Session, tmp_path: Path) -> None:
    for count in (255, 256, 257, 70_000):
        session.query("TRUNCATE TABLE flow_log.l7_flow_log")
        gather = weir_native.Gather("flow_log")
        append(
            gather, request(*(span({f"key{index % 300}": f"v{index}"}, name=f"span {index}") for index in range(count))).SerializeToString(), max_bytes=1 << 27
        )
        (batch,) = gather.take()
        insert(session, "flow_log.l7_flow_log", batch.to_native(), tmp_path / "block")
        query = "SELECT count(), uniqExact(endpoint), sum(cityHash64(endpoint, arrayJoin(mapValues(attributes)))) FROM flow_log.l7_flow_log"
        expected = f"SELECT {count}, {count}, sum(cityHash64('span ' || toString(number), 'v' || toString(number))) FROM numbers({count})"
        assert str(session.query(query)) == str(session.query(expected))


def test_a_batch_without_rows_is_an_insert_of_nothing(session: Session, tmp_path: Path) -> None:
    session.query("TRUNCATE TABLE flow_metrics.`network.1s`")
    batch = batch_of("flow_metrics.network.1s").slice(0, 0)
    assert batch.native_columns() == []
    insert(session, "flow_metrics.network.1s", batch.to_native(), tmp_path / "block")
    assert stored(session, "flow_metrics.network.1s") == []


def test_the_servers_own_decompressor_reads_our_frames(session: Session, tmp_path: Path) -> None:
    gather = weir_native.Gather("flow_log")
    append(gather, request(*(span({"index": index, "text": "é" * (index % 50)}) for index in range(9_000))).SerializeToString())
    (batch,) = gather.take()
    plain, packed = batch.to_native(), batch.to_native("lz4")
    assert len(packed) < len(plain) > 1 << 20, "more than one frame"
    # A TinyLog column file is exactly such frames: the server reads the file that replaces its own.
    session.query("CREATE TABLE default.frames (byte UInt8) ENGINE = TinyLog")
    session.query("INSERT INTO default.frames VALUES (1)")
    (folder,) = json.loads(str(session.query("SELECT data_paths FROM system.tables WHERE name = 'frames'", "JSONEachRow")))["data_paths"]
    session.query("DETACH TABLE default.frames")
    (Path(folder) / "byte.bin").write_bytes(packed)
    (Path(folder) / "sizes.json").write_text(json.dumps({"yandex": {"byte%2Ebin": {"size": str(len(packed))}}}))
    session.query("ATTACH TABLE default.frames")
    (tmp_path / "plain").write_bytes(plain)
    same = "SELECT count(), sum(cityHash64(rowNumberInAllBlocks(), byte)) FROM"
    got = str(session.query(f"{same} default.frames SETTINGS max_threads = 1"))
    expected = str(session.query(f"{same} file('{tmp_path / 'plain'}', RowBinary, 'byte UInt8') SETTINGS max_threads = 1"))
    assert got == expected
    assert got.startswith(f"{len(plain)},")


def test_times_keep_their_microseconds(session: Session, tmp_path: Path) -> None:
    session.query("TRUNCATE TABLE flow_log.l7_flow_log")
    gather = weir_native.Gather("flow_log")
    append(gather, request(span(end_time_unix_nano=NOW_NS)).SerializeToString())
    (batch,) = gather.take()
    insert(session, "flow_log.l7_flow_log", batch.to_native(), tmp_path / "block")
    query = "SELECT toUnixTimestamp64Micro(end_time), toUnixTimestamp(time) FROM flow_log.l7_flow_log"
    assert str(session.query(query)).strip() == f"{NOW_NS // 1000},{NOW_NS // 10**9}"
