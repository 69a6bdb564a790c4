"""Finished batches of rows become request bodies. The small ones of a moment share a body: a request costs more than a few hundred rows."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from agent.send.halves import pack
from agent.send.item import Encoding, Item, Signal

if TYPE_CHECKING:
    from weir_native import Batch

Decoder = Literal["flow_log", "flow_metrics"]
ALONE_ROWS: Final = 4096
"""A batch with so many rows goes alone, compressed by the native side."""
ENCODINGS: Final[Mapping[str, Encoding]] = {"zstd": "zstd", "gzip": "gzip", "none": "identity"}


@dataclass(slots=True)
class _Shared:
    rows: dict[str, int] = field(default_factory=dict)
    bodies: list[bytes] = field(default_factory=list)


def decoder_of(table: str) -> Decoder:
    """The ingester that stores a table."""
    return "flow_log" if table.startswith("flow_log.") else "flow_metrics"


def signal_of(table: str) -> Signal:
    """Requests travel as spans, everything else as log records."""
    return "traces" if table == "flow_log.l7_flow_log" else "logs"


def encode(batches: Iterable[Batch], resource: Mapping[str, str | int], encoding: Encoding, most_rows: int) -> Iterator[tuple[Decoder, Item]]:
    """Bodies of at most about `most_rows` rows each, for each ingester and signal.

    Export requests can be joined end to end: a protobuf message's repeated fields add up (protobuf encoding, "last one wins" is for scalars only).
    """
    now_ms = time.time_ns() // 1_000_000
    shared: dict[tuple[Decoder, Signal], _Shared] = {}
    for batch in batches:
        key = decoder_of(batch.table), signal_of(batch.table)
        if batch.rows >= min(ALONE_ROWS, most_rows):
            yield key[0], Item(key[1], {batch.table: batch.rows}, batch.to_otlp(resource, encoding), encoding, now_ms)
            continue
        group = shared.setdefault(key, _Shared())
        if group.rows and sum(group.rows.values()) + batch.rows > most_rows:
            yield key[0], _join(key[1], group, encoding, now_ms)
            group = shared[key] = _Shared()
        group.bodies.append(batch.to_otlp(resource, "identity"))
        group.rows[batch.table] = group.rows.get(batch.table, 0) + batch.rows
    for (decoder, signal), group in shared.items():
        if group.rows:
            yield decoder, _join(signal, group, encoding, now_ms)


def _join(signal: Signal, group: _Shared, encoding: Encoding, now_ms: int) -> Item:
    return Item(signal, group.rows, pack(b"".join(group.bodies), encoding), encoding, now_ms)
