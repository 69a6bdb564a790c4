"""The agent's own sender against real ingesters: its answer is lost, somebody is killed, and the rows are there once."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.integration.ingester.processes import ROOT, Body, Make, Store, Wire

_AGENT = """
import asyncio, sys, time
from pathlib import Path
import httpx
from agent.send.item import Item
from agent.send.sender import Sender
from agent.send.spool import Spool

async def main(folder, url, body):
    spool = Spool(Path(folder), memory_bytes=1 << 20, disk_bytes=1 << 24, on_drop=lambda rows, reason: print("dropped", rows, reason, flush=True))
    async with httpx.AsyncClient(trust_env=False) as client:
        sender = Sender("flow_log", spool, client, url=url)
        if body:
            sender.put(Item("traces", {"flow_log.l7_flow_log": 100}, Path(body).read_bytes(), "identity", int(time.time() * 1000)))
            spool.spill()
        task = asyncio.create_task(sender.run())
        while not await sender.drained(1):
            pass
        print("drained", flush=True)
        task.cancel()

asyncio.run(main(*sys.argv[1:4]))
"""


def start(folder: Path, url: str, body: str = "") -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", _AGENT, str(folder), url, body], cwd=ROOT, stdout=subprocess.PIPE)


def assert_delivers(agent: subprocess.Popen[bytes]) -> None:
    said = agent.communicate(timeout=30)[0]
    assert said.endswith(b"drained\n")
    assert b"dropped" not in said


def wait_until_stored(store: Store, rows: int) -> None:
    end = time.monotonic() + 20
    while store.count() < rows:
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture
def request_file(tmp_path: Path, body: Body) -> str:
    path = tmp_path / "request"
    path.write_bytes(body())
    return str(path)


def test_agent_killed_between_insert_and_answer_and_moved_to_another_ingester(make_ingester: Make, store: Store, request_file: str, tmp_path: Path) -> None:
    """The other ingester runs since before: nothing but the sender's word makes it ask the store."""
    first, second = make_ingester(), make_ingester()
    lossy = Wire(first.port, marks=(b"POST /v1/",))
    lossy.lose_answers = 1_000_000
    spool = tmp_path / "spool"
    killed = start(spool, f"http://127.0.0.1:{lossy.port}", request_file)
    wait_until_stored(store, 100)
    killed.kill()
    assert b"drained" not in killed.communicate()[0]
    lossy.close()
    assert_delivers(start(spool, second.url))
    assert store.batches("01020304") == {0: (100, 100)}
    assert second.metric("weir_rows_duplicate_total") == 100
    second.assert_ledger_balances()


def test_agent_whose_answer_was_lost_is_moved_to_another_ingester(make_ingester: Make, store: Store, request_file: str, tmp_path: Path) -> None:
    first, second = make_ingester(), make_ingester()
    lossy = Wire(first.port, marks=(b"POST /v1/",))
    lossy.lose_answers, lossy.after_loss_to = 1, second.port
    assert_delivers(start(tmp_path / "spool", f"http://127.0.0.1:{lossy.port}", request_file))
    assert store.batches("01020304") == {0: (100, 100)}
    assert (first.metric("weir_rows_out_total"), second.metric("weir_rows_duplicate_total")) == (100, 100)
    lossy.close()


def test_ingester_killed_between_insert_and_answer(make_ingester: Make, store: Store, wire: Wire, request_file: str, tmp_path: Path) -> None:
    ingester = make_ingester(through=wire)
    wire.lose_answers = 1_000_000
    agent = start(tmp_path / "spool", ingester.url, request_file)
    wait_until_stored(store, 100)
    ingester.kill()
    wire.lose_answers = 0
    ingester.start()
    assert_delivers(agent)
    assert store.batches("01020304") == {0: (100, 100)}
    assert ingester.metric("weir_rows_duplicate_total") == 100
