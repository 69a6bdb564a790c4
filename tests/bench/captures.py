"""Capture files of any size, always the same ones: what the packet figures are measured on.

python -m tests.bench.captures flows build/flows.pcap --packets 5000000 --flows 200000
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

FIN: Final = 1
SYN: Final = 2
PSH: Final = 8
ACK: Final = 16
_HEADERS: Final = 16 + 14 + 20 + 20
_START_US: Final = 1_700_000_000_000_000
_CHUNK: Final = 100_000
_FILE_HEADER: Final = bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000")


@dataclass(frozen=True, slots=True)
class Step:
    """One packet of a conversation that every flow repeats: who sends it, with which TCP flags and payload, how long after the one before."""

    from_client: bool
    flags: int
    payload: bytes = b""
    gap_us: int = 20_000


def small_flow() -> list[Step]:
    """A connection of 25 packets: handshake, nine small exchanges, both FINs."""
    exchange = [Step(True, PSH | ACK, b"q" * 40), Step(False, PSH | ACK, b"a" * 90)]
    opening = [Step(True, SYN), Step(False, SYN | ACK), Step(True, ACK)]
    closing = [Step(True, FIN | ACK), Step(False, FIN | ACK), Step(True, ACK)]
    return opening + exchange * 9 + [Step(True, ACK)] + closing


def http_flow(requests: int) -> list[Step]:
    """A kept-alive HTTP/1.1 connection; a request is three packets: the request, the response, the ACK of it."""
    steps = [Step(True, SYN), Step(False, SYN | ACK), Step(True, ACK)]
    for number in range(requests):
        head = f"GET /api/v1/items/{number % 100} HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: bench/1.0\r\nAccept: application/json\r\n\r\n"
        body = b'{"ok":true,"n":%d}' % number + b" " * 200
        reply = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        steps += [Step(True, PSH | ACK, head.encode(), 2_000), Step(False, PSH | ACK, reply, 700), Step(True, ACK, b"", 50)]
    return steps


def write(path: Path, steps: list[Step], flows: int, spread_s: float, *, first: int = 0, into: Literal["wb", "ab"] = "wb") -> int:
    """Writes `flows` connections that all take `steps` and begin within `spread_s`, in order of time. Gives the number of packets.

    `first` is the number of the first connection: another number, another connection. "ab" adds to a file; what is there should be earlier.
    """
    rng = np.random.default_rng(20_240_613)
    start = np.sort(rng.integers(0, max(int(spread_s * 1e6), 1), flows))
    offset = np.cumsum([step.gap_us for step in steps])
    time = (start[:, None] + offset[None, :] + rng.integers(0, 900, (flows, len(steps)))).ravel()
    # The jitter must not reorder a flow's own packets: gaps are sorted again within each flow.
    time = np.sort(time.reshape(flows, len(steps)), axis=1).ravel()
    order = np.argsort(time, kind="stable")
    table = _Steps(steps)
    with path.open(into) as file:
        if into == "wb":
            file.write(_FILE_HEADER)
        for begin in range(0, order.size, _CHUNK):
            chunk = order[begin : begin + _CHUNK]
            file.write(table.frames(first + chunk // len(steps), chunk % len(steps), time[chunk]).tobytes())
    return int(order.size)


class _Steps:
    """The steps as arrays, ready to become frames many at a time."""

    def __init__(self, steps: list[Step]) -> None:
        length = np.array([len(step.payload) for step in steps], np.int64)
        counts = np.array([len(step.payload) + (1 if step.flags & (SYN | FIN) else 0) for step in steps], np.int64)
        self.from_client: npt.NDArray[np.bool_] = np.array([step.from_client for step in steps])
        self.flags: Ints = np.array([step.flags for step in steps], np.int64)
        sent = [np.cumsum(np.where(self.from_client == side, counts, 0)) for side in (True, False)]
        self.seq: Ints = np.where(self.from_client, sent[0], sent[1]) - counts
        self.ack: Ints = np.where(self.from_client, sent[1], sent[0])
        self.length = length
        self.text: Bytes = np.frombuffer(b"".join(step.payload for step in steps), np.uint8)
        self.text_at: Ints = np.cumsum(length) - length

    def frames(self, flow: Ints, step: Ints, time: Ints) -> Bytes:
        """Records with their headers, one after the other."""
        length = self.length[step]
        size = _HEADERS + length
        at = np.cumsum(size) - size
        out = np.zeros(int(size.sum()), np.uint8)
        out[at[:, None] + np.arange(_HEADERS)] = self._headers(flow, step, time + _START_US, length)
        total = int(length.sum())
        within = np.arange(total) - np.repeat(np.cumsum(length) - length, length)
        out[np.repeat(at + _HEADERS, length) + within] = self.text[np.repeat(self.text_at[step], length) + within]
        return out

    def _headers(self, flow: Ints, step: Ints, time: Ints, length: Ints) -> Bytes:
        head = np.zeros((flow.size, _HEADERS), np.uint8)
        client = self.from_client[step]
        client_ip = 0x0A000000 + 1 + flow // 8
        server_ip = 0x0AC80000 + 1 + flow % 50
        client_port = 32768 + (flow * 7919) % 28000
        first = (flow * 2_654_435_761) & 0xFFFFFFFF
        words = (
            (0, 4, "<u4", time // 1_000_000),
            (4, 4, "<u4", time % 1_000_000),
            (8, 4, "<u4", 54 + length),
            (12, 4, "<u4", 54 + length),
            (28, 2, ">u2", np.full(flow.size, 0x0800)),
            (30, 2, ">u2", np.full(flow.size, 0x4500)),
            (32, 2, ">u2", 40 + length),
            (38, 2, ">u2", np.full(flow.size, 64 << 8 | 6)),
            (42, 4, ">u4", np.where(client, client_ip, server_ip)),
            (46, 4, ">u4", np.where(client, server_ip, client_ip)),
            (50, 2, ">u2", np.where(client, client_port, 80)),
            (52, 2, ">u2", np.where(client, 80, client_port)),
            (54, 4, ">u4", (first + np.where(client, 0, 12345) + self.seq[step]) & 0xFFFFFFFF),
            (58, 4, ">u4", (first + np.where(client, 12345, 0) + self.ack[step]) & 0xFFFFFFFF),
            (62, 2, ">u2", 0x5000 | self.flags[step]),
            (64, 2, ">u2", np.full(flow.size, 64000)),
        )
        for begin, width, kind, values in words:
            head[:, begin : begin + width] = np.asarray(values).astype(kind).view(np.uint8).reshape(flow.size, width)
        head[:, [16, 22]] = 2
        return head


def write_opened(path: Path, flows: int, spread_s: float = 10.0, *, http: bool = False) -> int:
    """Connections that open within `spread_s` and stay: a handshake, or with `http` one request and its answer after it.

    Then one more that sends a packet each half second for two minutes, so that time goes on while all the others are silent.
    """
    packets = write(path, http_flow(1) if http else small_flow()[:3], flows, spread_s)
    clock = [Step(True, SYN, gap_us=int(spread_s * 1e6) + 500_000)] + [Step(True, ACK, gap_us=500_000)] * 240
    return packets + write(path, clock, 1, 0.0, first=flows, into="ab")


def cut(path: Path, into: Path, packets: int) -> int:
    """The first `packets` records of a file in the byte order of this machine; gives how many there were."""
    data = memoryview(path.read_bytes())
    at, count = len(_FILE_HEADER), 0
    while count < packets and at + 16 <= len(data):
        at += 16 + int.from_bytes(data[at + 8 : at + 12], "little")
        count += 1
    into.write_bytes(data[:at])
    return count


def write_flows(path: Path, packets: int = 5_000_000, flows: int = 200_000) -> int:
    """Many small flows: `flows` different connections over a minute, 25 packets each unless `packets` says otherwise."""
    steps = small_flow()
    return write(path, steps, min(flows, packets // len(steps)), 60.0)


def write_http(path: Path, packets: int = 2_000_000, requests: int = 100) -> int:
    """Kept-alive HTTP connections of `requests` requests each."""
    steps = http_flow(requests)
    return write(path, steps, max(packets // len(steps), 1), 60.0)


def main() -> None:
    """Writes one capture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=("flows", "http"))
    parser.add_argument("path", type=Path)
    parser.add_argument("--packets", type=int, default=0)
    parser.add_argument("--flows", type=int, default=200_000)
    wanted = parser.parse_args()
    wanted.path.parent.mkdir(parents=True, exist_ok=True)
    flows = wanted.kind == "flows"
    count = write_flows(wanted.path, wanted.packets or 5_000_000, wanted.flows) if flows else write_http(wanted.path, wanted.packets or 2_000_000)
    sys.stdout.write(f"{wanted.path}: {count} packets, {wanted.path.stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
