"""A stock dnsmasq asked by dig over UDP and TCP: each question one row with its answer and the time that dig measured."""

from __future__ import annotations

import re
import shutil
import signal
import statistics
from typing import TYPE_CHECKING, Final

import pytest

from tests.kernel.l7.watching import watching

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kernel.l7.conftest import Watched

PROGRAMS: Final = ("dnsmasq", "dig")
SERVER: Final = "127.0.0.53"
ROUNDS: Final = 600
UNANSWERED: Final = 3

SAYS: Final = (
    *("--no-daemon", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--port=53", f"--listen-address={SERVER}", "--bind-interfaces"),
    *("--user=root", "--pid-file=", "--local=/weir.test/", "--address=/here.weir.test/192.0.2.1", "--address=/here.weir.test/2001:db8::1"),
    *("--mx-host=weir.test,mail.weir.test,10", f"--txt-record=weir.test,{'long ' * 30}"),
)

pytestmark = pytest.mark.skipif(any(shutil.which(program) is None for program in PROGRAMS), reason="needs dnsmasq and dig")

KINDS: Final = (
    ("n{}.here.weir.test", "A"),
    ("n{}.here.weir.test", "AAAA"),
    ("n{}.missing.weir.test", "A"),
    ("n{}.elsewhere.example", "A"),
    ("weir.test", "TXT"),
    ("weir.test", "MX"),
)
WAYS: Final = ("+edns", "+noedns", "+tcp", "+tcp +noedns +nocookie", "+bufsize=1400")


def test_each_question_is_one_row_with_its_answer_and_the_time_that_dig_measured(watched: Watched, tmp_path: Path) -> None:
    questions = [(name.format(number), kind) for number in range(ROUNDS) for name, kind in (KINDS[number % len(KINDS)],)]
    each = ROUNDS // len(WAYS)
    for number, way in enumerate(WAYS):
        (tmp_path / way).write_text("".join(f"@{SERVER} {name} {kind}\n" for name, kind in questions[number * each :][:each]))
    with watched.serving("dnsmasq", *SAYS, port=0) as server:
        watched.run("dig", f"@{SERVER}", "+tries=20", "+time=1", "weir.test", "MX")
        with watching(watched.namespace, "DNS") as rows:
            told = "".join(watched.run("dig", "-u", "+tries=1", "+time=10", *way.split(), "-f", str(tmp_path / way)) for way in WAYS)
            server.send_signal(signal.SIGSTOP)
            for number in range(UNANSWERED):
                with pytest.raises(AssertionError):
                    watched.run("dig", f"@{SERVER}", "+tries=1", "+time=1", f"silent{number}.weir.test")
        server.send_signal(signal.SIGCONT)

    answers = re.findall(r"status: (\w+), id: (\d+)\n.*?;; Query time: (\d+) usec", told, re.DOTALL)
    assert len(answers) == ROUNDS
    answered, silent = rows[:ROUNDS], rows[ROUNDS:]
    assert [(row["request_resource"], row["type"]) for row in silent] == [(f"silent{number}.weir.test", 0) for number in range(UNANSWERED)]
    assert [row["protocol"] for row in answered] == [6 if "+tcp" in way else 17 for way in WAYS for _ in range(each)]
    slack = []
    codes = {"NOERROR": (0, 0), "NXDOMAIN": (3, 4), "REFUSED": (5, 3)}
    for row, (name, kind), (status, request_id, took_us) in zip(answered, questions, answers, strict=True):
        assert (row["type"], row["request_resource"], row["request_type"], row["request_id"]) == (2, name, kind, int(request_id))
        assert (row["response_code"], row["response_status"]) == codes[status], name
        slack.append(int(took_us) - row["response_duration"])
    assert {status for status, *_ in answers} == set(codes)
    assert min(slack) > -1_000, "clocks differ by less than a millisecond"
    assert statistics.median(slack) < 5_000
