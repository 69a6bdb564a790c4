"""A protocol written in Python, live: every request is a row; a process that crashes or hangs costs its own flows alone, and another follows it."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
from weir_native import Engine

from agent.custom.hosts import Hosts, Wanted
from agent.custom.loading import Source

FOLDER = Path(__file__).parents[2] / "data" / "custom"
SERVER = """
    import socketserver, sys
    class Tally(socketserver.StreamRequestHandler):
        def handle(self):
            for line in self.rfile:
                words = line.split()
                if words[0] == b"BYE":
                    return
                self.wfile.write(b"= 1\\n" if words[1] != b"none" else b"! no such shelf\\n")
    class Web(socketserver.StreamRequestHandler):
        def handle(self):
            for line in self.rfile:
                if line == b"\\r\\n":
                    self.wfile.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n")
    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = daemon_threads = True
    import threading
    web = Server(("127.0.0.1", 8080), Web)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    Server(("127.0.0.1", 7000), Tally).serve_forever()
"""
CLIENT = """
    import socket, sys
    def talk(port, lines, size):
        with socket.create_connection(("127.0.0.1", port), 10) as s:
            file = s.makefile("rb")
            for line in lines:
                s.sendall(line)
                for _ in range(size):
                    assert file.readline()
    talk(7000, [line.encode() + b"\\n" for line in sys.argv[1].split(",")], 1)
    talk(8080, [b"GET /here HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n"] * 3, 3)
"""


class Watched:
    """A namespace with both servers, the engine, and a process for Tally."""

    def __init__(self, namespace: str, engine: Engine, hosts: Hosts) -> None:
        self.inside = ("ip", "netns", "exec", namespace)
        self.engine, self.hosts = engine, hosts
        self.rows: list[dict[str, Any]] = []

    def say(self, *lines: str) -> None:
        """These lines in one connection, and three requests of HTTP in another."""
        words = [*self.inside, sys.executable, "-c", textwrap.dedent(CLIENT), ",".join(lines)]
        subprocess.run(words, check=True, timeout=60)

    def wait_for(self, health: str, within_s: float = 40) -> None:
        until = time.monotonic() + within_s
        while [said for _, said in self.engine.protocol_health()] != [health]:
            assert time.monotonic() < until, self.engine.protocol_health()
            time.sleep(0.1)

    def keep(self, batches: list[Any]) -> None:
        lines = (line for batch in batches if batch.table == "flow_log.l7_flow_log" for line in batch.to_json_lines().splitlines())
        self.rows += map(orjson.loads, lines)

    def told(self, protocol: str) -> list[str]:
        rows = sorted((row for row in self.rows if row["l7_protocol_str"] == protocol), key=lambda row: str(row["start_time"]))
        return [row["request_resource"] for row in rows]


@contextmanager
def watched(namespace: str, name: str, fanout: int = 1) -> Iterator[Watched]:
    subprocess.run(["ip", "-n", namespace, "link", "set", "lo", "up"], check=True)
    server = subprocess.Popen(["ip", "netns", "exec", namespace, sys.executable, "-c", textwrap.dedent(SERVER)])
    engine, hosts = Engine({}), Hosts()
    engine.start(ring_mib=16, fanout=fanout, netns=[(namespace, f"/run/netns/{namespace}")])
    try:
        hosts.begin(engine, [Wanted(Source(FOLDER, f"tally:{name}"), ((7000, 7000),))], fanout, keep=True)
        found = Watched(namespace, engine, hosts)
        found.wait_for("running")
        yield found
        time.sleep(1.0)
        hosts.release()
        found.keep(engine.drain() + engine.stop())
        hosts.reap()
    finally:
        server.kill()
        server.wait()
        hosts.release()
        engine.stop()
        hosts.reap()


def test_every_request_is_a_row_with_any_number_of_threads(make_namespace: Callable[[], str]) -> None:
    with watched(make_namespace(), "Tally", fanout=2) as found:
        for connection in range(8):
            found.say(*(f"ADD shelf{connection} {number}" for number in range(100)), "GET none")
        stats = found.engine.stats()
    assert sorted(found.told("Tally")) == sorted([f"ADD shelf{connection} {number}" for connection in range(8) for number in range(100)] + ["GET none"] * 8)
    rows = [row for row in found.rows if row["l7_protocol_str"] == "Tally"]
    assert {(row["type"], row["l7_protocol"]) for row in rows} == {(2, 127)}
    assert [row["response_status"] for row in rows].count(4) == 8
    assert len(found.told("HTTP")) == 24
    assert (stats["custom_dropped_packets"], stats["custom_lost_flows"], stats["custom_late_rows"]) == (0, 0, 0)


def test_a_process_that_crashes_is_followed_by_another_and_http_never_notices(make_namespace: Callable[[], str]) -> None:
    with watched(make_namespace(), "Crashes") as found:
        found.say("ADD a 1")
        time.sleep(0.5)
        found.say("ADD crash 1", "ADD b 1")
        until = time.monotonic() + 20
        while not found.hosts.problem:
            assert time.monotonic() < until
            time.sleep(0.1)
        assert "ended by signal 6" in found.hosts.problem
        while found.hosts.problem:
            assert time.monotonic() < until
            time.sleep(0.1)
        found.say("ADD c 1", "ADD d 1")
        time.sleep(1.5)
        stats = found.engine.stats()
    assert found.told("Crashes") == ["ADD a 1", "ADD c 1", "ADD d 1"]
    assert len(found.told("HTTP")) == 9
    assert stats["custom_lost_flows"] in {1, 2}  # the first one may not be forgotten yet


def test_a_process_that_hangs_is_ended_and_http_never_notices(make_namespace: Callable[[], str]) -> None:
    with watched(make_namespace(), "Hangs") as found:
        found.say("ADD hang 1", "ADD b 1")
        until = time.monotonic() + 40
        while not found.hosts.problem:
            assert time.monotonic() < until
            found.say("ADD b 1")
            time.sleep(0.5)
        assert "answered nothing for ten seconds" in found.hosts.problem
        while found.hosts.problem:
            assert time.monotonic() < until
            time.sleep(0.1)
        found.rows.clear()
        found.say("ADD c 1", "ADD d 1")
    assert {"ADD c 1", "ADD d 1"} <= set(found.told("Hangs"))
    assert len(found.told("HTTP")) >= 3
