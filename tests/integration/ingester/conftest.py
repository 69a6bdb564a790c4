"""Fixtures: the store once, everything else for each test."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from libs.tables import TABLES
from tests.bench.load import Template, batch, template
from tests.integration.ingester.processes import Ingester, Make, Store, Wire, free_port

RUN = b"\x01\x02\x03\x04"


@pytest.fixture(scope="session")
def session_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("store")
    port = free_port()
    env = {"WEIR_STORE_PORT": str(port), "WEIR_STORE_DATA_DIR": str(folder / "clickhouse"), "WEIR_STORE_MIN_FREE_MIB": "0"}
    store = Store(["services.store"], port, env, folder / "store.log")
    store.start()
    yield store
    store.signal(signal.SIGCONT)
    store.kill()


@pytest.fixture
def store(session_store: Store) -> Store:
    """The store, running, without any row."""
    if not session_store.is_alive:
        session_store.start()
    for table in TABLES:
        session_store.ask(f"TRUNCATE TABLE IF EXISTS {table.sql_name}")
    return session_store


@pytest.fixture
def bare_store(store: Store) -> Store:
    """The store without any of Weir's tables."""
    for database in ("flow_log", "flow_metrics"):
        store.ask(f"DROP DATABASE IF EXISTS {database}")
    return store


@pytest.fixture(scope="module")
def shared_ingester(session_store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ingester]:
    """An ingester with nothing but defaults, for the tests of one module that do not hurt it."""
    ingester = Ingester("flow_log", tmp_path_factory.mktemp("ingester"), session_store.url)
    ingester.start()
    yield ingester
    ingester.kill()


@pytest.fixture
def make_ingester(store: Store, tmp_path: Path) -> Iterator[Make]:
    """Starts an ingester of the store; `through` names another way to it."""
    made: list[Ingester] = []

    def make(decoder: str = "flow_log", *, through: Wire | None = None, wait_for: str = "/readyz", **settings: Any) -> Ingester:
        url = f"http://127.0.0.1:{through.port}" if through else store.url
        ingester = Ingester(decoder, tmp_path, url, **settings)
        made.append(ingester)
        ingester.start(wait_for)
        return ingester

    yield make
    for ingester in made:
        ingester.kill()


@pytest.fixture
def wire(session_store: Store) -> Iterator[Wire]:
    made = Wire(session_store.port)
    yield made
    made.close()


@pytest.fixture(scope="session")
def small() -> Template:
    """A request of 100 spans."""
    return template(100)


@pytest.fixture
def body(small: Template) -> Callable[..., bytes]:
    """Batch n of run 01020304, 100 spans."""
    return lambda number=0, now_ns=None: batch(small, RUN, number, now_ns)
