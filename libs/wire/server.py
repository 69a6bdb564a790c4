"""Starts a process's gRPC side."""

from __future__ import annotations

from typing import Any, Final

import grpc
import grpc.aio

from libs.boot.errors import StartError

MAX_MESSAGE_BYTES: Final = 16 << 20
_OPTIONS: Final[tuple[tuple[str, Any], ...]] = (
    ("grpc.so_reuseport", 0),  # a second process on the same port must fail, not share it
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
)


def grpc_server(*, max_calls: int = 4096) -> grpc.aio.Server:
    """A server without services yet; more than `max_calls` at once are answered RESOURCE_EXHAUSTED."""
    return grpc.aio.server(options=_OPTIONS, maximum_concurrent_rpcs=max_calls)


def bind(server: grpc.aio.Server, host: str, port: int) -> int:
    """Binds before `server.start()`; returns the port (0 picks one). Raises StartError where it is taken."""
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        bound = server.add_insecure_port(address)
    except RuntimeError:
        bound = 0
    if bound == 0:
        message = f"Port {port} on {host} cannot be used for gRPC: stop what holds it (`ss -ltnp sport = :{port}` names it) or set another port."
        raise StartError(message)
    return bound
