"""A stock client (Python's http.client) that keeps a log of its own: method, path, status and duration of each request.

`http_client.py ADDRESS PORT REQUESTS CONNECTIONS LOG`: connections run in parallel, each keep-alive, one in ten requests on a connection of its own.
"""

from __future__ import annotations

import http.client
import json
import random
import sys
import threading
import time
from pathlib import Path

_KINDS = (("GET", "/ok", 200), ("GET", "/items", 200), ("GET", "/missing", 404), ("POST", "/ok", 200), ("GET", "/broken", 500), ("HEAD", "/ok", 200))


def _work(address: str, port: int, numbers: range, log: list[tuple[str, str, int, float]]) -> None:
    dice = random.Random(numbers.start)
    kept = http.client.HTTPConnection(address, port, timeout=30)
    for number in numbers:
        method, path, _ = dice.choice(_KINDS)
        path = f"{path}?n={number}"
        alone = number % 10 == 0
        connection = http.client.HTTPConnection(address, port, timeout=30) if alone else kept
        began = time.perf_counter()
        connection.request(method, path, body=b"x" * (number % 3000) if method == "POST" else None)
        response = connection.getresponse()
        took = time.perf_counter() - began
        response.read()
        log.append((method, path, response.status, took))
        if alone:
            connection.close()
    kept.close()


def main(address: str, port: int, requests: int, connections: int, target: Path) -> None:
    logs: list[list[tuple[str, str, int, float]]] = [[] for _ in range(connections)]
    share = requests // connections
    threads = [threading.Thread(target=_work, args=(address, port, range(i * share, (i + 1) * share), logs[i])) for i in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    target.write_text(json.dumps([entry for log in logs for entry in log]))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), Path(sys.argv[5]))
