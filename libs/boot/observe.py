"""`/healthz`, `/readyz` and `/metrics` in front of any ASGI application, FastAPI or bare."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import orjson
from prometheus_client import REGISTRY
from prometheus_client.exposition import choose_encoder

from libs.boot.health import Health
from libs.boot.protocol import HangUp

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


async def answer(
    send: Send, status: int, body: bytes, content_type: str, headers: tuple[tuple[bytes, bytes], ...] = (), *, hang_up: HangUp | None = None
) -> None:
    """One whole HTTP response; `hang_up` where the request's body shall stay unread."""
    closing = ((b"connection", b"close"),) if hang_up is not None else ()
    head = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode()), *closing, *headers]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": body, "more_body": hang_up is not None})
    if hang_up is not None:
        await hang_up()


def observe(app: App | None, health: Health) -> App:
    """`app` with the three paths in front of it; without an app every other path is 404."""

    async def observed(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path")
        if scope["type"] == "http" and path == "/healthz":
            await answer(send, 200, b'{"status":"alive"}', "application/json")
        elif scope["type"] == "http" and path == "/readyz":
            report = health.report()
            ready = not any(report.values())
            body = orjson.dumps({"status": "ready" if ready else "not ready", "waiting_for": {k: v for k, v in report.items() if v}})
            await answer(send, 200 if ready else 503, body, "application/json")
        elif scope["type"] == "http" and path == "/metrics":
            accept = next((value.decode("latin-1") for key, value in scope["headers"] if key == b"accept"), "")
            encoder, content_type = choose_encoder(accept)
            await answer(send, 200, encoder(REGISTRY), content_type)
        elif app is not None:
            await app(scope, receive, send)
        elif scope["type"] == "http":
            await answer(send, 404, b'{"error":"no such path; try /healthz, /readyz or /metrics"}', "application/json")
        elif scope["type"] == "lifespan":
            await _lifespan(receive, send)

    return observed


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
