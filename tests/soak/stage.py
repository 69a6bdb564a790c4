"""Two namespaces, the link between them, and the servers."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
SERVER: Final = "10.90.1.2"
CLIENT: Final = "10.90.1.1"
NIC: Final = "v0"
HTTP, REDIS, MARIADB, DNS, SINK = 80, 6379, 3306, 53, 9999
PROGRAMS: Final = {
    "ip": "iproute2",
    "nginx": "nginx-light",
    "curl": "curl",
    "ab": "apache2-utils",
    "redis-server": "redis-server",
    "mariadbd": "mariadb-server-core",
    "dnsmasq": "dnsmasq-base",
}

NGINX: Final = """
daemon off; worker_processes 1; pid {work}/pid; error_log {work}/error.log;
events {{ worker_connections 512; }}
http {{
  access_log off; keepalive_requests 100000; client_body_temp_path {work}/body; proxy_temp_path {work}/proxy;
  fastcgi_temp_path {work}/fastcgi; uwsgi_temp_path {work}/uwsgi; scgi_temp_path {work}/scgi;
  server {{
    listen {address}:80; root {work}/www;
    location /fine/ {{ return 200 "fine"; }}
    location /broken/ {{ return 503; }}
    location /file/ {{ alias {work}/www/; }}
  }}
}}
"""
_SINK: Final = f"""
import socket
held = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
held.bind(("{SERVER}", {SINK}))
while True:
    said, whose = held.recvfrom(4096)
    if said[0] & 1:
        held.sendto(said[::-1], whose)
"""


def missing() -> list[str]:
    """Packages whose programs are not installed."""
    return sorted(package for program, package in PROGRAMS.items() if shutil.which(program) is None)


def run(*words: str) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True, timeout=120).stdout


@dataclass(frozen=True, slots=True)
class Stage:
    """Where clients and the engine are, and where servers are."""

    left: str
    right: str

    def words(self, namespace: str, *words: str) -> list[str]:
        return ["ip", "netns", "exec", namespace, *words]

    def go(self) -> None:
        """The link comes up: whoever counts its packets has begun."""
        run("ip", "-n", self.right, "link", "set", NIC, "up")
        run("ip", "-n", self.left, "link", "set", NIC, "up")
        time.sleep(1)

    def interface(self) -> int:
        """Packets that passed the client's interface, both ways."""
        [link] = json.loads(run("ip", "-n", self.left, "-s", "-j", "link", "show", NIC))
        return sum(int(link["stats64"][way]["packets"]) for way in ("rx", "tx"))

    def connections(self) -> int:
        """TCP connections that the clients' kernel has begun."""
        names, values = (line.split()[1:] for line in run(*self.words(self.left, "cat", "/proc/net/snmp")).splitlines() if line.startswith("Tcp:"))
        return int(dict(zip(names, values, strict=True))["ActiveOpens"])


@contextmanager
def _running(words: list[str]) -> Iterator[None]:
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()


@contextmanager
def staged() -> Iterator[Stage]:
    """The namespaces; the link between them is down."""
    name = uuid.uuid4().hex[:8]
    stage = Stage(f"weir-soak-l{name}", f"weir-soak-r{name}")
    made = (stage.left, stage.right)
    try:
        for namespace in made:
            run("ip", "netns", "add", namespace)
        run("ip", "link", "add", NIC, "netns", stage.left, "type", "veth", "peer", "name", NIC, "netns", stage.right)
        for namespace, address in zip(made, (CLIENT, SERVER), strict=True):
            run("ip", "-n", namespace, "addr", "add", f"{address}/24", "dev", NIC)
        run("ip", "-n", stage.right, "link", "set", "lo", "up")
        yield stage
    finally:
        for namespace in made:
            subprocess.run(["ip", "netns", "del", namespace], check=False, capture_output=True)


@contextmanager
def serving(stage: Stage, work: Path) -> Iterator[None]:
    """nginx, Redis, MariaDB, dnsmasq, and something that takes datagrams of a protocol nobody knows."""
    (work / "www").mkdir()
    (work / "www" / "small").write_bytes(b"s" * 2_000)
    (work / "www" / "large").write_bytes(b"l" * 120_000)
    (work / "nginx.conf").write_text(NGINX.format(work=work, address=SERVER))
    data = work / "mariadb"
    run("mariadb-install-db", "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal", "--skip-test-db", "--user=root")
    mariadb = [f"--datadir={data}", f"--socket={work / 'sock'}", f"--port={MARIADB}", f"--bind-address={SERVER}", "--user=root", "--skip-log-bin"]
    mariadb += ["--innodb-buffer-pool-size=8M", "--skip-name-resolve", "--skip-grant-tables"]
    names = [f"--host-record=n{number:03d}.example,192.0.2.{number + 1}" for number in range(0, 200, 2)]
    programs = (
        ("nginx", "-p", str(work), "-c", str(work / "nginx.conf")),
        ("redis-server", "--port", str(REDIS), "--bind", SERVER, "--save", "", "--appendonly", "no", "--protected-mode", "no", "--dir", str(work)),
        ("mariadbd", "--no-defaults", *mariadb),
        ("dnsmasq", "-k", "-C", "/dev/null", "-R", "-h", "-a", SERVER, "-z", "--bind-interfaces", "--local=/example/", "--pid-file=", *names),
        (sys.executable, "-c", _SINK),
    )
    with ExitStack() as stack:
        for words in programs:
            stack.enter_context(_running(stage.words(stage.right, *words)))
        for port in (HTTP, REDIS, MARIADB):
            _wait_for(stage, port)
        yield


def _wait_for(stage: Stage, port: int) -> None:
    """Asks from the servers' own side, which the engine does not see."""
    probe = f"import socket; socket.create_connection(('{SERVER}', {port}), 1).close()"
    for _ in range(300):
        if subprocess.run(stage.words(stage.right, sys.executable, "-c", probe), check=False, capture_output=True).returncode == 0:
            return
        time.sleep(0.1)
    message = f"nobody listens at port {port}"
    raise RuntimeError(message)
