"""Conversations made packet by packet, and what the engine makes of them."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any, TypedDict, Unpack

import orjson
import pytest
import weir_native

Row = dict[str, Any]

FLAGS = {"F": 1, "S": 2, "R": 4, "P": 8, "A": 16}
START_US = 1_700_000_000_000_000
L4 = "flow_log.l4_flow_log"


class Details(TypedDict, total=False):
    """`seq` counts from this end's ISN, `ack` from the other's; `raw` is the IP payload as it is."""

    payload: bytes
    seq: int
    ack: int
    window: int
    ip_id: int
    fragment: int
    raw: bytes


@dataclass
class Conversation:
    """Two ends that talk. `c` and `s` send a packet of the client or the server and move the clock on by `after_us` before it."""

    client: str = "10.0.0.1"
    server: str = "10.0.0.2"
    ports: tuple[int, int] = (40_000, 80)
    protocol: int = 6
    vlans: tuple[int, ...] = ()
    isn: tuple[int, int] = (1000, 5000)
    snap: int = 65_535
    now_us: int = START_US
    records: list[tuple[int, bytes, int]] = field(default_factory=list)

    def c(self, flags: str = "A", after_us: int = 1000, **more: Unpack[Details]) -> Conversation:
        return self._send(0, flags, after_us, **more)

    def s(self, flags: str = "A", after_us: int = 1000, **more: Unpack[Details]) -> Conversation:
        return self._send(1, flags, after_us, **more)

    def opened(self) -> Conversation:
        """The three packets of a handshake."""
        return self.c("S", seq=0).s("SA", seq=0, ack=1).c("A", seq=1, ack=1)

    def wait(self, seconds: float) -> Conversation:
        self.now_us += int(seconds * 1e6)
        return self

    def _send(
        self,
        way: int,
        flags: str,
        after_us: int,
        *,
        payload: bytes = b"",
        seq: int = 1,
        ack: int = 1,
        window: int = 1000,
        ip_id: int = 0,
        fragment: int = 0,
        raw: bytes | None = None,
    ) -> Conversation:
        self.now_us += after_us
        ports = self.ports if way == 0 else self.ports[::-1]
        if raw is not None:
            body = raw
        elif self.protocol == 6:
            bits = sum(FLAGS[letter] for letter in flags)
            number = (self.isn[way] + seq) % 2**32
            acked = (self.isn[1 - way] + ack) % 2**32 if "A" in flags else 0
            body = struct.pack(">HHIIBBHHH", *ports, number, acked, 0x50, bits, window, 0, 0) + payload
        else:
            body = struct.pack(">HHHH", *ports, 8 + len(payload), 0) + payload
        frame = self._ethernet(way) + self._ip(way, body, ip_id, fragment) + body
        self.records.append((self.now_us, frame[: self.snap], len(frame)))
        return self

    def _ethernet(self, way: int) -> bytes:
        ends = (b"\x02\0\0\0\0\x01", b"\x02\0\0\0\0\x02")
        tags = b"".join(struct.pack(">HH", 0x8100, vlan) for vlan in self.vlans)
        return ends[1 - way] + ends[way] + tags + (b"\x86\xdd" if ":" in self.client else b"\x08\x00")

    def _ip(self, way: int, body: bytes, ip_id: int, fragment: int) -> bytes:
        src, dst = (self.client, self.server) if way == 0 else (self.server, self.client)
        ends = ip_address(src).packed + ip_address(dst).packed
        if ":" in self.client:
            return struct.pack(">IHBB", 6 << 28, len(body), self.protocol, 64) + ends
        return struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), ip_id, fragment, 64, self.protocol, 0) + ends


def pcap(records: list[tuple[int, bytes, int]], link: int = 1) -> bytes:
    """A capture file of records (time in µs, captured bytes, length on the wire)."""
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, link)
    return head + b"".join(struct.pack("<IIII", time // 10**6, time % 10**6, len(frame), wire) + frame for time, frame, wire in records)


@dataclass(frozen=True)
class Replayed:
    """Rows by table, and the engine's counters."""

    tables: dict[str, list[Row]]
    stats: dict[str, int]

    @property
    def flows(self) -> list[Row]:
        return self.tables.get(L4, [])

    @property
    def flow(self) -> Row:
        assert len(self.flows) == 1, self.flows
        return self.flows[0]


def replay_file(path: Path, config: weir_native.EngineConfig | None = None) -> Replayed:
    replay = weir_native.Engine(config).replay(path)
    tables: dict[str, list[Row]] = {}
    for batch in replay:
        tables.setdefault(batch.table, []).extend(orjson.loads(line) for line in batch.to_json_lines().splitlines())
    return Replayed(tables, replay.stats())


@pytest.fixture
def conversation() -> type[Conversation]:
    return Conversation


@pytest.fixture
def replayed(tmp_path: Path) -> Callable[..., Replayed]:
    """Replays conversations together, or the bytes of a file, or a file."""

    def replayed(*what: Conversation | bytes | Path, zipped: bool = False, config: weir_native.EngineConfig | None = None) -> Replayed:
        if isinstance(what[0], Path):
            return replay_file(what[0], config)
        if isinstance(what[0], bytes):
            body = what[0]
        else:
            body = pcap(sorted((record for talk in what if isinstance(talk, Conversation) for record in talk.records), key=lambda record: record[0]))
        path = tmp_path / "capture.pcap"
        path.write_bytes(gzip.compress(body) if zipped else body)
        return replay_file(path, config)

    return replayed
