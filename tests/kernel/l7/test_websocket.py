"""Python's websockets with itself: each connection one row of HTTP, each message of either end one row with its length."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from tests.kernel.l7.conftest import Watched

pytest.importorskip("websockets")

ROOMS: Final = 8
MESSAGES: Final = 200

# Compressed in every second room; the server answers with the first half of what it was told.
CLIENT: Final = """
import sys, threading
from websockets.sync.client import connect
from websockets.sync.server import serve
def echo(connection):
    for message in connection:
        connection.send(message[:len(message) // 2])
server = serve(echo, "127.0.0.1", 8080)
threading.Thread(target=server.serve_forever, daemon=True).start()
rooms, messages = map(int, sys.argv[1:])
for room in range(rooms):
    with connect("ws://127.0.0.1:8080/rooms/%d" % room, compression=(None, "deflate")[room % 2]) as connection:
        for number in range(messages):
            message = ("m" * (number * 331 % 70_000), b"b" * number)[number % 2]
            connection.send(iter([message[:10], message[10:]]) if number % 5 == 0 else message)
            assert connection.recv() == message[:len(message) // 2]
server.shutdown()
"""


def test_each_message_is_one_row_with_its_length(watched: Watched) -> None:
    watched.client(CLIENT, str(ROOMS), str(MESSAGES))
    opened = [row for row in watched.rows if row["l7_protocol_str"] == "HTTP"]
    rows = [row for row in watched.rows if row["l7_protocol_str"] == "WebSocket"]
    assert [(row["request_resource"], row["response_code"], row["type"]) for row in opened] == [(f"/rooms/{room}", 101, 2) for room in range(ROOMS)]
    kinds = Counter((row["request_type"], row["attributes"]["websocket.from"], row["request_resource"]) for row in rows)
    for room in range(ROOMS):
        for end in ("client", "server"):
            assert kinds["Text", end, f"/rooms/{room}"] == kinds["Binary", end, f"/rooms/{room}"] == MESSAGES // 2
            assert kinds["Close", end, f"/rooms/{room}"] == 1
    assert len(rows) == ROOMS * 2 * (MESSAGES + 1)
    lengths = [number * 331 % 70_000 if number % 2 == 0 else number for number in range(MESSAGES)]
    for room in range(0, ROOMS, 2):
        said = [row for row in rows if row["request_resource"] == f"/rooms/{room}" and row["request_type"] != "Close"]
        assert [row["request_length"] for row in said if row["attributes"]["websocket.from"] == "client"] == lengths
        assert [row["request_length"] for row in said if row["attributes"]["websocket.from"] == "server"] == [length // 2 for length in lengths]
