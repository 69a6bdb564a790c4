"""A stock dnsmasq gives addresses to BusyBox's client, across a link: as many rows as messages, each lease the one that the client says it has."""

from __future__ import annotations

import re
import shutil
import subprocess
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import pytest

from tests.kernel.l7.watching import watching

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kernel.l7.conftest import Watched

PROGRAMS: Final = ("dnsmasq", "udhcpc")
CLIENTS: Final = 6

pytestmark = pytest.mark.skipif(any(shutil.which(program) is None for program in PROGRAMS), reason="needs dnsmasq and udhcpc")


def test_each_message_of_a_lease_is_a_row(watched: Watched, make_namespace: Callable[[], str], tmp_path: Path) -> None:
    client, nic = make_namespace(), uuid.uuid4().hex[:8]
    for words in (
        f"link add s{nic} netns {watched.namespace} type veth peer name c{nic} netns {client}",
        f"-n {watched.namespace} address add 10.77.0.1/24 dev s{nic}",
        f"-n {watched.namespace} link set s{nic} up",
    ):
        subprocess.run(["ip", *words.split()], check=True)
    (tmp_path / "script").write_text("#!/bin/sh\nexit 0\n")
    (tmp_path / "script").chmod(0o755)
    serve = ("-d", "-C", "/dev/null", "-p", "0", "--no-ping", "--user=root", "--pid-file=", "--dhcp-authoritative", f"--dhcp-leasefile={tmp_path}/leases")
    told = []
    with (
        watched.serving("dnsmasq", *serve, "-i", f"s{nic}", "--dhcp-range=10.77.0.100,10.77.0.120,120s"),
        watching(watched.namespace, "DHCP") as rows,
    ):
        for number in range(CLIENTS):
            subprocess.run(f"ip -n {client} link set c{nic} down address 02:00:00:00:00:{number:02x}".split(), check=True)
            subprocess.run(f"ip -n {client} link set c{nic} up".split(), check=True)
            ask = ["udhcpc", "-i", f"c{nic}", "-f", "-q", "-n", "-t", "10", "-T", "1", "-s", str(tmp_path / "script"), "-x", f"hostname:laptop{number}"]
            done = subprocess.run(["ip", "netns", "exec", client, *ask], check=True, capture_output=True, text=True, timeout=30)
            found = re.search(r"lease of (\S+) obtained", done.stderr + done.stdout)
            assert found
            told.append(found[1])

    # A client may ask again before the link carries what it says.
    by_client: list[list[dict[str, object]]] = [[] for _ in told]
    for row in rows:
        by_client[int(row["attributes"]["dhcp.client_mac"][-2:], 16)].append(row)
    for number, (lease, said) in enumerate(zip(told, by_client, strict=True)):
        kinds = [row["request_type"] for row in said]
        assert kinds[-4:] == ["Discover", "Offer", "Request", "Ack"]
        assert set(kinds[:-4]) <= {"Discover", "Offer"}
        assert len({row["request_id"] for row in said}) == 1
        assert [(row["type"], row["response_status"]) for row in said[-4:]] == [(0, 5), (1, 0), (0, 5), (1, 0)]
        assert (said[-1]["response_result"], said[-2]["request_resource"], said[-2]["request_domain"]) == (lease, lease, f"laptop{number}")
    assert len(set(told)) == CLIENTS
