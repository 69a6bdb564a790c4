"""The way to ClickHouse, and what its failures mean.

Everything here blocks and is called in threads. An error is one of three: the rows are wrong, not now, or nobody knows.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

import clickhouse_connect
import urllib3
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from clickhouse_connect.driver.httputil import get_pool_manager
from weir_native import Block

from services.ingester.errors import InDoubt, NotNow, Rejected, StoreError

WRONG_ROWS: Final = frozenset((6, 26, 27, 33, 38, 41, 53, 69, 70, 72, 117, 128, 130, 131, 190, 321, 349, 441, 469, 675, 676))
"""ClickHouse error codes that blame the rows: cannot parse, convert or read them, out of range, too large, a violated constraint …"""
NOT_NOW: Final = frozenset(
    (3, 16, 47, 60, 74, 75, 76, 81, 87, 159, 160, 164, 172, 173, 192, 193, 194, 201, 202, 203, 209, 210, 216, 218, 225, 236, 241, 242, 243, 252, 286, 290)
) | frozenset((319, 341, 373, 394, 397, 425, 439, 473, 479, 497, 516, 519, 574, 689, 732, 745, 746, 999, 1001, 1002))
"""Codes that blame the store, its load, its disk, its users or its schema: the rows are as good as before."""
_TOO_MANY_PARTS: Final = 252
_CONNECTION_ERRORS: Final = (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError, urllib3.exceptions.NameResolutionError)


class Store:
    """One ClickHouse server. Thread-safe. Connects at the first use, and again after it was lost."""

    def __init__(self, url: str, *, timeout_s: float, connections: int = 8) -> None:
        self._url = url
        self._timeout_s = timeout_s
        self._pool = get_pool_manager(maxsize=connections, num_pools=2, block=False)
        self._client: Client | None = None

    @property
    def is_local(self) -> bool:
        """Whether it is on this machine."""
        return urlsplit(self._url).hostname in ("127.0.0.1", "::1", "localhost")

    @property
    def where(self) -> str:
        """Its address without the password."""
        parts = urlsplit(self._url)
        return f"{parts.scheme}://{parts.hostname}:{parts.port or 8123}"

    def insert(self, table: str, columns: list[str], block: Block, *, token: str, query_id: str, compressed: bool) -> None:
        """Inserts one Native block; returns when it is stored. Raises Rejected, NotNow or InDoubt.

        The same `token` sent again stores nothing that is stored already, partition by partition.
        """
        settings: dict[str, Any] = {
            "insert_deduplication_token": token,
            "insert_deduplicate": 1,
            "async_insert": 0,
            "max_partitions_per_insert_block": 0,
            "input_format_native_allow_types_conversion": 0,
            "wait_end_of_query": 1,
            "query_id": query_id,
        }
        if compressed:
            settings["decompress"] = 1
        try:
            # A memoryview, because the driver sends bytes a second time by itself when a connection breaks.
            self._connected().raw_insert(table, columns, memoryview(block), settings=settings, fmt="Native")  # type: ignore[arg-type]
        except (ClickHouseError, urllib3.exceptions.HTTPError, OSError) as error:
            raise classify(error) from error

    def rows(self, sql: str) -> list[list[str]]:
        """The answer to a question, as text fields."""
        try:
            answer = self._connected().raw_query(sql, fmt="TabSeparatedRaw")
        except (ClickHouseError, urllib3.exceptions.HTTPError, OSError) as error:
            raise classify(error) from error
        return [line.split("\t") for line in answer.decode().split("\n") if line]

    def command(self, sql: str, settings: dict[str, Any] | None = None) -> None:
        """Runs a statement without an answer."""
        try:
            self._connected().command(sql, settings=settings)
        except (ClickHouseError, urllib3.exceptions.HTTPError, OSError) as error:
            raise classify(error) from error

    def close(self) -> None:
        """Closes every connection."""
        if self._client is not None:
            self._client.close()
        self._pool.clear()

    def _connected(self) -> Client:
        if self._client is None:
            self._client = clickhouse_connect.get_client(
                dsn=self._url,
                pool_mgr=self._pool,
                autogenerate_session_id=False,
                compress=False,
                connect_timeout=3,
                send_receive_timeout=self._timeout_s,
                query_retries=0,
                client_name="weir-ingester",
            )
        return self._client


def classify(error: Exception) -> StoreError:
    """What an error of the driver means for the rows."""
    text = str(error).strip() or repr(error)
    code = getattr(error, "code", None) or 0
    if code:
        if code in WRONG_ROWS or (code == _TOO_MANY_PARTS and "partitions for single" in text):
            return Rejected(text, code)
        return NotNow(text, code) if code in NOT_NOW else Rejected(text, code, certain=False)
    cause: BaseException | None = error
    while cause is not None:
        reason = getattr(cause, "reason", None)
        if isinstance(cause, (*_CONNECTION_ERRORS, ConnectionRefusedError)) or isinstance(reason, _CONNECTION_ERRORS):
            return NotNow(f"it cannot be reached: {type(reason or cause).__name__}")
        cause = cause.__cause__ or cause.__context__
    return InDoubt(text)
