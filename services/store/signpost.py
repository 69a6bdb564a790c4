"""The port of the native protocol, where nothing lives but a sign: which port to use instead, told in the protocol that was spoken.

A ClickHouse server does the same for HTTP requests that come to its native port; native clients get an exception packet
(https://clickhouse.com/docs/native-protocol/server#exception), so that they show a sentence and not a refused connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import Awaitable, Callable
from typing import Final

from libs.boot import StartError

_PATIENCE_S: Final = 5.0
_REQUEST_LIMIT: Final = 1 << 16
_EXCEPTION_PACKET: Final = b"\x02"
_NOT_IMPLEMENTED: Final = 48
_HTTP_VERBS: Final = (b"GET ", b"POST", b"HEAD", b"PUT ", b"OPTI")


class Signpost:
    """The listening socket. `close` gives it up."""

    def __init__(self, server: asyncio.Server) -> None:
        self._server = server

    async def close(self) -> None:
        """Stops listening."""
        self._server.close()


async def open_at(host: str, port: int, http_port: int) -> Signpost:
    """Listens at `port`. Raises StartError where that cannot be had."""
    try:
        return Signpost(await asyncio.start_server(_telling(port, http_port), host, port, limit=_REQUEST_LIMIT))
    except OSError as error:
        message = f"Port {port} of {host} cannot be opened ({error.strerror}): set WEIR_STORE_NATIVE_PORT to another one, or to 0."
        raise StartError(message) from error


def _telling(port: int, http_port: int) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    async def tell(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(_PATIENCE_S):
                start = await reader.read(_REQUEST_LIMIT)
            writer.write(http_answer(port, http_port) if start.startswith(_HTTP_VERBS) else native_answer(http_port))
            async with asyncio.timeout(_PATIENCE_S):
                await writer.drain()
                writer.write_eof()
                # Closed while something of the client is unread, the connection would be reset and the answer lost.
                while await reader.read(_REQUEST_LIMIT):
                    pass
        writer.close()

    return tell


def http_answer(port: int, http_port: int) -> bytes:
    """What an HTTP client is told."""
    return f"HTTP/1.0 400 Bad Request\r\n\r\nPort {port} is for clickhouse-client program\r\nYou must use port {http_port} for HTTP.\r\n".encode()


def native_answer(http_port: int) -> bytes:
    """What a native client is told: an exception packet of code, name, message, stack trace and "no nested one"."""
    message = f"DB::Exception: This store does not speak the native protocol: use HTTP at port {http_port}"
    return _EXCEPTION_PACKET + struct.pack("<i", _NOT_IMPLEMENTED) + _text("DB::Exception") + _text(message) + _text("") + b"\x00"


def _text(value: str) -> bytes:
    """A string of the native protocol; up to 127 bytes its length is one byte."""
    data = value.encode()
    return bytes([len(data)]) + data
