"""A gRPC server and a client of it: unary and streams in both directions, successes and errors. Usage: calls.py server PORT | client HOST:PORT COUNT"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from concurrent import futures
from typing import Any

import grpc


def unary(request: bytes, context: grpc.ServicerContext) -> bytes:
    if request.startswith(b"missing"):
        context.abort(grpc.StatusCode.NOT_FOUND, "no such cart")
    if request.startswith(b"broken"):
        context.abort(grpc.StatusCode.INTERNAL, "out of order: 50%")
    return request * 2


def down(request: bytes, _context: grpc.ServicerContext) -> Iterator[bytes]:
    return iter([request] * 5)


def up(requests: Iterator[bytes], _context: grpc.ServicerContext) -> bytes:
    return b"".join(requests)


def both(requests: Iterator[bytes], _context: grpc.ServicerContext) -> Iterator[bytes]:
    yield from requests


def serve(port: str) -> None:
    server = grpc.server(futures.ThreadPoolExecutor(4))
    handlers = {
        "Get": grpc.unary_unary_rpc_method_handler(unary),
        "Watch": grpc.unary_stream_rpc_method_handler(down),
        "Put": grpc.stream_unary_rpc_method_handler(up),
        "Chat": grpc.stream_stream_rpc_method_handler(both),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("shop.Cart", handlers),))
    assert server.add_insecure_port(f"0.0.0.0:{port}")
    server.start()
    server.wait_for_termination()


def ask(target: str, count: int) -> None:
    """Prints path, status code and µs of each call."""
    with grpc.insecure_channel(target) as opened:
        channel: Any = opened  # its stubs want serializers, which are optional
        calls: dict[str, Any] = {
            "Get": channel.unary_unary("/shop.Cart/Get"),
            "Watch": lambda body: list(channel.unary_stream("/shop.Cart/Watch")(body)),
            "Put": lambda body: channel.stream_unary("/shop.Cart/Put")(iter([body] * 3)),
            "Chat": lambda body: list(channel.stream_stream("/shop.Cart/Chat")(iter([body] * 3))),
            "None": channel.unary_unary("/shop.Cart/None"),
        }
        calls["Get"](b"warm", wait_for_ready=True, timeout=10)
        sys.stdout.write(json.dumps(["/shop.Cart/Get", 0, 0]) + "\n")
        for number in range(count):
            name = list(calls)[number % len(calls)]
            body = ((b"cart", b"missing", b"broken")[number // len(calls) % 3] + b"-%d" % number) * (1 + number % 7 * 30)
            start, code = time.perf_counter(), 0
            try:
                calls[name](body)
            except grpc.RpcError as error:
                code = error.code().value[0]
            sys.stdout.write(json.dumps([f"/shop.Cart/{name}", code, (time.perf_counter() - start) * 1e6]) + "\n")


if __name__ == "__main__":
    if sys.argv[1] == "server":
        serve(sys.argv[2])
    else:
        ask(sys.argv[2], int(sys.argv[3]))
