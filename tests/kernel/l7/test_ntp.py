"""A stock chronyd asked for the time: each question one row with what it says of itself and the time that the answer took."""

from __future__ import annotations

import shutil
import statistics
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kernel.l7.conftest import Watched

pytestmark = pytest.mark.skipif(shutil.which("chronyd") is None, reason="needs chrony")

QUESTIONS: Final = 300

CHRONY: Final = """
local stratum 7
bindaddress 127.0.0.1
allow all
cmdport 0
bindcmdaddress /
pidfile {work}/pid
"""

CLIENT: Final = """
import json, os, socket, sys, time
stream = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
stream.connect(("127.0.0.1", 123))
stream.settimeout(0.2)
def ask():
    question = bytes([0x23]) + bytes(39) + os.urandom(8)
    start = time.perf_counter()
    stream.send(question)
    answer = stream.recv(1000)
    took = (time.perf_counter() - start) * 1e6
    assert answer[24:32] == question[40:]
    return [answer[1], took]
for _ in range(int(sys.argv[1])):
    print(json.dumps(ask()))
"""

READY: Final = """
import socket, time
for _ in range(100):
    stream = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    stream.connect(("127.0.0.1", 123))
    stream.settimeout(0.2)
    try:
        stream.send(bytes([0x23]) + bytes(47))
        stream.recv(1000)
        break
    except OSError:
        time.sleep(0.05)
"""


def test_each_question_is_one_row_with_the_stratum_and_the_time_of_the_client(watched: Watched, tmp_path: Path) -> None:
    (tmp_path / "chrony.conf").write_text(CHRONY.format(work=tmp_path))
    # -x: it leaves this machine's clock alone.
    with watched.serving("chronyd", "-d", "-x", "-u", "root", "-f", str(tmp_path / "chrony.conf")):
        watched.client(READY)
        told = watched.client(CLIENT, str(QUESTIONS))
    rows = [row for row in watched.rows if row["l7_protocol_str"] == "NTP"]
    assert len(rows) == len(told) == QUESTIONS
    assert {(row["type"], row["request_type"], row["response_status"], row["attributes"]["ntp.stratum"]) for row in rows} == {(2, "Client", 0, "7")}
    assert {stratum for stratum, _ in told} == {7}
    slack = [took_us - row["response_duration"] for row, (_, took_us) in zip(rows, told, strict=True)]
    assert min(slack) > -1_000, "clocks differ by less than a millisecond"
    assert statistics.median(slack) < 5_000
