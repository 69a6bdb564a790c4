"""The stock Python client: what its own tests do, in our words."""

from __future__ import annotations

import datetime as dt
import gzip
from collections.abc import Iterator
from typing import Any

import clickhouse_connect
import pyarrow as pa
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, StreamFailureError
from clickhouse_connect.driver.external import ExternalData
from clickhouse_connect.driver.summary import QuerySummary


@pytest.fixture(params=["lz4", "zstd", "gzip", False])
def client(store: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    made = clickhouse_connect.get_client(host="127.0.0.1", port=store.port, username="anna", password="s3cret", compress=request.param)  # noqa: S106
    yield made
    made.close()


@pytest.fixture
def plain(store: Any) -> Iterator[Any]:
    made = clickhouse_connect.get_client(host="127.0.0.1", port=store.port)
    yield made
    made.close()


def test_rows_of_every_type_go_in_and_come_back(client: Any) -> None:
    client.command("DROP TABLE IF EXISTS every_type")
    client.command(
        "CREATE TABLE every_type (id UInt64, big Int256, f Float64, d Decimal(18, 4), s String, n Nullable(String), lc LowCardinality(Nullable(String)), "
        "day Date32, at DateTime64(6, 'UTC'), zone DateTime('Asia/Tokyo'), u UUID, ip IPv6, e Enum8('a' = 1, 'b' = 2), xs Array(Nullable(Int32)), "
        "m Map(LowCardinality(String), Array(String)), t Tuple(a UInt8, b String), b Bool) ENGINE = MergeTree ORDER BY id"
    )
    now = dt.datetime(2026, 11, 21, 12, 30, 1, 123456, tzinfo=dt.UTC)
    row = [
        1,
        -(2**200),
        1.5,
        12,
        "it's",
        None,
        "lc",
        dt.date(1950, 1, 1),
        now,
        now.replace(microsecond=0),
        "00000000-0000-0000-0000-000000000001",
        "::1",
        "b",
        [1, None],
        {"k": ["v"]},
        (7, "x"),
        True,
    ]
    summary = client.insert("every_type", [row, [2, *row[1:]]])
    assert summary.written_rows == 2
    result = client.query("SELECT * FROM every_type ORDER BY id")
    got = result.result_rows[0]
    assert got[0:2] == (1, -(2**200))
    assert got[5] is None
    assert got[8] == now.replace(tzinfo=None)
    assert got[9] == now.replace(microsecond=0)
    assert str(got[9].tzinfo) == "Asia/Tokyo"
    assert got[13:15] == ([1, None], {"k": ["v"]})
    assert result.summary["read_rows"] == "2"
    assert result.query_id


def test_dynamic_variant_and_json_columns(plain: Any) -> None:
    rows = plain.query("SELECT arrayJoin([1::Dynamic, 'a'::Dynamic, NULL::Dynamic, [1, 2]::Dynamic]) AS d").result_columns[0]
    assert rows[0] == 1
    assert rows[2] is None
    assert plain.query('SELECT \'{"a": 1, "b": {"c": "x"}, "l": [1, 2]}\'::JSON AS j').first_row[0]["b"] == {"c": "x"}
    assert plain.query("SELECT '{\"a\": 1}'::JSON(a UInt8, max_dynamic_paths=2) AS j").first_row[0] == {"a": 1}
    assert plain.query("SELECT 7::Variant(String, UInt8) AS v").first_row == (7,)
    assert plain.query("SELECT (1, 2)::Point AS p, [(1, 2)]::Ring AS r").first_row[0] == (1.0, 2.0)
    plain.command("CREATE OR REPLACE TABLE json_rows (id UInt8, j JSON) ENGINE = MergeTree ORDER BY id")
    plain.insert("json_rows", [[1, {"a": {"b": 7}}], [2, {"z": "y"}]])
    assert plain.query("SELECT j FROM json_rows ORDER BY id").result_rows == [({"a": {"b": 7}},), ({"z": "y"},)]


def test_time_zones_of_columns_are_seen(plain: Any) -> None:
    one = plain.query("SELECT toDateTime(1676369730, 'Asia/Shanghai') AS a, toDateTime64(1676369730, 3, 'America/Denver') AS b, toDateTime(0) AS c")
    assert str(one.first_row[0].tzinfo) == "Asia/Shanghai"
    assert str(one.first_row[1].tzinfo) == "America/Denver"


def test_commands_give_values_or_summaries(plain: Any) -> None:
    assert plain.ping() is True
    assert int(plain.command("SELECT version()").split(".")[0]) >= 26
    assert plain.command("SELECT 13 WHERE 0") == ""
    assert isinstance(plain.command("DROP TABLE IF EXISTS nothing_here"), QuerySummary)
    assert "query_id" in plain.query("SET count_distinct_implementation = 'uniq'").first_item
    assert plain.query("SELECT name FROM system.tables LIMIT 0").column_names == ("name",)
    assert plain.query("SELECT name FROM system.tables WHERE FALSE").column_names == ()
    for text in ("SELECT 13;", "SELECT 13;\u00a0", "SELECT 13; /* inner; */ ;", "SELECT 13; -- x", "SELECT/*c*/13"):
        assert plain.query(text).result_rows == [(13,)]
        assert plain.raw_query(text, fmt="TabSeparated") == b"13\n"
    assert plain.query("WITH insert AS (SELECT 13 AS n) SELECT * FROM insert").result_rows == [(13,)]
    assert plain.raw_query("SELECT $v$;", parameters={"$v$": b"13"}, fmt="TabSeparated") == b"13\n"
    assert plain.raw_query("SELECT col2 FROM format(CSVWithNames, $xx$)", parameters={"$xx$": b"col1,col2\n1,7"}) == b"7\n"
    with plain.query_rows_stream("KILL QUERY WHERE query_id = 'nobody' TEST; -- x") as stream:
        assert list(stream) == []


def test_errors_carry_code_and_name(plain: Any) -> None:
    with pytest.raises(DatabaseError) as caught:
        plain.query("SELECT * FROM does_not_exist_tbl")
    assert caught.value.code == 60
    assert caught.value.name == "UNKNOWN_TABLE"
    with pytest.raises(DatabaseError, match="空"):
        plain.query("SELECT has_own_data = '空' FROM system.tables")


def test_an_error_after_rows_is_a_stream_failure(client: Any) -> None:
    sql = "SELECT sleepEachRow(0.01), throwIf(number = 100) FROM numbers(200)"
    with pytest.raises(StreamFailureError, match="Value passed to 'throwIf' function is non-zero"):
        _ = client.query(sql, settings={"max_block_size": 1, "wait_end_of_query": 0}).result_set
    with (
        pytest.raises(StreamFailureError, match="ivision by zero"),
        client.query_row_block_stream("SELECT toString(cityHash64(number)) FROM numbers(10000000) WHERE intDiv(1, number - 300000) > -100000000") as stream,
    ):
        for _ in stream:
            pass
    assert client.command("SELECT 1") == 1


def test_streams_of_blocks(client: Any) -> None:
    with client.query_column_block_stream("SELECT number, randomStringUTF8(50) FROM numbers(10000)", settings={"max_block_size": 4000}) as stream:
        sums = [sum(block[0]) for block in stream]
    assert sum(sums) == 49995000
    assert len(sums) > 1


def test_raw_inserts_with_names_that_need_quotes(client: Any) -> None:
    client.command("CREATE OR REPLACE TABLE raw (`weir'd` String, value String) ENGINE = MergeTree ORDER BY tuple()")
    client.raw_insert("raw", ['"weir\'d"'], b"value1\nvalue2", fmt="CSV")
    client.raw_insert("raw", ["`weir'd`", "value"], "w1\tv__`2\nw2\tv77", fmt="TSV")
    client.raw_insert("raw", None, gzip.compress(b"a,b\n"), fmt="CSV", compression="gzip")
    assert client.command("SELECT count() FROM raw") == 5
    client.command("INSERT INTO raw (value) FORMAT TabSeparated\nvalue_1;\n")
    client.query("WITH {x:Int32} AS v INSERT INTO raw (value) FORMAT TabSeparated\nvalue_2;\n", parameters={"x": 1})
    assert client.query("SELECT value FROM raw WHERE endsWith(value, ';') ORDER BY value").result_rows == [("value_1;",), ("value_2;",)]


def test_external_data_and_form_encoding(store: Any) -> None:
    form = clickhouse_connect.get_client(host="127.0.0.1", port=store.port, form_encode_query_params=True)
    data = ExternalData(
        file_name="actors.csv", data=b"Robert Redford\t1936\tThe Sting\nAl Pacino\t1940\tScarface", structure="name String, year UInt16, movie String"
    )
    assert form.query("SELECT name FROM actors WHERE year > {y:UInt16}", parameters={"y": 1938}, external_data=data).result_rows == [("Al Pacino",)]
    empty = ExternalData(file_name="empty.csv", data=b"", structure="name String")
    assert form.query("SELECT * FROM empty", external_data=empty).result_rows == []
    assert form.query("SELECT {v:Nullable(String)} IS NULL", parameters={"v": None}).first_row == (1,)
    assert form.query("SELECT {xs:Array(UInt32)} AS xs", parameters={"xs": [1, 2]}).first_row == ([1, 2],)
    made = form.query("CREATE OR REPLACE TABLE from_external ENGINE = MergeTree ORDER BY tuple() EMPTY AS SELECT * FROM actors", external_data=data)
    assert "query_id" in (made.first_item or {})


def test_temporary_tables_live_in_the_clients_session(plain: Any) -> None:
    plain.command("CREATE TEMPORARY TABLE temp_rows (a String)")
    plain.insert("temp_rows", [["x"], ["y"]])
    assert plain.query("SELECT * FROM temp_rows").result_rows == [("x",), ("y",)]


def test_arrow_and_frames(client: Any) -> None:
    table = client.query_arrow("SELECT number, toString(number) AS s FROM numbers(1000)")
    assert table.num_rows == 1000
    client.command("CREATE OR REPLACE TABLE arrow_rows (number UInt64, s String) ENGINE = MergeTree ORDER BY number")
    client.insert_arrow("arrow_rows", table.cast(pa.schema([("number", pa.uint64()), ("s", pa.string())])))
    frame = client.query_df("SELECT * FROM arrow_rows ORDER BY number")
    assert len(frame) == 1000
    client.insert_df("arrow_rows", frame)
    assert client.command("SELECT count() FROM arrow_rows") == 2000


def test_json_with_many_typed_paths_comes_back(plain: Any) -> None:
    hints = "z UInt32, SKIP skipped, `a b` String, tags Array(String), flag Bool, pair Tuple(id UInt32, label Nullable(String)), SKIP also, kind Variant(UInt32, String)"
    plain.command("DROP TABLE IF EXISTS hinted")
    plain.command(f"CREATE TABLE hinted (id UInt32, doc JSON({hints})) ENGINE = MergeTree ORDER BY id")
    doc = {"z": 7, "a b": "x", "tags": ["p", "q"], "flag": True, "pair": {"id": 1, "label": None}, "kind": "k", "free": 1.5}
    plain.insert("hinted", [[1, {**doc, "skipped": 1, "also": 2}], [2, doc]])
    rows = plain.query("SELECT doc FROM hinted ORDER BY id").result_rows
    assert [row[0] for row in rows] == [doc, doc]


def test_type_names_are_the_engines_own(store: Any) -> None:
    kinds = ["JSON(`SKIP` UInt8, b.`c d` UInt8, `from` UInt8, SKIP z.y, SKIP `skip`)", "Tuple(`a.b` UInt8, `select` String)", "Nested(`table` UInt8, x UInt8)"]
    for kind in kinds:
        own = store.ok(f"SELECT replaceRegexpAll(toTypeName(defaultValueOfTypeName('{kind}')), '[\\n ]+', ' ') FORMAT TSVRaw").strip()
        block = store.post(f"SELECT defaultValueOfTypeName('{kind}') AS x FORMAT Native", client_protocol_version=54468).content
        assert own.replace("( ", "(").encode() in block
