"""SIPp calls SIPp, over UDP and TCP: each call three rows, as many as both ends count, the invitation with the time that the caller waited."""

from __future__ import annotations

import re
import shutil
import statistics
from collections import Counter
from typing import TYPE_CHECKING, Final

import pytest

from tests.kernel.l7.watching import watching

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kernel.l7.conftest import Watched

pytestmark = pytest.mark.skipif(shutil.which("sipp") is None, reason="needs sip-tester")

CALLS: Final = 200


@pytest.mark.parametrize(("transport", "protocol"), [("u1", 17), ("t1", 6)])
def test_each_request_of_a_call_is_one_row(watched: Watched, tmp_path: Path, transport: str, protocol: int) -> None:
    ends = ("-i", "127.0.0.1", "-t", transport, "-nostdin")
    callee = ("sipp", "-sn", "uas", "-p", "5060", *ends)
    caller = ("sipp", "-sn", "uac", "127.0.0.1:5060", "-p", "5061", *ends, "-m", str(CALLS), "-r", "100", "-d", "20", "-trace_rtt", "-rtt_freq", "1")
    with watched.serving(*callee, folder=tmp_path), watching(watched.namespace, "SIP") as rows:
        watched.run("sh", "-c", f"cd {tmp_path} && sleep 0.5 && exec {' '.join(caller)}")

    assert {row["protocol"] for row in rows} == {protocol}
    counted = Counter((row["request_type"], row["type"], row["response_code"], row["response_status"]) for row in rows)
    assert counted == {("INVITE", 2, 200, 0): CALLS, ("ACK", 0, 0, 5): CALLS, ("BYE", 2, 200, 0): CALLS}
    (told,) = tmp_path.glob("*_rtt.csv")
    waited = [float(milliseconds) * 1e3 for milliseconds in re.findall(r"^[\d.]+;([\d.]+);", told.read_text(), re.MULTILINE)]
    assert len(waited) == CALLS
    took = [row["response_duration"] for row in rows if row["request_type"] == "INVITE"]
    # SIPp's clock ticks once a millisecond.
    assert statistics.mean(took) < statistics.mean(waited) + 1_500
    assert statistics.mean(waited) < statistics.mean(took) + 20_000
