"""Whoever comes to the native port is told where to go."""

from __future__ import annotations

import socket
import struct
from pathlib import Path
from typing import Any

import httpx


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_http_and_native_clients_are_sent_to_the_http_port(start_store: Any) -> None:
    port = _free_port()
    store = start_store(native_port=str(port))
    lost = httpx.post(f"http://127.0.0.1:{port}/", content="SELECT 1")
    assert lost.status_code == 400
    assert f"Port {port} is for clickhouse-client program" in lost.text
    assert f"use port {store.port} for HTTP" in lost.text
    with socket.create_connection(("127.0.0.1", port), 5) as client:
        client.sendall(b"\x00\x0aclickhouse\x18\x0c\xd4\xa9\x03\x00\x00\x00")
        packet = b"".join(iter(lambda: client.recv(1024), b""))
    assert packet[:1] == b"\x02"
    assert struct.unpack("<i", packet[1:5]) == (48,)
    assert f"use HTTP at port {store.port}".encode() in packet
    assert store.ok("SELECT 1") == "1\n"


def test_without_the_setting_no_second_port_is_open(start_store: Any) -> None:
    store = start_store()
    sockets = {str(path.readlink()) for path in Path(f"/proc/{store.process.pid}/fd").iterdir()}
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    ports = [int(row[1].split(":")[1], 16) for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in sockets]
    assert ports == [store.port]


def test_a_native_port_that_is_taken_stops_the_start(start_store: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        store = start_store(native_port=str(taken.getsockname()[1]))
        assert store.process.wait(20) != 0
        assert "WEIR_STORE_NATIVE_PORT" in store.log.read_text()
