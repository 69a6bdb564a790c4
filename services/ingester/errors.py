"""What an ingester can answer with instead of success, drawn as a tree.

IngesterError
├── Refused            a request that is not stored; its class says how the sender is told
│   ├── Broken         400  INVALID_ARGUMENT    permanent: it can never be read
│   ├── NotFound       404  UNIMPLEMENTED       permanent: nothing of that name here
│   ├── WrongMethod    405  -                   permanent
│   ├── TooSlow        408  DEADLINE_EXCEEDED   retryable: the body did not arrive in time
│   ├── Oversize       413  INVALID_ARGUMENT    permanent: send less at once
│   ├── WrongType      415  INVALID_ARGUMENT    permanent: content type or encoding
│   ├── Overloaded     429  RESOURCE_EXHAUSTED  retryable after s: more waits than may wait
│   └── Unavailable    503  UNAVAILABLE         retryable after s: the store does not take rows now, or this process is stopping
└── StoreError         what an insert or question ended with
    ├── Rejected       the store says that the rows are wrong: asking again is no use
    ├── NotNow         the store took nothing: the same may work later
    └── InDoubt        nobody knows whether the rows are in: ask, or repeat under the same token
"""

from __future__ import annotations

from typing import ClassVar

import grpc


class IngesterError(Exception):
    """Anything this process raises on purpose after its start."""


class Refused(IngesterError):  # noqa: N818  an outcome, named as one
    """A request that is not stored. The message is for the sender."""

    http: ClassVar[int] = 500
    grpc: ClassVar[grpc.StatusCode] = grpc.StatusCode.INTERNAL
    headers: ClassVar[tuple[tuple[bytes, bytes], ...]] = ()
    retry_after_s: int = 0
    """When the sender may come back, 0 where it should not."""


class Broken(Refused):
    """The bytes are not what the content type says."""

    http = 400
    grpc = grpc.StatusCode.INVALID_ARGUMENT


class NotFound(Refused):
    """No such path or service here."""

    http = 404
    grpc = grpc.StatusCode.UNIMPLEMENTED


class WrongMethod(Refused):
    """OTLP is sent with POST."""

    http = 405
    headers = ((b"allow", b"POST"),)


class TooSlow(Refused):
    """The body did not arrive in time."""

    http = 408
    grpc = grpc.StatusCode.DEADLINE_EXCEEDED
    headers = ((b"connection", b"close"),)


class Oversize(Refused):
    """Larger than allowed, as sent or decompressed."""

    http = 413
    grpc = grpc.StatusCode.INVALID_ARGUMENT


class WrongType(Refused):
    """A content type or encoding that is not read here."""

    http = 415
    grpc = grpc.StatusCode.INVALID_ARGUMENT
    headers = ((b"accept", b"application/x-protobuf, application/json"), (b"accept-encoding", b"identity, gzip, zstd"))


class Overloaded(Refused):
    """More waits already than may wait."""

    http = 429
    grpc = grpc.StatusCode.RESOURCE_EXHAUSTED

    def __init__(self, message: str, retry_after_s: int = 1) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Unavailable(Refused):
    """The store does not take rows now, or this process is stopping."""

    http = 503
    grpc = grpc.StatusCode.UNAVAILABLE

    def __init__(self, message: str, retry_after_s: int = 2) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class StoreError(IngesterError):
    """What the store, or the way to it, answered instead of success. `code` is ClickHouse's own, 0 where there is none."""

    def __init__(self, message: str, code: int = 0) -> None:
        super().__init__(message)
        self.code = code


class Rejected(StoreError):  # noqa: N818  an outcome, named as one
    """The rows are wrong. `certain` is false where the code is not known to mean that."""

    def __init__(self, message: str, code: int = 0, *, certain: bool = True) -> None:
        super().__init__(message, code)
        self.certain = certain


class NotNow(StoreError):  # noqa: N818  an outcome, named as one
    """Nothing was taken; the same may work later."""


class InDoubt(StoreError):  # noqa: N818  an outcome, named as one
    """The answer was lost: the rows may be in, may come in later, or may not."""
