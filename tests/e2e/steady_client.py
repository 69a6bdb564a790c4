"""A stock client (Python's http.client) that asks at a steady rate until SIGTERM, and writes each answered request into a log of its own, a line each.

`steady_client.py ADDRESS PORT PER_SECOND LOG`: a kept connection, and for one request in five a connection of its own.
A line is `PATH METHOD STATUS TIME`, TIME in Unix seconds when the answer had come.
"""

from __future__ import annotations

import http.client
import random
import signal
import sys
import time
from pathlib import Path

_KINDS = (("GET", "/ok"), ("GET", "/items"), ("GET", "/missing"), ("POST", "/ok"), ("GET", "/broken"), ("HEAD", "/ok"))


def main(address: str, port: int, per_second: float, target: Path) -> None:
    stopping = False

    def stop(*_: object) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    dice = random.Random(1)
    kept = http.client.HTTPConnection(address, port, timeout=30)
    began, number = time.monotonic(), 0
    with target.open("w", buffering=1) as log:
        while not stopping:
            method, path = dice.choice(_KINDS)
            path = f"{path}?n={number}"
            connection = http.client.HTTPConnection(address, port, timeout=30) if number % 5 == 0 else kept
            connection.request(method, path, body=b"x" * (number % 3000) if method == "POST" else None)
            response = connection.getresponse()
            response.read()
            log.write(f"{path} {method} {response.status} {time.time()}\n")
            if connection is not kept:
                connection.close()
            number += 1
            time.sleep(max(0.0, began + number / per_second - time.monotonic()))
    kept.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), Path(sys.argv[4]))
