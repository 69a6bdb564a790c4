"""aiosmtpd and smtplib, neither of them ours: each command one row with its reply and the time that the client waited."""

from __future__ import annotations

import statistics
import sys
import textwrap
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from tests.kernel.l7.conftest import Watched

pytest.importorskip("aiosmtpd")

PORT: Final = 25
MAILS: Final = 150

SERVER: Final = """
import aiosmtpd.controller, threading
class Shop:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody"): return "550 5.1.1 no such user"
        if address.startswith("busy"): return "451 4.3.2 come back later"
        envelope.rcpt_tos.append(address)
        return "250 ok"
    async def handle_DATA(self, server, session, envelope):
        return "250 queued" if b"virus" not in envelope.content else "554 5.7.1 no thanks"
aiosmtpd.controller.Controller(Shop(), hostname="127.0.0.1", port=25).start()
threading.Event().wait()
"""

# smtplib, each command of it timed.
CLIENT: Final = """
import json, smtplib, sys, time
class Timed(smtplib.SMTP):
    def putcmd(self, cmd, args=""):
        self.asked = " ".join((cmd, args)).strip() if cmd != "data" else cmd
        self.start = time.perf_counter()
        super().putcmd(cmd, args)
    def getreply(self):
        code, text = super().getreply()
        # What follows 354 is the mail, answered once more.
        if code not in (220, 354):
            print(json.dumps([self.asked, code, (time.perf_counter() - self.start) * 1e6]))
        return code, text
people = ("bob@example.net", "nobody@example.net", "busy@example.net", "eve@example.net")
for begin in range(0, int(sys.argv[1]), 30):
    with Timed("127.0.0.1", 25, local_hostname="laptop.example.org") as client:
        for number in range(begin, begin + 30):
            text = "Subject: %d\\r\\n\\r\\n%s\\r\\n.dot\\r\\n" % (number, ("virus" if number % 5 == 4 else "words and\\r\\n") * (number * 7 % 900 + 1))
            try:
                client.sendmail("ann%d@example.org" % number, [people[number % 4], people[number // 4 % 4]], text[:900] if number % 5 == 4 else text)
            except smtplib.SMTPException:
                pass
"""


def test_each_command_is_one_row_with_its_reply_and_the_time_of_the_client(watched: Watched) -> None:
    with watched.serving(sys.executable, "-c", textwrap.dedent(SERVER), port=PORT):
        told = watched.client(CLIENT, str(MAILS))
    rows = [row for row in watched.rows if row["l7_protocol_str"] == "SMTP"]
    assert [row["request_type"] for row in rows] == [asked.split()[0].partition(":")[0].upper() for asked, *_ in told]
    assert sum(row["request_type"] == "DATA" for row in rows) > MAILS // 2
    slack = []
    for row, (asked, code, took_us) in zip(rows, told, strict=True):
        assert (row["type"], row["response_code"]) == (2, code), asked
        assert row["response_status"] == {4: 3, 5: 4}.get(code // 100, 0)
        if asked.startswith(("mail", "rcpt")):
            assert row["request_resource"] == asked.partition("<")[2].partition(">")[0]
        slack.append(took_us - row["response_duration"])
    assert {row["response_code"] for row in rows} >= {250, 221, 451, 550, 554}
    assert min(slack) > -1_000, "clocks differ by less than a millisecond"
    assert statistics.median(slack) < 5_000
