"""A stock OpenSSH server and its own client in a namespace of its own: every connection exactly one row, with what both agreed on."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from tests.kernel.l7.watching import watching

PORT: Final = 10022
ROUNDS: Final = 12
SSHD: Final = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin")
CIPHERS: Final = ("aes128-ctr", "aes256-gcm@openssh.com")

pytestmark = pytest.mark.skipif(SSHD is None or shutil.which("ssh") is None, reason="needs openssh-server and openssh-client")


def run(namespace: str, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["ip", "netns", "exec", namespace, *command], check=False, capture_output=True, text=True, timeout=60)


def serve(namespace: str, folder: Path) -> subprocess.Popen[bytes]:
    """A server that takes nobody in: the key exchange comes first, and is all that is looked at."""
    Path("/run/sshd").mkdir(exist_ok=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "host")], check=True)
    options = ["StrictModes=no", "PidFile=none", f"Ciphers={','.join(CIPHERS)}", "ListenAddress=127.0.0.1", "MaxStartups=100"]
    # Younger ones turn away who fails to log in too often.
    if (
        subprocess.run(
            [str(SSHD), "-t", "-f", "/dev/null", "-h", str(folder / "host"), "-o", "PerSourcePenalties=no"], check=False, capture_output=True
        ).returncode
        == 0
    ):
        options.append("PerSourcePenalties=no")
    words = [str(SSHD), "-D", "-f", "/dev/null", "-p", str(PORT), "-h", str(folder / "host"), *(word for option in options for word in ("-o", option))]
    server = subprocess.Popen(["ip", "netns", "exec", namespace, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(100):
        if f":{PORT:04X} " in run(namespace, "cat", "/proc/net/tcp").stdout:
            return server
        time.sleep(0.05)
    server.terminate()
    pytest.fail("sshd does not listen")


def test_each_connection_is_one_row_with_what_both_agreed_on(make_namespace: Callable[[], str], tmp_path: Path) -> None:
    namespace = make_namespace()
    run(namespace, "ip", "link", "set", "lo", "up")
    server = serve(namespace, tmp_path)
    told = []
    try:
        with watching(namespace, "SSH") as rows:
            options = ("-v", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null")
            for number in range(ROUNDS):
                asked = (*CIPHERS, "chacha20-poly1305@openssh.com")[number % 3]
                told.append(run(namespace, "ssh", *options, "-c", asked, "-p", str(PORT), "127.0.0.1", "true").stderr)
    finally:
        server.terminate()
        server.wait(timeout=20)

    assert len(rows) == ROUNDS
    for row, said in zip(rows, told, strict=True):
        local = re.search(r"Local version string SSH-2\.0-(\S+)", said)
        remote = re.search(r"remote software version (.+)", said)
        assert local is not None
        assert remote is not None
        assert (row["type"], row["version"], row["user_agent"].split()[0]) == (2, "2.0", local[1])
        assert row["attributes"]["ssh.server.software"] == remote[1].strip()
        # The client's own words for what it agreed on.
        agreed = dict(re.findall(r"kex: (algorithm|host key algorithm): (\S+)", said))
        cipher = re.search(r"kex: server->client cipher: (\S+)", said)
        if cipher is None:
            assert (row["response_status"], row["response_exception"]) == (4, "no matching cipher")
        else:
            attributes = row["attributes"]
            assert row["response_status"] == 0
            assert (attributes["ssh.kex"], attributes["ssh.host_key"]) == (agreed["algorithm"], agreed["host key algorithm"])
            assert attributes["ssh.cipher"] == cipher[1]
            assert 0 < row["response_duration"] < 10_000_000
    assert sum("no matching cipher" in said for said in told) == ROUNDS // 3
