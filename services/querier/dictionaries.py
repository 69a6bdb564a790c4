"""Which dictionaries of names the store has now."""

from __future__ import annotations

import asyncio

from libs.boot import Health, get_logger
from services.querier.errors import QuerierError
from services.querier.store import Store
from services.querier.translation.values import NAMES_DATABASE, Names

_SQL = f"SELECT name FROM system.dictionaries WHERE database = '{NAMES_DATABASE}' AND NOT startsWith(toString(status), 'FAILED') AND NOT (status = 'LOADED' AND element_count = 0)"  # noqa: S608  a constant


class Dictionaries:
    """Looks from time to time; a kind whose dictionary is not there or is empty has no names."""

    def __init__(self, store: Store, health: Health, every_s: float) -> None:
        self._store, self._health, self._every_s = store, health, every_s
        self.names = Names(frozenset())
        self._said = ""
        health.waiting_for("store", "The store has not answered yet.")

    async def refresh(self) -> None:
        """Looks once; keeps what it knew where the store does not answer."""
        try:
            found = frozenset(str(row[0]) for row in await self._store.rows(_SQL))
        except QuerierError as error:
            if self._said != str(error):
                get_logger("querier").warning("the store does not answer", reason=str(error))
                self._said = str(error)
            self._health.waiting_for("store", self._said)
            return
        self._said = ""
        self._health.ready("store")
        if found != self.names.kinds:
            self.names = Names(found)
            get_logger("querier").info("names", kinds=sorted(found))

    async def watch(self) -> None:
        """Looks for ever."""
        while True:
            await self.refresh()
            await asyncio.sleep(self._every_s)
