"""Who may ask: anybody on this machine; over a network only who has the token."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Any

from libs.boot.observe import App, answer
from services.querier.settings import QuerierSettings


def guard(settings: QuerierSettings) -> Callable[[Any], App]:
    """Wraps an application so that it asks for the token where there is one."""
    token = settings.token.get_secret_value().encode()

    def wrap(app: App) -> App:
        if not token:
            return app

        async def guarded(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401  ASGI
            said = next((value for key, value in scope.get("headers", ()) if key == b"authorization"), b"")
            if scope["type"] == "http" and not hmac.compare_digest(said, b"Bearer " + token):
                body = b'{"OPT_STATUS":"FAIL","DESCRIPTION":"Send the header Authorization: Bearer <the querier\'s token>.","result":null}'
                await answer(send, 401, body, "application/json", ((b"www-authenticate", b"Bearer"),))
                return
            await app(scope, receive, send)

        return guarded

    return wrap
