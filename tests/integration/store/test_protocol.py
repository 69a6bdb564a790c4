"""The ClickHouse HTTP protocol, request by request."""

from __future__ import annotations

import base64
import gzip
import json
import socket
import threading
import time
import zlib
from typing import Any

import httpx
import lz4.frame
import pytest
import zstandard


def test_get_and_post_and_both_give_the_same(store: Any) -> None:
    assert store.get("SELECT 1").text == "1\n"
    assert store.post("SELECT 1").text == "1\n"
    assert httpx.post(store.url, params={"query": "SELECT"}, content=b"1").text == "1\n"
    assert httpx.get(store.url).text == "Ok.\n"
    assert httpx.get(store.url + "ping").text == "Ok.\n"
    assert httpx.get(store.url + "replicas_status").text == "Ok.\n"
    assert httpx.get(store.url + "nowhere").status_code == 404
    assert httpx.get(store.url + "healthz").json() == {"status": "alive"}


def test_headers_say_what_the_answer_is(store: Any) -> None:
    response = store.post("SELECT number FROM numbers(3)", default_format="JSONCompact", query_id="my-query")
    assert response.headers["x-clickhouse-query-id"] == "my-query"
    assert response.headers["x-clickhouse-format"] == "JSONCompact"
    assert response.headers["content-type"] == "application/json; charset=UTF-8"
    assert response.headers["x-clickhouse-timezone"]
    assert response.headers["x-clickhouse-server-display-name"]
    summary = json.loads(response.headers["x-clickhouse-summary"])
    assert summary["read_rows"] == "3"
    assert summary["result_rows"] == "3"
    assert response.json()["data"] == [[0], [1], [2]] or response.json()["data"] == [["0"], ["1"], ["2"]]


@pytest.mark.parametrize(
    ("sql", "status", "code"),
    [
        ("SELEC 1", 400, 62),
        ("SELECT 1 FROM", 400, 62),
        ("", 400, 62),
        ("SELECT 1; SELECT 2", 400, 62),
        ("SELECT * FROM does_not_exist", 404, 60),
        ("SELECT nope", 404, 47),
        ("SELECT unknownFunction(1)", 404, 46),
        ("SELECT * FROM nodb.t", 404, 81),
        ("SELECT 1 FORMAT Nope", 404, 73),
        ("SELECT 1 INTO OUTFILE '/tmp/should-not-exist'", 500, 358),
        ("SELECT throwIf(1)", 500, 395),
        ("SELECT toUInt8('x')", 400, 6),
    ],
)
def test_errors_have_clickhouse_code_and_status(store: Any, sql: str, status: int, code: int) -> None:
    response = store.post(sql)
    assert response.status_code == status, response.text
    assert response.headers["x-clickhouse-exception-code"] == str(code)
    assert response.text.startswith(f"Code: {code}. DB::Exception: ")
    assert response.text.count("DB::Exception") == 1
    assert "(version 26." in response.text
    assert "/proc/self/fd" not in response.text


def test_unknown_setting_is_an_error_and_known_ones_are_applied(store: Any) -> None:
    assert store.post("SELECT 1", no_such_setting="1").headers["x-clickhouse-exception-code"] == "115"
    assert store.post("SELECT 1", **{"a b; DROP": "1"}).headers["x-clickhouse-exception-code"] == "115"
    assert store.ok("SELECT getSetting('max_block_size')", max_block_size="77") == "77\n"
    assert store.ok("SELECT getSetting('max_block_size')") != "77\n"
    assert store.ok("SELECT getSetting('log_comment')", log_comment="it's").endswith("it\\'s\n")


def test_parameters_are_values_not_text(store: Any) -> None:
    assert store.ok("SELECT {a:UInt8} + 1, {s:String}", param_a="41", param_s="it's; DROP\\tx") == "42\tit\\'s; DROP\\tx\n"
    assert store.ok("SELECT {xs:Array(UInt8)}", param_xs="[1,2]") == "[1,2]\n"
    assert store.post("SELECT {a:UInt8}").status_code != 200
    store.ok("CREATE TABLE with_parameter (a UInt8, s String) ENGINE = Memory")
    store.ok("INSERT INTO with_parameter VALUES ({a:UInt8}, {s:String})", param_a="7", param_s="x")
    assert store.ok("SELECT * FROM with_parameter") == "7\tx\n"


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("INSERT INTO {t} FORMAT CSV", "1,a\n2,b\n"),
        ("INSERT INTO {t} (a, b) SETTINGS max_threads=1 FORMAT TSV", "1\ta\n2\tb\n"),
        ("INSERT INTO {t} VALUES", "(1,'a'),(2,'b')"),
        ("INSERT INTO {t}", "VALUES (1,'a'),(2,'b')"),
        ("", 'INSERT INTO {t} FORMAT JSONEachRow\n{{"a":1,"b":"a"}}\n{{"a":2,"b":"b"}}'),
        ("", "insert into {t} values (1,'a') (2,'b')"),
        ("", "/* c */ INSERT INTO {t} -- x\n (b, a) FORMAT CSV\na,1\nb,2\n"),
        ("INSERT INTO {t} VALUES (1,'a'),", "(2,'b')"),
        ("INSERT INTO {t} SELECT number + 1, char(97 + number) FROM numbers(2)", ""),
        ("INSERT INTO {t} SELECT x, y FROM input('x UInt8, y String') FORMAT CSV", "1,a\n2,b\n"),
        ("", "WITH 1 AS one INSERT INTO {t} FORMAT CSV\n1,a\n2,b\n"),
    ],
)
def test_inserts_in_every_shape(store: Any, query: str, body: str) -> None:
    store.ok("CREATE OR REPLACE TABLE shapes (a UInt8, b String) ENGINE = MergeTree ORDER BY a")
    response = httpx.post(store.url, params={"query": query.format(t="shapes")} if query else {}, content=body.format(t="shapes"))
    assert response.status_code == 200, response.text
    assert json.loads(response.headers["x-clickhouse-summary"])["written_rows"] == "2"
    assert store.ok("SELECT a, b FROM shapes ORDER BY a") == "1\ta\n2\tb\n"


def test_insert_errors_reach_the_client_and_store_nothing(store: Any) -> None:
    store.ok("CREATE OR REPLACE TABLE strict (a UInt8, t UInt32, CONSTRAINT small CHECK a < 100) ENGINE = MergeTree ORDER BY a PARTITION BY t")
    assert store.post("INSERT INTO strict FORMAT CSV\n200,0\n").headers["x-clickhouse-exception-code"] == "469"
    assert store.post("INSERT INTO strict FORMAT CSV\nx,0\n").status_code == 400
    many = "".join(f"1,{day * 86400}\n" for day in range(1, 200))
    assert store.post("INSERT INTO strict FORMAT CSV\n" + many).headers["x-clickhouse-exception-code"] == "252"
    native = store.post("SELECT toUInt8(1) AS a, toUInt32(1) AS t FROM numbers(1000) FORMAT Native").content
    assert store.post(native[:-3], query="INSERT INTO strict FORMAT Native").status_code != 200
    assert store.ok("SELECT count() FROM strict") == "0\n"


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd", "lz4"])
def test_bodies_are_compressed_both_ways(store: Any, encoding: str) -> None:
    packers = {"gzip": gzip.compress, "deflate": zlib.compress, "zstd": zstandard.compress, "lz4": lz4.frame.compress}
    unpackers = {
        "gzip": gzip.decompress,
        "deflate": zlib.decompress,
        "zstd": lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data),
        "lz4": lz4.frame.decompress,
    }
    store.ok("CREATE OR REPLACE TABLE packed (a UInt64) ENGINE = MergeTree ORDER BY a")
    data = "".join(f"{number}\n" for number in range(50_000)).encode()
    response = store.post(packers[encoding](data), query="INSERT INTO packed FORMAT TSV", headers={"Content-Encoding": encoding})
    assert response.status_code == 200, response.text
    with httpx.stream(
        "POST", store.url, params={"enable_http_compression": "1"}, content=b"SELECT a FROM packed ORDER BY a", headers={"Accept-Encoding": encoding}
    ) as answer:
        assert answer.headers["content-encoding"] == encoding
        assert unpackers[encoding](b"".join(answer.iter_raw())) == data
    assert "content-encoding" not in store.post("SELECT 1", headers={"Accept-Encoding": encoding}).headers
    broken = store.post(packers[encoding](data)[:-10], query="INSERT INTO packed FORMAT TSV", headers={"Content-Encoding": encoding})
    assert broken.status_code >= 400
    garbage = store.post(b"\x00garbage", query="INSERT INTO packed FORMAT TSV", headers={"Content-Encoding": encoding})
    assert garbage.status_code >= 400
    assert store.ok("SELECT count() FROM packed") == "50000\n"


def test_users_come_by_header_by_basic_and_by_url(store: Any) -> None:
    def who(**how: Any) -> int:
        return httpx.post(store.url, content=b"SELECT 1", **how).status_code

    basic = base64.b64encode(b"anna:s3cret").decode()
    assert who(headers={"X-ClickHouse-User": "anna", "X-ClickHouse-Key": "s3cret"}) == 200
    assert who(headers={"Authorization": f"Basic {basic}"}) == 200
    assert who(params={"user": "anna", "password": "s3cret"}) == 200
    assert who(params={"user": "anna", "password": "wrong"}) == 403
    assert who(params={"user": "anna"}) == 403
    assert who(params={"user": "nobody"}) == 403
    assert who(headers={"Authorization": "Basic !!!"}) >= 400
    assert who(headers={"Authorization": f"Basic {basic}", "X-ClickHouse-User": "anna"}) == 403
    refused = httpx.post(store.url, content=b"SELECT 1", params={"user": "anna", "password": "wrong"})
    assert refused.headers["x-clickhouse-exception-code"] == "516"


def test_get_changes_nothing(store: Any) -> None:
    response = store.get("CREATE TABLE by_get (a UInt8) ENGINE = Memory")
    assert response.headers["x-clickhouse-exception-code"] == "164"
    assert store.ok("EXISTS TABLE by_get") == "0\n"


def test_sessions_keep_temporary_tables_settings_and_database(store: Any) -> None:
    session = {"session_id": "s1"}
    store.ok("CREATE TEMPORARY TABLE mine (a UInt8)", **session)
    store.ok("INSERT INTO mine VALUES (1), (2)", **session)
    assert store.ok("SELECT count() FROM mine", **session) == "2\n"
    assert store.post("SELECT count() FROM mine").status_code == 404
    store.ok("SET max_block_size = 123", **session)
    assert store.ok("SELECT getSetting('max_block_size')", **session) == "123\n"
    assert store.ok("SELECT getSetting('max_block_size')", max_block_size="7", **session) == "7\n"
    assert store.ok("SELECT getSetting('max_block_size')", **session) == "123\n"
    store.ok("USE system", **session)
    assert store.ok("SELECT currentDatabase()", **session) == "system\n"
    assert store.ok("SELECT currentDatabase()", database="default", **session) == "default\n"
    assert store.ok("SELECT currentDatabase()", **session) == "system\n"
    assert store.post("SELECT 1", session_id="none", session_check="1").headers["x-clickhouse-exception-code"] == "372"
    assert store.post("SELECT 1", session_id="x", session_timeout="99999").headers["x-clickhouse-exception-code"] == "374"
    assert store.post("SELECT 1", session_id="x", session_timeout="abc").headers["x-clickhouse-exception-code"] == "374"


def test_a_session_is_one_query_at_a_time_and_ends(store: Any) -> None:
    slow = threading.Thread(target=lambda: store.post("SELECT sleep(1.5)", session_id="busy"))
    slow.start()
    time.sleep(0.5)
    assert store.post("SELECT 1", session_id="busy").headers["x-clickhouse-exception-code"] == "373"
    slow.join()
    assert store.ok("SELECT 1", session_id="busy", session_timeout="1") == "1\n"
    time.sleep(2.5)
    assert store.post("SELECT 1", session_id="busy", session_check="1").headers["x-clickhouse-exception-code"] == "372"


def test_multipart_brings_external_tables_and_fields(store: Any) -> None:
    files = {"people": ("p.csv", b"1,anna\n2,ben\n"), "colours": ("c", b"red\t2\n")}
    params = {"people_structure": "id UInt8, name String", "people_format": "CSV", "colours_types": "String,UInt8"}
    sql = "SELECT name, _1 FROM people JOIN colours ON id = _2 WHERE name = {who:String}"
    response = httpx.post(store.url, params=params, files=files, data={"query": sql, "param_who": "ben"})
    assert response.text == "ben\tred\n"
    assert store.post("SELECT * FROM people").status_code == 404
    missing = httpx.post(store.url, params={"query": "SELECT * FROM people"}, files={"people": ("p", b"1\n")})
    assert missing.status_code == 400
    cut = b'--b\r\nContent-Disposition: form-data; name="query"\r\n\r\nSELECT 1'
    assert store.post(cut, headers={"Content-Type": "multipart/form-data; boundary=b"}).status_code >= 400


def test_results_of_any_size_stream_in_any_format(store: Any) -> None:
    before = store.rss_mib()
    total = 0
    with httpx.stream(
        "POST", store.url, content=b"SELECT number, toString(number) AS s FROM numbers(3000000) FORMAT JSONCompactEachRowWithNames", timeout=60
    ) as answer:
        for index, chunk in enumerate(answer.iter_raw()):
            total += len(chunk)
            if index == 5:
                time.sleep(1)
    assert total > 50_000_000
    assert store.rss_mib() - before < 300
    assert len(store.post("SELECT number FROM numbers(100000) FORMAT JSON").json()["data"]) == 100_000


def test_an_exception_in_mid_stream_is_told_and_the_chunks_break(store: Any) -> None:
    sql = b"SELECT number, throwIf(number = 1000000) FROM numbers(3000000) FORMAT TSV SETTINGS max_block_size = 10000"
    chunks: list[bytes] = []
    with httpx.stream("POST", store.url, content=sql, timeout=60) as answer:
        assert answer.status_code == 200
        tag = answer.headers["x-clickhouse-exception-tag"].encode()
        with pytest.raises(httpx.RemoteProtocolError):
            chunks.extend(answer.iter_raw())
    head, _, tail = b"".join(chunks).rpartition(b"\r\n__exception__\r\n" + tag + b"\r\nCode: 395. DB::Exception: ")
    assert head
    assert tail.endswith(tag + b"\r\n__exception__\r\n")


def test_wait_end_of_query_turns_a_late_error_into_a_plain_one(store: Any) -> None:
    sql = "SELECT number, throwIf(number = 500000) FROM numbers(1000000) FORMAT TSV SETTINGS max_block_size = 10000"
    assert store.post(sql, wait_end_of_query="1").status_code == 500


def test_native_has_the_revision_the_client_asked_for(store: Any) -> None:
    sql = "SELECT toDateTime(1676369730, 'Asia/Shanghai') AS dt FORMAT Native"
    assert store.post(sql).content.hex() == "0101026474084461746554696d65425feb63"
    with_zone = store.post(sql, client_protocol_version="54337").content
    assert with_zone[:8] == b"\x01\x00\x02\xff\xff\xff\xff\x00"
    assert with_zone[14:39] == b"DateTime('Asia/Shanghai')"
    assert store.post(sql, client_protocol_version="54460").content == with_zone[:39] + b"\x00" + with_zone[39:]
    opaque = store.post("SELECT sumState(1) AS s FORMAT Native", client_protocol_version="54460")
    assert opaque.status_code == 501


def test_a_truncated_chunked_body_does_nothing(store: Any) -> None:
    store.ok("CREATE OR REPLACE TABLE cut (a UInt8) ENGINE = Memory")
    for request in (
        b"POST /?query=INSERT%20INTO%20cut%20FORMAT%20TSV HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n1\n2\n\r\n",
        b"POST /?query=INSERT%20INTO%20cut%20FORMAT%20TSV HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n1\n2\n",
    ):
        with socket.create_connection(("127.0.0.1", store.port)) as client:
            client.sendall(request)
            time.sleep(0.2)
    time.sleep(0.3)
    assert store.ok("SELECT count() FROM cut") == "0\n"


def test_garbage_on_the_socket_is_refused_and_the_store_lives(store: Any) -> None:
    for garbage in (
        b"\x00\xff\x16\x03\x01" * 50,
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST / HTTP/1.1\r\nX: " + b"a" * 3_000_000,
        b"POST /?query=%ff%fe HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", store.port)) as client:
            client.settimeout(2)
            try:
                client.sendall(garbage)
                client.recv(1000)
            except OSError:
                pass
    assert store.ok("SELECT 1") == "1\n"
    no_length = b"POST /?query=SELECT%201 HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.create_connection(("127.0.0.1", store.port)) as client:
        client.sendall(no_length)
        assert b"411" in client.recv(1000).split(b"\r\n")[0]
