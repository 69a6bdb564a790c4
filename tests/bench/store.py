"""A store of a bench's own, and what it has."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import httpx

from tests.bench.processes import Child, free_port, service


class Store:
    """A running store."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, sql: str) -> list[list[str]]:
        """Rows as text fields. Raises RuntimeError with the store's own words."""
        answer = httpx.post(self.url, content=sql, timeout=300, trust_env=False)
        if answer.status_code != httpx.codes.OK:
            raise RuntimeError(answer.text[:1000])
        return [line.split("\t") for line in answer.text.splitlines()]

    def number(self, sql: str) -> float:
        """The one number that `sql` asks for."""
        return float(self.ask(sql)[0][0])

    def stored_bytes(self, database: str, table: str) -> tuple[int, int]:
        """(rows, bytes on disk) of a table after everything is merged. What an index takes counts."""
        self.ask(f"OPTIMIZE TABLE {database}.{table} FINAL")
        row = self.ask(f"SELECT sum(rows), sum(bytes_on_disk) FROM system.parts WHERE active AND database = '{database}' AND table = '{table}'")[0]
        return int(row[0]), int(row[1])


def start(folder: Path, *, cores: Iterable[int] = ()) -> tuple[Child, Store]:
    """A store with an empty folder."""
    port = free_port()
    return service("services.store", folder=folder, port=port, cores=cores), Store(f"http://127.0.0.1:{port}")
