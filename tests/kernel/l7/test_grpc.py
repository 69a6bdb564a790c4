"""Python's gRPC, server and client, of every kind of call: each call one row with its gRPC status and the client's own time."""

from __future__ import annotations

import statistics
import sys
import textwrap
from collections import Counter
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from tests.kernel.l7.conftest import Watched

pytest.importorskip("grpc")

PORT: Final = 50051
ROUNDS: Final = 840
AT_ONCE: Final = 600

SERVER: Final = """
import concurrent.futures, grpc, time
class Shop(grpc.GenericRpcHandler):
    def service(self, call):
        name = call.method.rpartition("/")[2]
        return {
            "Get": grpc.unary_unary_rpc_method_handler(get), "List": grpc.unary_stream_rpc_method_handler(list_),
            "Sum": grpc.stream_unary_rpc_method_handler(lambda all_, context: b"%d" % sum(map(len, all_))),
            "Chat": grpc.stream_stream_rpc_method_handler(lambda all_, context: (b"re " + one for one in all_)),
        }.get(name)
def get(request, context):
    word = request.partition(b" ")[0].decode()
    if word == "slow":
        time.sleep(0.5)
    if word in grpc.StatusCode.__members__:
        context.abort(grpc.StatusCode[word], f"because of {word}: 100 % \\u00fc")
    return request * 3
def list_(request, context):
    for number in range(len(request)):
        yield b"%d " % number * 2000
    if request.startswith(b"broken"):
        context.abort(grpc.StatusCode.DATA_LOSS, "lost")
server = grpc.server(concurrent.futures.ThreadPoolExecutor(4))
server.add_generic_rpc_handlers([Shop()])
assert server.add_insecure_port("127.0.0.1:50051")
server.start()
server.wait_for_termination()
"""

# One call after the other, each timed by the client itself; then many without waiting.
CLIENT: Final = """
import grpc, json, sys, time
channel = grpc.insecure_channel("127.0.0.1:50051")
grpc.channel_ready_future(channel).result()
get, list_ = channel.unary_unary("/shop.Shop/Get"), channel.unary_stream("/shop.Shop/List")
sum_, chat = channel.stream_unary("/shop.Shop/Sum"), channel.stream_stream("/shop.Shop/Chat")
missing = channel.unary_unary("/shop.Shop/Missing")
kinds = (
    ("Get", lambda: get(b"fine " * 100)), ("Get", lambda: get(b"NOT_FOUND")), ("Get", lambda: get(b"INTERNAL")), ("List", lambda: list(list_(b"x" * 40))),
    ("List", lambda: list(list_(b"broken"))), ("Sum", lambda: sum_(iter([b"y" * 3000] * 20))), ("Chat", lambda: list(chat(iter([b"hello"] * 12)))),
    ("Get", lambda: get(b"z" * 300_000)), ("Missing", lambda: missing(b"")), ("Get", lambda: get(b"slow", timeout=0.05)),
)
for number in range(int(sys.argv[1])):
    # Waiting until it is too late takes its time: rarely.
    name, call = kinds[9 if number % 84 == 83 else number % 9]
    start, code = time.perf_counter(), "OK"
    try:
        call()
    except grpc.RpcError as error:
        code = error.code().name
    print(json.dumps([name, code, (time.perf_counter() - start) * 1e6]))
for future in [get.future(b"at once %d" % number) for number in range(int(sys.argv[2]))]:
    assert future.result().startswith(b"at once")
channel.close()
"""
# What each status is to us: the client's fault, the server's, or too late.
SORTED: Final = {"OK": 0, "NOT_FOUND": 4, "INTERNAL": 3, "DATA_LOSS": 3, "UNIMPLEMENTED": 3, "DEADLINE_EXCEEDED": 2}
CODES: Final = {"OK": 0, "DEADLINE_EXCEEDED": 4, "NOT_FOUND": 5, "UNIMPLEMENTED": 12, "INTERNAL": 13, "DATA_LOSS": 15}


def test_each_call_is_one_row_with_its_status_and_the_time_of_the_client(watched: Watched) -> None:
    with watched.serving(sys.executable, "-c", textwrap.dedent(SERVER), port=PORT):
        told = watched.client(CLIENT, str(ROUNDS), str(AT_ONCE))
    rows = [row for row in watched.rows if row["l7_protocol_str"] == "gRPC"]
    assert len(rows) == ROUNDS + AT_ONCE
    assert {row["l7_protocol_str"] for row in watched.rows} == {"gRPC"}
    assert Counter(row["request_resource"] for row in rows) == Counter(f"/shop.Shop/{name}" for name in [name for name, *_ in told] + ["Get"] * AT_ONCE)
    slack = []
    for row, (name, code, took_us) in zip(rows, told, strict=False):
        assert (row["request_resource"], row["endpoint"]) == (f"/shop.Shop/{name}", f"/shop.Shop/{name}")
        told_code, told_status = row["response_code"], row["response_status"]
        if code == "DEADLINE_EXCEEDED":
            # Either end notices first: the client then cancels, and wants no answer.
            assert (told_code, told_status) in {(CODES[code], SORTED[code]), (1, 4)}
        else:
            assert (row["type"], told_code, told_status) == (2, CODES[code], SORTED[code])
            slack.append(took_us - row["response_duration"])
        if code == "NOT_FOUND":
            assert row["response_exception"] == "because of NOT_FOUND: 100 % ü"
    assert {(row["type"], row["response_code"]) for row in rows[ROUNDS:]} == {(2, 0)}
    assert min(slack) > -1_000, "clocks differ by less than a millisecond"
    assert statistics.median(slack) < 5_000
