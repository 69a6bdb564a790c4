"""The engine at work in a network namespace, and the rows that come of what is said there."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import orjson
from weir_native import Engine

OPENED_S: Final = 60
"""How long opening a ring may take on a busy machine."""


def wait_until_open(engine: Engine) -> None:
    """Returns once `engine`, which was started with one namespace besides its own, hears that one: it opens it by and by."""
    until = time.monotonic() + OPENED_S
    while engine.stats().get("netns", 0) < 2:
        assert time.monotonic() < until, "the namespace was never opened"
        time.sleep(0.05)


@contextmanager
def watching(namespace: str, protocol: str = "") -> Iterator[list[dict[str, Any]]]:
    """A list that has the rows of `protocol` (all of them for ""), in order of time, once the block has ended. Not a packet may be dropped."""
    engine = Engine({})
    rows: list[dict[str, Any]] = []
    engine.start(ring_mib=64, netns=[(namespace, f"/run/netns/{namespace}")])
    try:
        wait_until_open(engine)
        yield rows
        time.sleep(1.5)
        dropped = {name: count for name, count in engine.stats().items() if "dropped" in name and count}
    finally:
        batches = engine.stop()
    assert dropped == {}
    lines = (line for batch in batches if batch.table == "flow_log.l7_flow_log" for line in batch.to_json_lines().splitlines())
    found = sorted(map(orjson.loads, lines), key=lambda row: str(row["start_time"]))
    rows += [row for row in found if protocol in ("", row["l7_protocol_str"])]
