"""Capture files: damaged, packed, refused; and what can be set on an engine."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import weir_native

Make = Callable[..., Any]
Talk = Any
"""A `Conversation`; pytest loads the class from conftest.py, where it cannot be imported from."""


def _records(talk: Talk) -> bytes:
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 1)
    return head + b"".join(struct.pack("<IIII", time // 10**6, time % 10**6, len(frame), wire) + frame for time, frame, wire in talk.records)


def test_a_gzipped_capture_gives_the_same_rows(conversation: Make, replayed: Make) -> None:
    talk = conversation().opened().c("FA").s("FA", ack=2).c("A", seq=2, ack=2)
    assert replayed(talk, zipped=True).tables == replayed(talk).tables


def test_a_capture_cut_in_the_middle_gives_what_is_whole(conversation: Make, replayed: Make) -> None:
    talk = conversation().opened().c("PA", payload=b"x" * 100)
    whole = replayed(_records(talk))
    cut = replayed(_records(talk)[:-30])
    assert (whole.stats["packets"], whole.stats["capture_cut"]) == (4, 0)
    assert (cut.stats["packets"], cut.stats["capture_cut"], cut.flow["packet_tx"]) == (3, 1, 2)


def test_what_is_no_capture_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"not a capture at all, but long enough")
    with pytest.raises(ValueError, match="not a pcap"):
        weir_native.Engine().replay(path)
    with pytest.raises(OSError, match="No such file"):
        weir_native.Engine().replay(tmp_path / "missing")


def test_a_setting_that_does_not_exist_is_refused() -> None:
    for config in ({"agent": 1}, {"timeouts": {"never_s": 1}}, {"l7_settings": {"speed": 1}}, {"max_flows": 0}):
        with pytest.raises(ValueError, match=r"no such|at least"):
            weir_native.Engine(config)  # type: ignore[arg-type]


def test_tables_that_are_not_wanted_are_not_made(conversation: Make, replayed: Make) -> None:
    talk = conversation().opened().c("PA", payload=b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    assert set(replayed(talk, config={"documents": False, "l7": False}).tables) == {"flow_log.l4_flow_log"}
    assert "flow_log.l4_flow_log" not in replayed(talk, config={"l4_log": False}).tables
    assert "flow_log.l7_flow_log" not in replayed(talk, config={"l7_log": False}).tables


def test_rows_carry_the_agent(conversation: Make, replayed: Make) -> None:
    for rows in replayed(conversation().opened(), config={"agent_id": 42}).tables.values():
        assert {row["agent_id"] for row in rows} == {42}


def test_an_engine_that_does_not_run_says_so() -> None:
    engine = weir_native.Engine()
    assert (engine.stop(), engine.stats()) == ([], {})
    with pytest.raises(RuntimeError, match="not running"):
        engine.drain()
