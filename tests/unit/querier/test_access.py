"""Local is open, remote is closed."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from libs.boot import StartError, load_settings
from libs.boot.observe import answer
from services.querier.access import guard
from services.querier.settings import QuerierSettings


async def app(_scope: Any, _receive: Any, send: Any) -> None:
    await answer(send, 200, b"in", "text/plain")


async def ask(settings: QuerierSettings, **headers: str) -> int:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(guard(settings)(app)), base_url="http://querier") as client:
        return (await client.get("/", headers=headers)).status_code


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.9.9.9"])
async def test_loopback_needs_no_token(host: str) -> None:
    assert await ask(load_settings(QuerierSettings, host=host)) == httpx.codes.OK


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "querier.example"])
def test_a_network_address_without_a_token_does_not_start(host: str) -> None:
    with pytest.raises(StartError, match="WEIR_QUERIER_TOKEN"):
        guard(load_settings(QuerierSettings, host=host))


async def test_the_token_is_asked_for() -> None:
    settings = load_settings(QuerierSettings, host="0.0.0.0", token="s3cret")  # noqa: S106  nobody's
    assert await ask(settings) == httpx.codes.UNAUTHORIZED
    assert await ask(settings, authorization="Bearer wrong") == httpx.codes.UNAUTHORIZED
    assert await ask(settings, authorization="Bearer s3cret") == httpx.codes.OK
