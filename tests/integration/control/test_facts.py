"""genesis's ledger, with a real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from libs.postgres import Database, migrate
from services.genesis.errors import TooManySources
from services.genesis.ledger import Ledger
from tests.integration.control.control_plane import ROOT, FakeAgent, namespace


def machine(**more: object) -> FakeAgent:
    return FakeAgent(None, version=1, **more)  # type: ignore[arg-type]


@pytest.fixture
async def ledger(dsn: str) -> AsyncIterator[Ledger]:
    database = Database(dsn, "test")
    await database.open()
    async with database.connection() as connection:
        await migrate(connection, "genesis", ROOT / "services" / "genesis" / "migrations")
    yield Ledger(database, max_sources=3)
    await database.close()


async def clock(ledger: Ledger) -> int:
    return max((row.change for row in await ledger.changed_since(0)), default=0)


async def test_only_a_report_that_says_something_new_makes_a_version(ledger: Ledger) -> None:
    agent = machine()
    assert (await ledger.take(agent.facts())).outcome == "changed"
    first = await clock(ledger)
    assert (await ledger.take(agent.facts(version=2, vtap_id=9))).outcome == "same"
    assert (await ledger.take(agent.facts(version=2, unchanged=True))).outcome == "heartbeat"
    assert await clock(ledger) == first
    agent.namespaces = [namespace("x", "10.0.0.1/24")]
    assert (await ledger.take(agent.facts(version=3))).outcome == "changed"
    assert await clock(ledger) == first + 1


async def test_unchanged_of_what_is_not_held_asks_for_everything(ledger: Ledger) -> None:
    agent = machine()
    taken = await ledger.take(agent.facts(unchanged=True))
    assert (taken.need_full, taken.version) == (True, 0)
    await ledger.take(agent.facts(version=4))
    taken = await ledger.take(agent.facts(version=5, unchanged=True))
    assert (taken.need_full, taken.version) == (True, 4)


async def test_an_older_report_is_not_taken_and_the_answer_says_where_to_go_on(ledger: Ledger) -> None:
    agent = machine()
    await ledger.take(agent.facts(version=10))
    agent.namespaces = [namespace("late", "10.0.0.1/24")]
    taken = await ledger.take(agent.facts(version=9))
    assert (taken.outcome, taken.need_full, taken.version) == ("older", True, 10)
    (held,) = await ledger.changed_since(0)
    assert b"late" not in (held.sync or b"")


async def test_silence_expires_and_coming_back_needs_everything(ledger: Ledger) -> None:
    agent = machine()
    await ledger.take(agent.facts())
    before = await clock(ledger)
    assert await ledger.expire(60) == []
    assert len(await ledger.expire(0)) == 1
    (gone,) = await ledger.changed_since(before)
    assert gone.sync is None
    assert (await ledger.take(agent.facts(unchanged=True))).need_full
    assert (await ledger.take(agent.facts())).outcome == "changed"
    (back,) = await ledger.changed_since(gone.change)
    assert back.source == gone.source


async def test_a_source_too_many_is_refused_and_the_others_go_on(ledger: Ledger) -> None:
    agents = [machine() for _ in range(3)]
    for agent in agents:
        await ledger.take(agent.facts())
    with pytest.raises(TooManySources, match="WEIR_GENESIS_MAX_SOURCES"):
        await ledger.take(machine().facts())
    agents[0].hostname = "other"
    assert (await ledger.take(agents[0].facts(version=2))).outcome == "changed"


async def test_reports_at_once_become_versions_one_after_the_other(ledger: Ledger) -> None:
    agents = [machine() for _ in range(3)]
    outcomes = await asyncio.gather(*(ledger.take(agent.facts()) for agent in agents for _ in range(5)))
    assert sorted(taken.outcome for taken in outcomes) == ["changed"] * 3 + ["same"] * 12
    changes = [row.change for row in await ledger.changed_since(0)]
    assert len(set(changes)) == 3
    assert max(changes) - min(changes) == 2
