"""A stock ping to a namespace of its own: every echo exactly one row, with the round trip that ping took itself."""

from __future__ import annotations

import re
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable
from typing import Final

import orjson
import pytest
from weir_native import Engine

from tests.kernel.l7.watching import wait_until_open

ECHOES: Final = 200

pytestmark = pytest.mark.skipif(shutil.which("ping") is None, reason="needs iputils-ping")


def run(namespace: str, *command: str) -> str:
    return subprocess.run(["ip", "netns", "exec", namespace, *command], check=True, capture_output=True, text=True, timeout=60).stdout


def test_each_echo_is_one_row_with_the_time_of_ping(make_namespace: Callable[[], str]) -> None:
    namespace = make_namespace()
    run(namespace, "ip", "link", "set", "lo", "up")
    engine = Engine({})
    engine.start(ring_mib=8, netns=[(namespace, f"/run/netns/{namespace}")])
    wait_until_open(engine)
    told = run(namespace, "ping", "-c", str(ECHOES), "-i", "0.005", "127.0.0.1")
    closed = ["ip", "netns", "exec", namespace, "bash", "-c", "for n in 1 2 3; do echo x > /dev/udp/127.0.0.1/9; done"]
    subprocess.run(closed, check=False, capture_output=True)
    time.sleep(1.5)
    batches = engine.stop()
    rows = [orjson.loads(line) for batch in batches for line in batch.to_json_lines().splitlines()]
    pings = {row["request_id"]: row for row in rows if row.get("l7_protocol_str") == "Ping"}
    times = {int(seq): float(ms) * 1000 for seq, ms in re.findall(r"icmp_seq=(\d+) .* time=([0-9.]+) ms", told)}
    assert sorted(pings) == sorted(times) == list(range(1, ECHOES + 1))
    assert {(row["type"], row["response_status"]) for row in pings.values()} == {(2, 0)}
    slack = [times[seq] - row["response_duration"] for seq, row in pings.items()]
    assert min(slack) > -1_000
    assert statistics.median(slack) < 1_000
    # The kernel says that nobody listens there.
    unreachable = [row["icmp_unreachable"] for row in rows if row["table"] == "flow_log.l4_flow_log" and (row["protocol"], row["server_port"]) == (17, 9)]
    assert sum(unreachable) == 3
