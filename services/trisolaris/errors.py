"""Errors of trisolaris.

TrisolarisError
├── BadRequest      permanent: INVALID_ARGUMENT / 400, with the remedy
├── NotFound        permanent: NOT_FOUND / 404
├── Conflict        permanent: ALREADY_EXISTS / 409
└── TooManyAgents   retryable: RESOURCE_EXHAUSTED / 503

PostgreSQL's absence is libs.postgres.PostgresUnavailable: retryable, UNAVAILABLE and 503.
"""

from __future__ import annotations

from typing import ClassVar

import grpc


class TrisolarisError(Exception):
    """What is answered instead of a result; the message is a sentence."""

    status: ClassVar[grpc.StatusCode] = grpc.StatusCode.INTERNAL
    http: ClassVar[int] = 500


class BadRequest(TrisolarisError):  # noqa: N818  it says what came
    """Something is missing or wrong."""

    status = grpc.StatusCode.INVALID_ARGUMENT
    http = 400


class NotFound(TrisolarisError):  # noqa: N818  it says what is the case
    """No such agent or group."""

    status = grpc.StatusCode.NOT_FOUND
    http = 404


class Conflict(TrisolarisError):  # noqa: N818  it says what is the case
    """The name is taken, or the thing is still in use."""

    status = grpc.StatusCode.ALREADY_EXISTS
    http = 409


class TooManyAgents(TrisolarisError):  # noqa: N818  it says what is the case
    """As many as the settings allow are there already."""

    status = grpc.StatusCode.RESOURCE_EXHAUSTED
    http = 503
