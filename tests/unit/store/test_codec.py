"""Bodies in and out, whole, in crumbs and broken."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from typing import Final

import lz4.frame
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from services.store.codec import Decompressor, FrameDecoder, FrameEncoder, choose_encoding, encoder
from services.store.errors import BadRequest

_PACK: Final[dict[str, Callable[[bytes], bytes]]] = {"gzip": gzip.compress, "deflate": zlib.compress, "zstd": zstandard.compress, "lz4": lz4.frame.compress}


def _crumbs(feed: Callable[[bytes], bytes], data: bytes, size: int) -> bytes:
    return b"".join(feed(data[at : at + size]) for at in range(0, len(data), size))


@pytest.mark.parametrize("encoding", _PACK)
@given(data=st.binary(max_size=2000), size=st.integers(1, 300))
def test_every_encoding_comes_back_in_any_crumbs(encoding: str, data: bytes, size: int) -> None:
    made = encoder(encoding)
    packed = _crumbs(made.feed, data, size) + made.finish()
    for body in (packed, _PACK[encoding](data), _PACK[encoding](data) + _PACK[encoding](data)):
        reader = Decompressor(encoding)
        plain = _crumbs(reader.feed, body, size) + reader.finish()
        assert plain in (data, data + data)


@pytest.mark.parametrize("encoding", _PACK)
@given(data=st.binary(max_size=300))
def test_garbage_is_refused_not_raised_through(encoding: str, data: bytes) -> None:
    reader = Decompressor(encoding)
    try:
        reader.feed(data)
        reader.finish()
    except BadRequest:
        pass


@pytest.mark.parametrize("encoding", _PACK)
def test_a_body_cut_short_is_told(encoding: str) -> None:
    reader = Decompressor(encoding)
    reader.feed(_PACK[encoding](b"x" * 1000)[:-3])
    with pytest.raises(BadRequest):
        reader.finish()


@pytest.mark.parametrize("method", ["none", "lz4", "zstd"])
@given(data=st.binary(max_size=3000), size=st.integers(1, 500))
def test_frames_come_back_in_any_crumbs(method: str, data: bytes, size: int) -> None:
    made = FrameEncoder(method)
    framed = _crumbs(made.feed, data, size) + made.finish()
    reader = FrameDecoder()
    assert _crumbs(reader.feed, framed, size) + reader.finish() == data


def test_a_frame_is_as_clickhouse_writes_it() -> None:
    # Hash from github.com/go-faster/city (CityHash 1.0.2) over method, sizes and data.
    made = FrameEncoder("none")
    frame = made.feed(b"hello") + made.finish()
    assert frame[:16].hex() == "6bd486683f80652ca2c707484941f28d"
    assert frame[16:] == b"\x02" + (14).to_bytes(4, "little") + (5).to_bytes(4, "little") + b"hello"


@pytest.mark.parametrize(("change", "code"), [((0, 0xFF), 40), ((16, 0x77), 271), ((20, 0xFF), 39), ((30, 0xFF), 40)])
def test_a_broken_frame_says_how(change: tuple[int, int], code: int) -> None:
    made = FrameEncoder("lz4")
    frame = bytearray(made.feed(b"hello, " * 100) + made.finish())
    frame[change[0]] ^= change[1]
    with pytest.raises(BadRequest) as caught:
        FrameDecoder().feed(bytes(frame))
    assert caught.value.code == code


def test_a_frame_cut_short_is_told() -> None:
    made = FrameEncoder("lz4")
    reader = FrameDecoder()
    assert reader.feed((made.feed(b"hello" * 100) + made.finish())[:-1]) == b""
    with pytest.raises(BadRequest):
        reader.finish()


@pytest.mark.parametrize(("accept", "chosen"), [("gzip", "gzip"), ("br, zstd, gzip", "zstd"), ("br", ""), ("", ""), ("gzip;q=0, lz4", "lz4"), ("identity", "")])
def test_the_clients_first_encoding_that_can_be_given(accept: str, chosen: str) -> None:
    assert choose_encoding(accept) == chosen
