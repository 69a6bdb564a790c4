"""What the demo's client asks, in order: the one list that the client plays and that the answer is compared with."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

HTTP_PORT: Final = 8088
DNS_PORT: Final = 53
SERVER: Final = "weir-demo-server"
CLIENT: Final = "weir-demo-client"


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request and the status that the server gives."""

    method: str
    path: str
    status: int


_ROUND: Final = (
    Request("GET", "/shop/cart", 200),
    Request("GET", "/shop/items?page=1", 200),
    Request("POST", "/shop/orders", 201),
    Request("GET", "/shop/missing", 404),
    Request("DELETE", "/shop/orders/7", 204),
    Request("GET", "/shop/broken", 500),
)
HTTP: Final = _ROUND * 10
DNS: Final = (("shop.weir.test", "A", 0), ("shop.weir.test", "AAAA", 0), ("nowhere.weir.test", "A", 3)) * 10
"""(name, type, response code)."""


def status_of(method: str, path: str) -> int:
    """The status that the server gives; 404 for what the script does not ask."""
    return next((request.status for request in _ROUND if (request.method, request.path) == (method, path)), 404)


def http_counts() -> Counter[tuple[str, str, int]]:
    """How often each (method, path, status) is asked."""
    return Counter((request.method, request.path, request.status) for request in HTTP)


def dns_counts() -> Counter[tuple[str, str, int]]:
    """How often each (type, name, response code) is asked."""
    return Counter((kind, name, code) for name, kind, code in DNS)
