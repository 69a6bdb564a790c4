"""Cuts an item whose body is too large for an ingester into two."""

from __future__ import annotations

import gzip
import zlib
from typing import Final

import zstandard

from agent.send.item import Encoding, Item
from agent.send.wire import cut

_ZSTD_LEVEL: Final = 3
_MOST_BYTES: Final = 256 << 20


def halves(item: Item) -> list[Item] | None:
    """Two items with about half the records each; None for a body with one record or one that is no export request.

    The same body always gives the same halves, so that a repeat after a crash is still recognised: what an agent before this one may have sent,
    it may have sent in halves. Rows of a body that carries several streams are
    split among the halves in the order of the streams: their sums stay right.
    """
    try:
        parts = cut(_unpack(item.body, item.encoding))
    except (ValueError, OSError, EOFError, zlib.error, zstandard.ZstdError):
        return None
    if parts is None:
        return None
    left = dict(item.rows)
    found = []
    for body, count in parts:
        rows: dict[str, int] = {}
        for stream, waiting in left.items():
            if taken := min(waiting, count - sum(rows.values())):
                rows[stream] = taken
        left = {stream: waiting - rows.get(stream, 0) for stream, waiting in left.items()}
        found.append(Item(item.signal, rows, pack(body, item.encoding), item.encoding, item.created_ms, sent=item.sent))
    return found


def pack(body: bytes, encoding: Encoding) -> bytes:
    """`body`, compressed as `encoding` says; the same bytes each time."""
    match encoding:
        case "zstd":
            return zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compress(body)
        case "gzip":
            return gzip.compress(body, compresslevel=6, mtime=0)
        case "identity":
            return body


def _unpack(body: bytes, encoding: Encoding) -> bytes:
    match encoding:
        case "zstd":
            return zstandard.ZstdDecompressor().decompress(body, max_output_size=_MOST_BYTES)
        case "gzip":
            return gzip.decompress(body)
        case "identity":
            return body
