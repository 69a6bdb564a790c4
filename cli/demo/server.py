"""The demo's server: HTTP on one port, DNS on another, both on the address given."""

from __future__ import annotations

import socket
import socketserver
import struct
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from cli.demo.script import status_of

_TYPES: Final = {1: socket.inet_aton("192.0.2.7"), 28: socket.inet_pton(socket.AF_INET6, "2001:db8::7")}
_NXDOMAIN: Final = 3


class Shop(BaseHTTPRequestHandler):
    """Answers what the script asks."""

    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.rfile.read(length)
        status = status_of(self.command, self.path)
        body = b"" if status == 204 else f"{status}\n".encode()  # noqa: PLR2004  204 has no body
        time.sleep(0.002)
        self.send_response(status)
        if status != 204:  # noqa: PLR2004
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_DELETE = _answer  # noqa: N815  the names that http.server looks for

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  http.server's own signature
        """Says nothing."""


class Names(socketserver.BaseRequestHandler):
    """Knows shop.weir.test and nothing else."""

    def handle(self) -> None:
        """One datagram in, one out."""
        query, sender = self.request
        end = query.index(b"\0", 12) + 5
        kind = struct.unpack(">H", query[end - 4 : end - 2])[0]
        known = query[12:].startswith(b"\x04shop\x04weir\x04test\0")
        address = _TYPES.get(kind) if known else None
        head = query[:2] + struct.pack(">HHHHH", 0x8180 | (0 if known else _NXDOMAIN), 1, 1 if address else 0, 0, 0)
        answer = b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(address)) + address if address else b""
        sender.sendto(head + query[12:end] + answer, self.client_address)


def serve(address: str, http_port: int, dns_port: int) -> None:
    """Serves until it is ended; prints a line when it is ready."""
    names = socketserver.ThreadingUDPServer((address, dns_port), Names)
    threading.Thread(target=names.serve_forever, daemon=True).start()
    shop = ThreadingHTTPServer((address, http_port), Shop)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    shop.serve_forever()


def main() -> None:
    """`weir-demo-server ADDRESS HTTP_PORT DNS_PORT`."""
    serve(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))


if __name__ == "__main__":
    main()
