"""A stock vsftpd and Python's ftplib: each command one row with its reply and the time that the client waited."""

from __future__ import annotations

import shutil
import statistics
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from tests.kernel.l7.conftest import Watched

pytestmark = pytest.mark.skipif(shutil.which("vsftpd") is None, reason="needs vsftpd")

PORT: Final = 21
SESSIONS: Final = 20

VSFTPD: Final = """
listen=YES
listen_address=127.0.0.1
listen_port=21
background=NO
anonymous_enable=YES
no_anon_password=NO
anon_root={work}/public
secure_chroot_dir={work}/empty
seccomp_sandbox=NO
"""

# Each command timed until its reply; what moves a file, until the reply that it is through.
CLIENT: Final = """
import ftplib, io, json, sys, time
class Timed(ftplib.FTP):
    asked = None
    def putcmd(self, line):
        self.asked, self.start = line, time.perf_counter()
        super().putcmd(line)
    def getmultiline(self):
        text = super().getmultiline()
        if self.asked and text[:1] != "1":
            print(json.dumps([self.asked, int(text[:3]), (time.perf_counter() - self.start) * 1e6]))
        return text
def attempt(work, *words):
    try:
        work(*words)
    except ftplib.Error:
        pass
for number in range(int(sys.argv[1])):
    with Timed("127.0.0.1") as client:
        if number % 5 == 4:
            attempt(client.login, "nobody%d" % number, "secret")
            continue
        client.login()
        client.cwd("things")
        client.retrlines("LIST", lambda line: None)
        client.retrbinary("RETR large", lambda data: None)
        attempt(client.retrbinary, "RETR missing%d" % number, lambda data: None)
        attempt(client.storbinary, "STOR new%d" % number, io.BytesIO(b"new"))
        attempt(client.sendcmd, "NONSENSE")
        client.size("large")
        client.pwd()
"""


def test_each_command_is_one_row_with_its_reply_and_the_time_of_the_client(watched: Watched, tmp_path: Path) -> None:
    for folder in (tmp_path / "empty", tmp_path / "public", tmp_path / "public" / "things"):
        folder.mkdir(mode=0o555)
    for folder in tmp_path.parents[:2]:
        # Who logs in without a name is not root.
        folder.chmod(folder.stat().st_mode | 0o011)
    tmp_path.chmod(0o755)
    (tmp_path / "public" / "things" / "large").write_bytes(b"large file\n" * 20_000)
    (tmp_path / "vsftpd.conf").write_text(VSFTPD.format(work=tmp_path))
    with watched.serving("vsftpd", str(tmp_path / "vsftpd.conf"), port=PORT):
        told = watched.client(CLIENT, str(SESSIONS))
    rows = [row for row in watched.rows if row["l7_protocol_str"] == "FTP"]
    assert [(row["request_type"], row["response_code"]) for row in rows] == [(asked.split()[0], code) for asked, code, _ in told]
    counted = Counter(row["request_type"] for row in rows)
    assert (counted["USER"], counted["LIST"], counted["RETR"]) == (SESSIONS, SESSIONS * 4 // 5, SESSIONS * 8 // 5)
    slack = []
    for row, (asked, code, took_us) in zip(rows, told, strict=True):
        kind, _, argument = asked.partition(" ")
        assert row["type"] == 2
        assert row["request_resource"] == ("?" if kind == "PASS" else argument)
        assert row["response_status"] == {4: 3, 5: 4}.get(code // 100, 0)
        slack.append(took_us - row["response_duration"])
    assert min(slack) > -1_000, "clocks differ by less than a millisecond"
    assert statistics.median(slack) < 5_000
