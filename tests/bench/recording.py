"""A capture file of real programs at work, recorded once: nginx, Redis, MariaDB and dnsmasq with their clients in two network namespaces.

What was asked is counted by the clients and by the servers themselves; where the two differ, there is no recording.

python -m tests.bench.recording build/recordings/mixed.pcap --scale 1
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

PROGRAMS: Final = {
    "nginx": "nginx-light",
    "h2load": "nghttp2-client",
    "redis-server": "redis-server",
    "redis-benchmark": "redis-tools",
    "mariadbd": "mariadb-server-core",
    "mariadb-install-db": "mariadb-server-core",
    "mariadb-slap": "mariadb-client",
    "dnsmasq": "dnsmasq-base",
    "tcpdump": "tcpdump",
}
"""Program → Debian package."""
_SERVER: Final = "10.77.0.1"
_CLIENT: Final = "10.77.0.2"
_NGINX: Final = """
daemon off; worker_processes 1; pid %(folder)s/nginx.pid; error_log /dev/null crit; user root;
events { worker_connections 512; }
http {
  access_log %(folder)s/access.log; keepalive_requests 1000000;
  client_body_temp_path %(folder)s/t1; proxy_temp_path %(folder)s/t2; fastcgi_temp_path %(folder)s/t3; uwsgi_temp_path %(folder)s/t4;
  scgi_temp_path %(folder)s/t5;
  server { listen 10.77.0.1:80; default_type application/json;
    location /api/ { return 200 '{"id":17,"name":"lamp","price":1999,"tags":["a","b","c"],"text":"Lorem ipsum dolor sit amet, consectetur"}'; }
    location / { return 404 'nothing here'; } }
}
"""
# Asks for names of its own, some of which do not exist, over twenty sockets; each waits for its answer before it asks again.
_RESOLVER: Final = """
import socket, struct, sys
count, server = int(sys.argv[1]), sys.argv[2]
sockets = []
for number in range(20):
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.settimeout(5)
    one.connect((server, 53))
    sockets.append(one)
answered = 0
for number in range(count):
    one = sockets[number % 20]
    name = f"h{number % 500}.shop.example" if number % 10 else f"h{number % 500}.gone.example"
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    one.send(struct.pack(">6H", number & 0xffff, 0x0100, 1, 0, 0, 0) + labels + b"\\0" + struct.pack(">2H", 1, 1))
    answer = one.recv(1500)
    assert answer[:2] == struct.pack(">H", number & 0xffff) and answer[2] & 0x80
    answered += 1
print(answered)
"""


@dataclass(frozen=True, slots=True)
class Counts:
    """What a recording holds: packets as tcpdump counted them, and requests as both ends did."""

    packets: int
    http: int
    redis: int
    mysql: int
    dns: int


def missing() -> list[str]:
    """Programs that a recording needs and that are not installed; "root" where it is that."""
    lacking = [name for name in PROGRAMS if not shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")]
    return lacking + ([] if os.geteuid() == 0 else ["root"])


def recorded(path: Path, scale: float) -> Counts:
    """The recording at `path`, which is made where it is not there yet or was made with another scale."""
    notes = path.with_suffix(".json")
    if path.exists() and notes.exists():
        held = json.loads(notes.read_text())
        if held.pop("scale") == scale:
            return Counts(**held)
    path.parent.mkdir(parents=True, exist_ok=True)
    counts = record(path, scale)
    notes.write_text(json.dumps({**asdict(counts), "scale": scale}))
    return counts


def record(path: Path, scale: float) -> Counts:
    """Starts everything, has the clients ask, and counts. Raises RuntimeError where a packet was lost or the counts of the two ends differ."""
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)
        inside, outside = stack.enter_context(_namespaces())
        _servers(folder, inside, stack)
        words = [*inside, "nice", "-n", "-10", "tcpdump", "-i", "veth0", "-w", str(path), "-B", "262144", "-Z", "root"]
        tcpdump = stack.enter_context(subprocess.Popen(words, stderr=subprocess.PIPE, text=True))
        time.sleep(1.5)
        asked = _ask(outside, scale)
        time.sleep(1.5)
        tcpdump.terminate()
        said = tcpdump.communicate(timeout=60)[1]
        answered = _answered(folder, inside)
        if asked != answered:
            message = f"the clients asked {asked}, the servers answered {answered}"
            raise RuntimeError(message)
        if not re.search(r"^0 packets dropped by kernel", said, re.MULTILINE):
            message = f"tcpdump lost something: {said}"
            raise RuntimeError(message)
    return Counts(packets=_packets(path), **asked)


@contextlib.contextmanager
def _namespaces() -> Iterator[tuple[list[str], list[str]]]:
    """Two namespaces joined by a veth pair, as the words that run something in them: the servers', the clients'."""
    names = [f"weir{uuid.uuid4().hex[:8]}" for _ in range(2)]
    try:
        for name in names:
            _run("ip", "netns", "add", name)
        _run("ip", "link", "add", "veth0", "netns", names[0], "type", "veth", "peer", "name", "veth0", "netns", names[1])
        for name, address in zip(names, (_SERVER, _CLIENT), strict=True):
            # Nothing but what is asked for: no IPv6, and the frames that a wire would carry, not what offload joins.
            _run("ip", "netns", "exec", name, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1")
            _run("ip", "-n", name, "addr", "add", f"{address}/24", "dev", "veth0")
            _run("ip", "-n", name, "link", "set", "lo", "up")
            _run("ip", "-n", name, "link", "set", "veth0", "up")
        yield ["ip", "netns", "exec", names[0]], ["ip", "netns", "exec", names[1]]
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


def _servers(folder: Path, inside: list[str], stack: contextlib.ExitStack) -> None:
    (folder / "nginx.conf").write_text(_NGINX % {"folder": folder})
    data = folder / "mysql"
    _run("mariadb-install-db", "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal", "--skip-test-db", "--user=root")
    database = ["mariadbd", "--no-defaults", f"--datadir={data}", f"--socket={folder / 'mysql.sock'}", f"--bind-address={_SERVER}", "--user=root"]
    database += ["--skip-name-resolve", "--skip-grant-tables", "--innodb-buffer-pool-size=8M", "--general-log", f"--general-log-file={folder / 'mysql.log'}"]
    names = ["dnsmasq", "-k", "--no-resolv", "--no-hosts", "-u", "root", "--listen-address", _SERVER, "--bind-interfaces", "--conf-file=/dev/null"]
    names += ["--address=/shop.example/10.1.2.3", "--log-queries", f"--log-facility={folder / 'dns.log'}", f"--pid-file={folder / 'dns.pid'}"]
    cache = ["redis-server", "--bind", _SERVER, "--protected-mode", "no", "--save", "", "--dir", str(folder), "--unixsocket", str(folder / "redis.sock")]
    for words in (["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")], cache, database, names):
        process = subprocess.Popen([*inside, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        stack.callback(_end, process)
    end = time.monotonic() + 30
    while not all((folder / name).exists() for name in ("mysql.sock", "redis.sock", "nginx.pid", "dns.pid")):
        if time.monotonic() > end:
            message = f"a server did not start; there are {sorted(path.name for path in folder.iterdir())}"
            raise RuntimeError(message)
        time.sleep(0.1)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _ask(outside: list[str], scale: float) -> dict[str, int]:
    """All four clients at once; how many answers each says it got."""
    http, redis, mysql, dns = (int(count * scale) // 400 * 400 for count in (160_000, 160_000, 60_000, 60_000))
    clients = {
        "http": ["h2load", "--h1", "-n", str(http), "-c", "20", "-t", "1", f"http://{_SERVER}/api/items/17", f"http://{_SERVER}/gone"],
        "redis": ["redis-benchmark", "-h", _SERVER, "-n", str(redis // 4), "-c", "20", "-t", "set,get,incr,lpush", "-q"],
        "mysql": [
            *("mariadb-slap", "-h", _SERVER, "-u", "root", "--skip-ssl", "--no-drop", "--concurrency=4", f"--number-of-queries={mysql}"),
            *("--create-schema=shop", "--create=create table items (id int, name text)", "--delimiter=;"),
            "--query=select 17, 'lamp' from dual; select id, name from items where id = 18 limit 5",
        ],
        "dns": [sys.executable, "-c", _RESOLVER, str(dns), _SERVER],
    }
    running = {name: subprocess.Popen([*outside, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for name, words in clients.items()}
    said = {name: process.communicate(timeout=600)[0] for name, process in running.items()}
    if failed := [f"{name}: {said[name][-300:]}" for name, process in running.items() if process.returncode]:
        raise RuntimeError(" ".join(failed))
    done = re.search(r"requests: \d+ total, \d+ started, (\d+) done", said["http"])
    return {"http": int(done[1]) if done else 0, "redis": redis, "mysql": mysql, "dns": int(said["dns"])}


def _answered(folder: Path, inside: list[str]) -> dict[str, int]:
    """What the servers' own counters and logs say. Two of what a client does besides asking is taken off: see the comments."""
    said = _run(*inside, "redis-cli", "-s", str(folder / "redis.sock"), "info", "commandstats")
    calls = {name: int(count) for name, count in re.findall(r"^cmdstat_([\w|]+):calls=(\d+)", said, re.MULTILINE)}
    # redis-benchmark asks for the server's configuration at its start; rows are expected for that too, see `Counts.redis`.
    return {
        "http": sum(1 for _ in (folder / "access.log").open("rb")),
        "redis": sum(calls[name] for name in ("set", "get", "incr", "lpush")),
        # mariadb-slap makes its schema before.
        "mysql": len(re.findall(rb"\tselect (?:17|id), ", (folder / "mysql.log").read_bytes(), re.IGNORECASE)),
        "dns": len(re.findall(rb" query\[A\] ", (folder / "dns.log").read_bytes())),
    }


def _packets(path: Path) -> int:
    said = subprocess.run(["tcpdump", "-r", str(path), "--count"], check=True, capture_output=True, text=True)
    found = re.search(r"(\d+) packets?", said.stdout + said.stderr)
    return int(found[1]) if found else 0


def _run(*words: str) -> str:
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    if done.returncode:
        message = f"{' '.join(words[:4])}: {done.stderr.strip()[-300:]}"
        raise RuntimeError(message)
    return done.stdout


def main() -> None:
    """Records."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--scale", type=float, default=1.0)
    wanted = parser.parse_args()
    if lacking := missing():
        parser.error(f"needs {', '.join(lacking)}: `make peers`")
    sys.stdout.write(f"{recorded(wanted.path, wanted.scale)}\n")


if __name__ == "__main__":
    main()
