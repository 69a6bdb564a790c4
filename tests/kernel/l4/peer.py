"""Run inside a namespace: one end of some TCP connections, and what its kernel says about each when it is over.

`serve ADDRESS PORT CONNECTIONS SENDS` or `ask ADDRESS PORT CONNECTIONS SENDS`; both ends send SENDS bytes, read what the other sends, and
print a JSON object for each connection: `port` of the client, `connect_us`, and figures of `struct tcp_info` (linux/tcp.h).
"""

from __future__ import annotations

import json
import socket
import struct
import sys
import threading
import time
from typing import Final

FIGURES: Final = {
    "state": ("B", 0),
    "rtt_us": ("I", 68),
    "total_retrans": ("I", 100),
    "segs_out": ("I", 136),
    "segs_in": ("I", 140),
    "min_rtt_us": ("I", 148),
    "data_segs_in": ("I", 152),
    "data_segs_out": ("I", 156),
    "bytes_sent": ("Q", 200),
    "bytes_retrans": ("Q", 208),
    "dsack_dups": ("I", 216),
    "reord_seen": ("I", 220),
    "rcv_ooopack": ("I", 224),
}
CLOSED: Final = 7
PATIENCE_S: Final = 30


def figures(connection: socket.socket) -> dict[str, int]:
    """What the kernel says now."""
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 232).ljust(232, b"\0")
    return {name: struct.unpack_from(kind, info, at)[0] for name, (kind, at) in FIGURES.items()}


def say(connection: socket.socket, sends: int) -> None:
    connection.sendall(bytes(sends))
    connection.shutdown(socket.SHUT_WR)


def talk(connection: socket.socket, port: int, sends: int, connect_us: float) -> None:
    """Sends and reads at the same time; then waits until nothing is under way any more."""
    writer = threading.Thread(target=say, args=(connection, sends))
    writer.start()
    got = 0
    while piece := connection.recv(1 << 16):
        got += len(piece)
    writer.join()
    until = time.monotonic() + PATIENCE_S
    while (last := figures(connection))["state"] != CLOSED and time.monotonic() < until:
        time.sleep(0.02)
    sys.stdout.write(json.dumps({"port": port, "connect_us": connect_us, "got": got, **last}) + "\n")
    sys.stdout.flush()
    connection.close()


def serve(address: str, port: int, count: int, sends: int) -> None:
    listener = socket.create_server((address, port), family=socket.AF_INET6 if ":" in address else socket.AF_INET, backlog=64)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    threads = []
    for _ in range(count):
        connection, peer = listener.accept()
        threads.append(threading.Thread(target=talk, args=(connection, peer[1], sends, 0)))
        threads[-1].start()
    for thread in threads:
        thread.join()


def ask(address: str, port: int, count: int, sends: int) -> None:
    def one() -> None:
        began = time.perf_counter()
        connection = socket.create_connection((address, port))
        talk(connection, connection.getsockname()[1], sends, (time.perf_counter() - began) * 1e6)

    threads = [threading.Thread(target=one) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    {"serve": serve, "ask": ask}[sys.argv[1]](sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]))
