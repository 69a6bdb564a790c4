"""A stock OpenLDAP server asked by its own clients in a namespace of its own: every operation exactly one row."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

import orjson
import pytest

from tests.kernel.l7.watching import watching

PORT: Final = 10389
ROUNDS: Final = 25
PEOPLE: Final = 12
ADMIN: Final = ("-x", "-H", f"ldap://127.0.0.1:{PORT}", "-D", "cn=admin,dc=example,dc=org", "-w", "secret")

pytestmark = pytest.mark.skipif(any(shutil.which(program) is None for program in ("slapd", "ldapsearch")), reason="needs slapd and ldap-utils")


def run(namespace: str, *command: str, text: str | None = None) -> int:
    words = ["ip", "netns", "exec", namespace, *command]
    return subprocess.run(words, check=False, capture_output=True, text=True, input=text, timeout=60).returncode


def serve(namespace: str, folder: Path) -> subprocess.Popen[bytes]:
    """A directory with its root's password, which answers when this returns."""
    (folder / "db").mkdir()
    (folder / "slapd.conf").write_text(
        "include /etc/ldap/schema/core.schema\ninclude /etc/ldap/schema/cosine.schema\ninclude /etc/ldap/schema/inetorgperson.schema\n"
        f"modulepath /usr/lib/ldap\nmoduleload back_mdb\npidfile {folder}/pid\ndatabase mdb\nsuffix dc=example,dc=org\n"
        f"rootdn cn=admin,dc=example,dc=org\nrootpw secret\ndirectory {folder}/db\n"
    )
    words = ("slapd", "-f", str(folder / "slapd.conf"), "-h", f"ldap://127.0.0.1:{PORT}", "-d", "0")
    server = subprocess.Popen(["ip", "netns", "exec", namespace, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(100):
        if run(namespace, "ldapwhoami", *ADMIN) == 0:
            return server
        time.sleep(0.05)
    server.terminate()
    pytest.fail("slapd does not answer")


def people() -> str:
    entries = ["dn: dc=example,dc=org\nobjectClass: dcObject\nobjectClass: organization\no: Example\ndc: example\n"]
    entries += [f"dn: cn=ann{number},dc=example,dc=org\nobjectClass: inetOrgPerson\nsn: Smith\n" for number in range(PEOPLE)]
    return "\n".join(entries)


def ask(namespace: str) -> None:
    """What is counted below, by the server's own clients: each binds, asks, and leaves."""
    assert run(namespace, "ldapadd", *ADMIN, text=people()) == 0
    for number in range(ROUNDS):
        assert run(namespace, "ldapsearch", *ADMIN, "-b", "dc=example,dc=org", "(&(objectClass=inetOrgPerson)(sn=Smith))", "sn") == 0
        assert run(namespace, "ldapsearch", *ADMIN, "-b", "dc=missing,dc=org", f"(cn=x{number})") == 32
        assert run(namespace, "ldapcompare", *ADMIN, "cn=ann1,dc=example,dc=org", "sn:Smith") == 6
        assert run(namespace, "ldapwhoami", "-x", *ADMIN[1:-1], "wrong") == 49


def test_each_operation_is_one_row_with_its_result(make_namespace: Callable[[], str], tmp_path: Path) -> None:
    namespace = make_namespace()
    run(namespace, "ip", "link", "set", "lo", "up")
    server = serve(namespace, tmp_path)
    try:
        with watching(namespace, "LDAP") as rows:
            ask(namespace)
    finally:
        server.terminate()
        server.wait(timeout=20)

    counted = Counter((row["request_type"], row["type"], row["response_code"], row["response_status"]) for row in rows)
    # Whoever was refused at the bind asks nothing, and leaves as the others do.
    assert counted == {
        ("Bind", 2, 0, 0): 3 * ROUNDS + 1,
        ("Bind", 2, 49, 4): ROUNDS,
        ("Unbind", 0, 0, 5): 4 * ROUNDS + 1,
        ("Add", 2, 0, 0): PEOPLE + 1,
        ("Search", 2, 0, 0): ROUNDS,
        ("Search", 2, 32, 4): ROUNDS,
        ("Compare", 2, 6, 0): ROUNDS,
    }
    found = [row for row in rows if row["request_resource"] == "dc=example,dc=org?sub?(&(objectClass=inetOrgPerson)(sn=Smith))"]
    assert [row["attributes"]["ldap.entries"] for row in found] == [str(PEOPLE)] * ROUNDS
    assert len({row["request_resource"] for row in rows if row["request_resource"].startswith("dc=missing")}) == ROUNDS
    assert not any("secret" in orjson.dumps(row).decode() for row in rows)
