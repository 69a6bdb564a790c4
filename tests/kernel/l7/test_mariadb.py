"""A client of ours against a stock MariaDB in a namespace of its own: every statement exactly one row."""

from __future__ import annotations

import shutil
import statistics
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from tests.kernel.l7.conftest import Watched

PORT: Final = 3306
ROUNDS: Final = 400

pytestmark = pytest.mark.skipif(any(shutil.which(program) is None for program in ("mariadbd", "mariadb-install-db")), reason="needs mariadb-server-core")

# Login without a password, then one statement after the other, each timed; then several at once in one packet, which is a statement still.
CLIENT: Final = """
import json, socket, struct, sys, time
s = socket.create_connection(("127.0.0.1", 3306))
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
def whole(size):
    got = b""
    while len(got) < size:
        got += s.recv(size - len(got))
    return got
def packet():
    head = whole(4)
    return whole(int.from_bytes(head[:3], "little"))
packet()
login = struct.pack("<IIB23x", 0x8200 | 0x80000, 1 << 24, 45) + b"root\\0\\0mysql_native_password\\0"
s.sendall(len(login).to_bytes(3, "little") + b"\\1" + login)
answer = packet()
if answer[0] == 0xfe:
    s.sendall(b"\\0\\0\\0\\3")
    answer = packet()
assert answer[0] == 0, answer
def ask(text):
    command = b"\\3" + text.encode()
    start = time.perf_counter()
    s.sendall(len(command).to_bytes(3, "little") + b"\\0" + command)
    first = packet()
    took = (time.perf_counter() - start) * 1e6
    ends = 0
    while first[0] not in (0, 0xff) and ends < 2:
        ends += packet()[0] == 0xfe
    return first[0] == 0xff, took
ask("create database shop")
ask("create table shop.items (id int primary key, name text)")
for number in range(int(sys.argv[1])):
    text = (
        f"insert into shop.items values ({number}, '{'x' * (number * 11 % 9000)}')",
        f"select {number}, name from shop.items limit 3",
        f"insert into shop.items values ({number - 2}, 'twice')",
        f"select {number} from shop.missing",
    )[number % 4]
    print(json.dumps([text, *ask(text)]))
s.sendall(b"\\1\\0\\0\\0\\1")
"""


@pytest.fixture
def server(watched: Watched, tmp_path: Path) -> Iterator[Watched]:
    data = tmp_path / "data"
    words = ["mariadb-install-db", "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal", "--skip-test-db", "--user=root"]
    subprocess.run(words, check=True, capture_output=True)
    options = [f"--datadir={data}", f"--socket={tmp_path / 'sock'}", f"--port={PORT}", "--bind-address=127.0.0.1", "--user=root"]
    options += ["--innodb-buffer-pool-size=8M", "--skip-log-bin", "--skip-name-resolve", "--skip-grant-tables"]
    process = subprocess.Popen([*watched.inside, "mariadbd", "--no-defaults", *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        watched.wait_for_port(PORT)
        yield watched
    finally:
        process.terminate()
        process.wait(timeout=30)


def test_each_statement_is_one_row_with_the_answer_and_the_time_of_the_client(server: Watched) -> None:
    told = server.client(CLIENT, str(ROUNDS))
    rows = [row for row in server.rows if row["l7_protocol_str"] == "MySQL"]
    assert [row["request_type"] for row in rows] == ["LOGIN", *["COM_QUERY"] * (ROUNDS + 2), "COM_QUIT"]
    assert {row["type"] for row in rows[:-1]} == {2}
    asked = rows[3:-1]
    assert [row["request_resource"][:8192] for row in asked] == [text[:8192] for text, *_ in told]
    slack = []
    for row, (text, failed, took_us) in zip(asked, told, strict=True):
        assert (row["response_status"] == 4) == failed, text
        slack.append(took_us - row["response_duration"])
    assert sum(failed for _, failed, _ in told) == ROUNDS // 2
    assert sum(row["sql_affected_rows"] for row in asked) == ROUNDS // 4
    assert min(slack) > -1_000, "clocks differ by less than a millisecond"
    assert statistics.median(slack) < 5_000
