"""ClickHouse's side of the names: tables, dictionaries, inserts, reloads. Blocking; run it in a thread."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from typing import Final

import clickhouse_connect
import orjson
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from urllib3.exceptions import HTTPError

from libs.tables.tag import DATABASE, NAME_TABLES, NameTable, stamp
from services.tagrecorder.errors import ClickhouseUnavailable
from services.tagrecorder.names import Key, Values

_TIMEOUT_S: Final = 30
_CONNECT_TIMEOUT_S: Final = 3


@contextlib.contextmanager
def _unavailable() -> Iterator[None]:
    try:
        yield
    except (ClickHouseError, HTTPError, OSError) as error:
        message = f"ClickHouse cannot answer now ({' '.join(str(error).split())[:300]}); it is asked again until it does."
        raise ClickhouseUnavailable(message) from error


class Clickhouse:
    """Every method raises ClickhouseUnavailable; none keeps state but the connection and the last version."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client: Client | None = None
        self._version = 0

    def _connected(self) -> Client:
        if self._client is None:
            self._client = clickhouse_connect.get_client(
                dsn=self._url, connect_timeout=_CONNECT_TIMEOUT_S, send_receive_timeout=_TIMEOUT_S, autogenerate_session_id=False, query_retries=0
            )
        return self._client

    def close(self) -> None:
        """Gives the connection back; the next use makes another."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def prepare(self) -> None:
        """Makes the tables and dictionaries that are missing, and makes anew those that an older version of Weir made."""
        with _unavailable():
            client = self._connected()
            client.command(f"CREATE DATABASE IF NOT EXISTS `{DATABASE}`")
            found = {
                str(name): str(comment)
                for name, comment in client.query(f"SELECT name, comment FROM system.tables WHERE database = '{DATABASE}'").result_rows  # noqa: S608  a constant
            }
            for table in NAME_TABLES:
                create = table.create_rows()
                if found.get(f"{table.kind}_rows") != stamp(create):
                    client.command(f"DROP DICTIONARY IF EXISTS {table.dictionary}")
                    client.command(f"DROP TABLE IF EXISTS {table.rows}")
                    client.command(create)
                    found.pop(table.kind, None)
                create = table.create_dictionary()
                if found.get(table.kind) != stamp(create):
                    client.command(create)

    def present(self, table: NameTable) -> dict[Key, Values]:
        """The rows that are there now."""
        columns = ", ".join(f"`{column.name}`" for column in table.columns)
        with _unavailable():
            rows = self._connected().query(f"SELECT id, toUnixTimestamp(valid_from), toUnixTimestamp(valid_to), {columns} FROM {table.rows} FINAL").result_rows  # noqa: S608  constants
        return {(int(row[0]), int(row[1])): tuple(row[2:]) for row in rows}

    def write(self, table: NameTable, rows: Mapping[Key, Values], removed: Mapping[Key, Values] | None = None) -> None:
        """Writes rows, takes removed ones away, and reloads the dictionary."""
        self._version = max(time.time_ns() // 1_000_000, self._version + 1)
        names = ["id", "valid_from", "valid_to", *(column.name for column in table.columns), "version", "gone"]
        lines = [orjson.dumps(dict(zip(names, (*key, *values, self._version, 0), strict=True))) for key, values in rows.items()]
        lines += [orjson.dumps(dict(zip(names, (*key, *values, self._version, 1), strict=True))) for key, values in (removed or {}).items()]
        with _unavailable():
            client = self._connected()
            if lines:
                # The client's own insert would import pandas, numpy and pyarrow for these few rows.
                client.raw_insert(table.rows, names, b"\n".join(lines), fmt="JSONEachRow")
            client.command(f"SYSTEM RELOAD DICTIONARY {table.dictionary}")
