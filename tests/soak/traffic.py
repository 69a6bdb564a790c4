"""The clients, in one process: each kind on a thread of its own, at its own pace, counting what it has done. Answers each line of its input."""

from __future__ import annotations

import http.client
import json
import random
import re
import socket
import struct
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final

from tests.soak.stage import DNS, HTTP, MARIADB, REDIS, SERVER, SINK

PATIENCE_S: Final = 30
_stopping = threading.Event()
_counts: Counter[str] = Counter()
_lock = threading.Lock()


def done(name: str, number: int = 1) -> None:
    with _lock:
        _counts[name] += number


def paced(per_s: float) -> Iterator[int]:
    """Numbers, so many a second, until everything stops."""
    began, number = time.monotonic(), 0
    while not _stopping.wait(max(0.0, began + number / per_s - time.monotonic())):
        yield number
        number += 1


def http_kept(rate: float) -> None:
    """Requests of every kind over connections that last for a while."""
    connection = http.client.HTTPConnection(SERVER, HTTP, timeout=PATIENCE_S)
    paths = ("/fine/a", "/file/small", "/broken/b", "/file/none", "/file/large", "/fine/c")
    for number in paced(12 * rate):
        method = ("GET", "GET", "POST", "HEAD")[number % 4]
        connection.request(method, f"{paths[number % 6]}?{number}", body=b"b" * (number % 3000) if method == "POST" else None)
        connection.getresponse().read()
        done("HTTP")
        if number % 100 == 99:
            connection.close()
    connection.close()


def http_by_curl(rate: float) -> None:
    for number in paced(0.5 * rate):
        urls = [f"http://{SERVER}/{kind}?{number}" for kind in ("fine/1", "file/small", "file/none")]
        subprocess.run(["curl", "-s", "-o", "/dev/null", "-o", "/dev/null", "-o", "/dev/null", *urls], check=True, timeout=PATIENCE_S)
        done("HTTP", 3)


def http_by_ab(rate: float) -> None:
    for number in paced(rate / 20):
        words = ["ab", "-q", "-n", "80", "-c", "4", *(["-k"] if number % 2 else []), f"http://{SERVER}/file/small"]
        told = subprocess.run(words, check=True, timeout=PATIENCE_S, capture_output=True, text=True).stdout
        found = re.search(r"Complete requests:\s+(\d+)", told)
        done("HTTP", int(found[1]) if found else 0)


def redis(rate: float) -> None:
    def say(*words: bytes) -> bytes:
        return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)

    stream = None
    for number in paced(20 * rate):
        stream = stream or socket.create_connection((SERVER, REDIS), PATIENCE_S)
        key = b"k%d" % (number % 500)
        burst = 5 if number % 20 == 0 else 1
        command = ((b"SET", key, b"v" * (number % 900)), (b"GET", key), (b"INCR", b"n" + key), (b"LPUSH", b"n" + key, b"x"))[number % 4]
        stream.sendall(say(*command) * burst)
        reader = stream.makefile("rb")
        for _ in range(burst):
            head = reader.readline()
            if head[:1] == b"$" and head != b"$-1\r\n":
                reader.read(int(head[1:]) + 2)
        done("Redis", burst)
        if number % 300 == 299:
            stream.close()
            stream = None
    if stream:
        stream.close()


class Database:
    """A connection to MariaDB, as small as one can be."""

    def __init__(self) -> None:
        self.stream = socket.create_connection((SERVER, MARIADB), PATIENCE_S)
        self.stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reader = self.stream.makefile("rb")
        self.packet()
        login = struct.pack("<IIB23x", 0x8200 | 0x80000, 1 << 24, 45) + b"root\0\0mysql_native_password\0"
        self.stream.sendall(len(login).to_bytes(3, "little") + b"\1" + login)
        if self.packet()[0] == 0xFE:
            self.stream.sendall(b"\0\0\0\3")
            self.packet()
        done("MySQL")

    def packet(self) -> bytes:
        head = self.reader.read(4)
        return self.reader.read(int.from_bytes(head[:3], "little"))

    def ask(self, text: str) -> None:
        command = b"\3" + text.encode()
        self.stream.sendall(len(command).to_bytes(3, "little") + b"\0" + command)
        first, ends = self.packet(), 0
        while first[0] not in (0, 0xFF) and ends < 2:
            ends += self.packet()[0] == 0xFE
        done("MySQL")

    def quit(self) -> None:
        self.stream.sendall(b"\1\0\0\0\1")
        self.reader.read()
        self.stream.close()
        done("MySQL")
        done("MySQL without an answer")


def mariadb(rate: float) -> None:
    base = Database()
    base.ask("create database if not exists shop")
    base.ask("create table if not exists shop.items (id int primary key, name text)")
    for number in paced(8 * rate):
        key = number % 400
        base.ask(
            (
                f"replace into shop.items values ({key}, '{'x' * (number * 11 % 5000)}')",
                f"select {number}, name from shop.items where id < 3",
                f"delete from shop.items where id = {key - 7}",
                f"select {number} from shop.missing",
            )[number % 4]
        )
        if number % 150 == 149:
            base.quit()
            base = Database()
    base.quit()


def dns(rate: float) -> None:
    for number in paced(8 * rate):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
            asked.settimeout(PATIENCE_S)
            asked.connect((SERVER, DNS))
            name = b"\4n%03d\7example\0" % (number % 200)
            asked.send(struct.pack(">HHHHHH", number & 0xFFFF, 0x100, 1, 0, 0, 0) + name + struct.pack(">HH", 1, 1))
            asked.recv(4096)
        done("DNS")


def churn(rate: float) -> None:
    """Connections without a word, and some that are refused."""
    for number in paced(6 * rate):
        with socket.socket() as stream:
            stream.settimeout(PATIENCE_S)
            if number % 3 == 0:
                stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            stream.connect_ex((SERVER, 4444 if number % 5 == 0 else HTTP))


def unknown(rate: float) -> None:
    """Datagrams that mean nothing, some of them answered, from many ports."""
    chance = random.Random(7)
    for _ in paced(10 * rate):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as said:
            for _ in range(chance.randrange(1, 4)):
                said.sendto(bytes([chance.randrange(200, 256)]) + chance.randbytes(chance.randrange(1, 1200)), (SERVER, SINK))
            time.sleep(0.01)


KINDS: Final[tuple[Callable[[float], None], ...]] = (http_kept, http_by_curl, http_by_ab, redis, mariadb, dns, churn, unknown)


def main(rate: float) -> None:
    failures: list[str] = []

    def guarded(kind: Callable[[float], None]) -> None:
        try:
            kind(rate)
        except (OSError, http.client.HTTPException, subprocess.SubprocessError, ValueError, IndexError) as error:
            failures.append(f"{kind.__name__}: {error!r}")

    threads = [threading.Thread(target=guarded, args=(kind,)) for kind in KINDS]
    for thread in threads:
        thread.start()
    for line in sys.stdin:
        if line.strip() != "count":
            _stopping.set()
            for thread in threads:
                thread.join()
        with _lock:
            sys.stdout.write(json.dumps({"counts": _counts, "failures": failures}) + "\n")
        sys.stdout.flush()
        if _stopping.is_set():
            return


if __name__ == "__main__":
    main(float(sys.argv[1]))
