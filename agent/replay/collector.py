"""A capture file's flows to an IPFIX collector over UDP."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from agent.errors import CannotStartError

if TYPE_CHECKING:
    from weir_native import Batch

_BYTES_PER_S: Final = 25_000_000
"""UDP has no way to say that it is too much; stock collectors keep up with this."""


def send_flows(batches: Iterable[Batch], where: str) -> int:
    """Sends every flow to `where` (host:port); returns how many records that were. Raises CannotStartError where nobody can be reached there."""
    import weir_native  # noqa: PLC0415  `weir-agent --help` works before the engine is built

    host, colon, port = where.rpartition(":")
    if not colon or not port.isdigit():
        message = f"{where} is no HOST:PORT; 4739 is the usual port of IPFIX."
        raise CannotStartError(message)
    exporter = weir_native.IpfixExporter()
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind, protocol) as out:
            out.connect(address)
            for batch in batches:
                for message_bytes in exporter.messages(batch, now_s=int(time.time())):
                    out.send(message_bytes)
                    time.sleep(len(message_bytes) / _BYTES_PER_S)
    except OSError as error:
        message = f"Nobody takes flows at {where}: {error.strerror or error}."
        raise CannotStartError(message) from error
    return exporter.records
