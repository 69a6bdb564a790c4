"""Compression of bodies: HTTP's Content-Encoding, and ClickHouse's own frames (`compress=1`, `decompress=1`).

A ClickHouse frame is CityHash128 (v1.0.2) of the rest, one byte of method (0x02 none, 0x82 LZ4, 0x90 ZSTD), the size of what follows the
hash and the size decompressed, both 32 bits little endian, then the data. The frames are handled in `weir_native`.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any, Final, Literal, Protocol

import lz4.frame
import zstandard

from services.store.errors import BadRequest, QueryFailed

FRAME_LIMIT: Final = 1 << 30
_FRAME_SIZE: Final = 1 << 20


class Decoder(Protocol):
    """Bytes in, bytes out."""

    def feed(self, data: bytes) -> bytes:
        """What `data` adds. Raises BadRequest."""

    def finish(self) -> bytes:
        """What was still held back. Raises BadRequest where the end is missing."""


class Encoder(Protocol):
    """Bytes in, bytes out."""

    def feed(self, data: bytes) -> bytes:
        """What `data` adds."""

    def finish(self) -> bytes:
        """The end."""


class FrameDecoder:
    """ClickHouse frames to bytes."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> bytes:
        """Whole frames' content. Raises BadRequest for a wrong checksum, an unknown method or sizes that cannot be."""
        import weir_native  # noqa: PLC0415  built beside the store; only this needs it

        try:
            content, used = weir_native.decode_frames(self._rest + data if self._rest else data, FRAME_LIMIT)
        except weir_native.TooLarge as error:
            raise BadRequest(39, "TOO_LARGE_SIZE_COMPRESSED", str(error)) from error
        except ValueError as error:
            code, name = (40, "CHECKSUM_DOESNT_MATCH") if "hecksum" in str(error) else (271, "CANNOT_DECOMPRESS")
            raise BadRequest(code, name, str(error)) from error
        self._rest = (self._rest + data)[used:]
        return bytes(content)

    def finish(self) -> bytes:
        """Nothing. Raises BadRequest where a frame was cut short."""
        if self._rest:
            raise BadRequest(33, "CANNOT_READ_ALL_DATA", f"Cannot read all data: a compressed frame ends after {len(self._rest)} bytes")
        return b""


class FrameEncoder:
    """Bytes to ClickHouse frames of up to 1 MiB."""

    def __init__(self, method: str = "lz4") -> None:
        self._method: Literal["none", "lz4", "zstd"] = "zstd" if method == "zstd" else "none" if method == "none" else "lz4"
        self._held = bytearray()

    def feed(self, data: bytes) -> bytes:
        """Frames for every full mebibyte."""
        self._held += data
        return self._take(len(self._held) - len(self._held) % _FRAME_SIZE)

    def finish(self) -> bytes:
        """The last frame."""
        return self._take(len(self._held))

    def _take(self, size: int) -> bytes:
        import weir_native  # noqa: PLC0415

        out = bytes(weir_native.encode_frames(bytes(self._held[:size]), self._method)) if size else b""
        del self._held[:size]
        return out


class RevisionEncoder:
    """Native blocks whose types are in binary form to the blocks a client of a protocol revision expects."""

    def __init__(self, revision: int) -> None:
        import weir_native  # noqa: PLC0415

        self._upgrade = weir_native.NativeUpgrade(revision)

    def feed(self, data: bytes) -> bytes:
        """Every block that is complete now. Raises QueryFailed."""
        return self._run(self._upgrade.feed, data)

    def finish(self) -> bytes:
        """The rest."""
        return self._run(self._upgrade.finish)

    @staticmethod
    def _run(step: Callable[..., bytes], *data: bytes) -> bytes:
        try:
            return step(*data)
        except NotImplementedError as error:
            raise QueryFailed(48, "NOT_IMPLEMENTED", f"Native for a client with a protocol version cannot hold {error}") from error
        except ValueError as error:
            raise QueryFailed(49, "LOGICAL_ERROR", f"The engine's Native blocks cannot be read: {error}") from error


class _Stream:
    """An (de)compressor object of a library: `call` for data, `end` for what is left, `ended` says whether the end was seen."""

    def __init__(self, make: Any, call: str, end: str | None = None) -> None:  # noqa: ANN401  three libraries
        self._make = make
        self._object = make()
        self._call = getattr(self._object, call)
        self._end = getattr(self._object, end) if end else None

    def feed(self, data: bytes) -> bytes:
        return bytes(self._call(data))

    def finish(self) -> bytes:
        return bytes(self._end()) if self._end else b""


class _Lz4Encoder:
    def __init__(self) -> None:
        self._frame = lz4.frame.LZ4FrameCompressor(compression_level=0)
        self._begun = False

    def feed(self, data: bytes) -> bytes:
        head = b"" if self._begun else bytes(self._frame.begin())
        self._begun = True
        return head + bytes(self._frame.compress(data))

    def finish(self) -> bytes:
        return self.feed(b"") + bytes(self._frame.flush())


class Decompressor:
    """Content-Encoding to bytes, several members or frames in a row too."""

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding
        self._object = self._new()
        self._dirty = False

    def _new(self) -> Any:  # noqa: ANN401
        if self._encoding == "gzip":
            return zlib.decompressobj(zlib.MAX_WBITS | 16)
        if self._encoding == "deflate":
            return zlib.decompressobj()
        if self._encoding == "zstd":
            return zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()
        if self._encoding == "lz4":
            return lz4.frame.LZ4FrameDecompressor()
        raise BadRequest(48, "NOT_IMPLEMENTED", f"Unknown compression method: {self._encoding}")

    def feed(self, data: bytes) -> bytes:
        """What `data` adds. Raises BadRequest."""
        parts: list[bytes] = []
        try:
            while data:
                if self._object.eof:
                    self._object = self._new()
                parts.append(bytes(self._object.decompress(data)))
                self._dirty = not self._object.eof
                data = (self._object.unused_data or b"") if self._object.eof else b""
        except (zlib.error, zstandard.ZstdError, RuntimeError, EOFError) as error:
            raise BadRequest(271, "CANNOT_DECOMPRESS", f"The {self._encoding} body cannot be decompressed: {error}") from error
        return b"".join(parts)

    def finish(self) -> bytes:
        """Nothing. Raises BadRequest where the end is missing."""
        if self._dirty:
            raise BadRequest(33, "CANNOT_READ_ALL_DATA", f"Cannot read all data: the {self._encoding} body ends too early")
        return b""


def encoder(encoding: str) -> Encoder:
    """Bytes to Content-Encoding `encoding`."""
    if encoding == "gzip":
        return _Stream(lambda: zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS | 16), "compress", "flush")
    if encoding == "deflate":
        return _Stream(lambda: zlib.compressobj(1), "compress", "flush")
    if encoding == "zstd":
        return _Stream(lambda: zstandard.ZstdCompressor(level=1).compressobj(), "compress", "flush")
    return _Lz4Encoder()


def choose_encoding(accept: str) -> str:
    """The first of the client's Accept-Encoding that can be given, "" for none."""
    for item in accept.lower().split(","):
        name, _, quality = item.strip().partition(";")
        if name.strip() in ("gzip", "deflate", "zstd", "lz4") and quality.replace(" ", "") not in ("q=0", "q=0.0"):
            return name.strip()
    return ""
