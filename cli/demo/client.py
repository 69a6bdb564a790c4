"""The demo's client: waits for a line on standard input, plays the script over one connection, then stays until it is ended."""

from __future__ import annotations

import http.client
import socket
import struct
import sys
import time
from typing import Final

from cli.demo.script import DNS, HTTP

_TYPES: Final = {"A": 1, "AAAA": 28}


def _ask(names: socket.socket, number: int, name: str, kind: str) -> int:
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    names.send(struct.pack(">HHHHHH", number, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", _TYPES[kind], 1))
    return names.recv(512)[3] & 0xF


def play(address: str, http_port: int, dns_port: int) -> None:
    """Connects, waits for the word, plays; prints how many HTTP and DNS requests were answered as the script says."""
    connection = http.client.HTTPConnection(address, http_port, timeout=10)
    connection.connect()
    names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    names.settimeout(5)
    names.connect((address, dns_port))
    sys.stdin.readline()
    answered = 0
    for request in HTTP:
        connection.request(request.method, request.path, body=b'{"item":7}' if request.method == "POST" else None, headers={"User-Agent": "weir-demo/1"})
        response = connection.getresponse()
        response.read()
        answered += response.status == request.status
        time.sleep(0.01)
    codes = [_ask(names, number, name, kind) for number, (name, kind, _) in enumerate(DNS, start=1)]
    named = sum(code == wanted for code, (_, _, wanted) in zip(codes, DNS, strict=True))
    sys.stdout.write(f"{answered} {named}\n")
    sys.stdout.flush()
    sys.stdin.readline()
    connection.close()


def main() -> None:
    """`weir-demo-client ADDRESS HTTP_PORT DNS_PORT`."""
    play(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))


if __name__ == "__main__":
    main()
