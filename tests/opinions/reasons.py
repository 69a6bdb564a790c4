"""Why Weir and another reader disagree, where they do."""

from __future__ import annotations

import fnmatch
from typing import Final

from tests.opinions.compare import Compared

_REASONS: Final = (
    (
        "amqp/amqp-error",
        "request_type",
        "The other reader knows nothing of Basic.Publish; where the server closes a channel, that is for us the answer to what failed.",
    ),
    ("amqp/amqp1", "request_type", "The other reader says nothing of messages (Basic.Publish, Basic.Deliver), which are rows for us."),
    ("http/grpc-unary", "response_code", "For a call of gRPC our code is grpc-status; here the capture ends before the trailers come."),
    ("http/h2c_ascii", "response_code", "For a call of gRPC our code is grpc-status, 0; theirs is that of HTTP."),
    ("memcached/memcached", "request_resource", "`quit` is a command; the other reader could not read it."),
    ("mysql/mysql-statement", "request_resource", "Of an execution we tell the statement that was prepared, they tell its parameters."),
    ("mysql/mysql-table-create", "request_resource", "The list of a table's fields names the table; the other reader says nothing of that command."),
    ("nats/nats-headers", "request_resource", "A message to several subscribers is several messages in one packet; the other reader tells one of each packet."),
    ("nats/nats-nrpc1", "request_resource", "An answer to an inbox belongs to its request in our rows; the server's identifier is the resource of its INFO."),
    (
        "openwire/openwire_segmented",
        "request_id",
        "A MessageDispatch has the number 0; the other reader tells that of the message inside, which is its sender's.",
    ),
)
"""Captures and columns (patterns), and whose fault it is, and why."""


def reason(compared: Compared) -> str:
    """One sentence, "" where nobody knows."""
    for capture, column, why in _REASONS:
        if fnmatch.fnmatch(compared.capture, capture) and fnmatch.fnmatch(compared.column, column):
            return why
    return ""
