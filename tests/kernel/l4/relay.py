"""A bad line: frames between two interfaces are lost, repeated, overtaken and delayed, by a seeded chance or on purpose.

There is no `netem` everywhere, and what it did nobody can ask it for packet by packet. This relay counts what it does.
"""

from __future__ import annotations

import ctypes
import heapq
import os
import random
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

SOL_PACKET: Final = 263
PACKET_VNET_HDR: Final = 15
PACKET_IGNORE_OUTGOING: Final = 23
ETH_P_ALL: Final = 3
CLONE_NEWNET: Final = 0x4000_0000
VNET_HEADER_BYTES: Final = 10
"""virtio_net_hdr: what offload has left to do, said to the relay and by it, so that it needs no checksums and no segments of its own."""
SO_RCVBUFFORCE: Final = 33
HELD_MAX_S: Final = 0.002
"""A packet that nothing overtakes in this time goes on all the same."""
TCP: Final = 6
UDP: Final = 17


@dataclass(frozen=True, slots=True)
class Impairment:
    """Chances of what happens to the TCP and UDP packets of one direction; neighbours are looked for undisturbed."""

    loss: float = 0
    duplicate: float = 0
    """Of packets with payload."""
    reorder: float = 0
    """Of packets with payload: the next one with payload overtakes it."""
    delay_s: float = 0


@dataclass(frozen=True, slots=True)
class Passing:
    """A TCP or UDP packet at the relay. `payload` is its length; `flags` and `seq` are 0 for UDP."""

    protocol: int
    ports: tuple[int, int]
    flags: int
    seq: int
    payload: int


@dataclass(slots=True)
class Tally:
    """What became of the TCP and UDP packets of one direction."""

    passed: int = 0
    lost: int = 0
    lost_with_payload: int = 0
    duplicated: int = 0
    overtaken: int = 0
    payload_bytes: int = 0
    """Payload that was passed on, repetitions included."""


def read(frame: bytes) -> Passing | None:
    """The packet in an Ethernet frame; `None` where it is none that the relay disturbs."""
    kind = frame[12:14]
    if kind == b"\x08\x00":
        begin, end, protocol = 14 + (frame[14] & 15) * 4, 14 + int.from_bytes(frame[16:18]), frame[23]
    elif kind == b"\x86\xdd":
        begin, end, protocol = 54, 54 + int.from_bytes(frame[18:20]), frame[20]
    else:
        return None
    if protocol == UDP:
        return Passing(UDP, struct.unpack_from(">HH", frame, begin), 0, 0, end - begin - 8)
    if protocol != TCP:
        return None
    source, destination, seq = struct.unpack_from(">HHI", frame, begin)
    return Passing(TCP, (source, destination), frame[begin + 13], seq, end - begin - (frame[begin + 12] >> 4) * 4)


@dataclass
class Direction:
    """Packets from one interface to another."""

    impairment: Impairment
    tally: Tally = field(default_factory=Tally)
    drops: Callable[[Passing], bool] = lambda _: False
    """Says of a packet, before chance does, that it is lost."""
    held: bytes | None = None
    held_until: float = 0


class Relay:
    """Two directions and the thread that serves them; `there` is what comes in at the first interface."""

    def __init__(self, ends: tuple[socket.socket, socket.socket], seed: int) -> None:
        self._ends = ends
        self._chance = random.Random(seed)
        self._due: list[tuple[float, int, int, bytes]] = []
        self._number = 0
        self._stop = threading.Event()
        self.there = Direction(Impairment())
        self.back = Direction(Impairment())
        self._thread = threading.Thread(target=self._run, daemon=True)

    def impair(self, there: Impairment, back: Impairment | None = None) -> None:
        """From now on both directions suffer this; `there` holds for both where `back` is not given."""
        self.there.impairment, self.back.impairment = there, back or there

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()
        for end in self._ends:
            end.close()

    def _run(self) -> None:
        poll = select.poll()
        for end in self._ends:
            poll.register(end, select.POLLIN)
        fds = [end.fileno() for end in self._ends]
        while not self._stop.is_set():
            for fd, _ in poll.poll(self._patience_ms()):
                self._receive(fds.index(fd))
            self._release(time.monotonic())

    def _patience_ms(self) -> float:
        moments = [self._due[0][0]] if self._due else []
        moments += [way.held_until for way in (self.there, self.back) if way.held is not None]
        return max(0.0, (min(moments) - time.monotonic()) * 1000) if moments else 50

    def _receive(self, side: int) -> None:
        for _ in range(64):
            try:
                frame = self._ends[side].recv(1 << 17, socket.MSG_DONTWAIT)
            except (BlockingIOError, OSError):
                return
            self._judge(side, frame)

    def _judge(self, side: int, frame: bytes) -> None:
        way = self.back if side else self.there
        packet = read(frame[VNET_HEADER_BYTES:])
        suffers = way.impairment
        if packet is None:
            self._send(side, frame)
            return
        if way.drops(packet) or self._chance.random() < suffers.loss:
            way.tally.lost += 1
            way.tally.lost_with_payload += packet.payload > 0
            return
        copies = 1
        if packet.payload and self._chance.random() < suffers.duplicate:
            way.tally.duplicated += 1
            copies = 2
        for _ in range(copies):
            self._number += 1
            heapq.heappush(self._due, (time.monotonic() + suffers.delay_s, self._number, side, frame))

    def _release(self, now: float) -> None:
        while self._due and self._due[0][0] <= now:
            _, _, side, frame = heapq.heappop(self._due)
            self._pass(side, frame)
        for side, way in enumerate((self.there, self.back)):
            if way.held is not None and way.held_until <= now:
                frame, way.held = way.held, None
                self._deliver(side, frame)

    def _pass(self, side: int, frame: bytes) -> None:
        way = self.back if side else self.there
        packet = read(frame[VNET_HEADER_BYTES:])
        if packet is None or not packet.payload:
            self._deliver(side, frame)
        elif way.held is not None:
            held, way.held = way.held, None
            way.tally.overtaken += 1
            self._deliver(side, frame)
            self._deliver(side, held)
        elif self._chance.random() < way.impairment.reorder:
            way.held, way.held_until = frame, time.monotonic() + HELD_MAX_S
        else:
            self._deliver(side, frame)

    def _deliver(self, side: int, frame: bytes) -> None:
        way = self.back if side else self.there
        packet = read(frame[VNET_HEADER_BYTES:])
        way.tally.passed += 1
        way.tally.payload_bytes += packet.payload if packet else 0
        self._send(side, frame)

    def _send(self, side: int, frame: bytes) -> None:
        try:
            self._ends[1 - side].send(frame)
        except OSError:
            # The interface is down or its queue full: a line that is worse than was asked for, which the kernel's own counts know of too.
            (self.back if side else self.there).tally.lost += 1


def _open(namespace: str, devices: tuple[str, str]) -> tuple[socket.socket, socket.socket]:
    """Packet sockets in another network namespace. The thread that enters it ends here."""
    opened: list[socket.socket] = []
    failed: list[OSError] = []

    def enter() -> None:
        try:
            place = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
            libc = ctypes.CDLL(None, use_errno=True)
            if libc.setns(place, CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")  # noqa: TRY301
            os.close(place)
            for device in devices:
                end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
                end.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
                end.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
                end.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 32 << 20)
                end.bind((device, ETH_P_ALL))
                opened.append(end)
        except OSError as error:
            failed.append(error)

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return opened[0], opened[1]


@contextmanager
def relaying(namespace: str, devices: tuple[str, str], seed: int) -> Iterator[Relay]:
    """A relay between two interfaces of a namespace, perfect at first."""
    relay = Relay(_open(namespace, devices), seed)
    relay.start()
    try:
        yield relay
    finally:
        relay.stop()
