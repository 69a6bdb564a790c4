"""Errors of genesis.

GenesisError
├── BadFacts      permanent: INVALID_ARGUMENT, the report names no source
└── TooManySources  retryable: RESOURCE_EXHAUSTED

PostgreSQL's absence is libs.postgres.PostgresUnavailable: retryable, UNAVAILABLE and 503.
"""

from __future__ import annotations

from typing import ClassVar

import grpc


class GenesisError(Exception):
    """What GenesisSync answers instead of an acknowledgement."""

    status: ClassVar[grpc.StatusCode] = grpc.StatusCode.INTERNAL


class BadFacts(GenesisError):  # noqa: N818  it says what came
    """The report names no source."""

    status = grpc.StatusCode.INVALID_ARGUMENT


class TooManySources(GenesisError):  # noqa: N818  it says what is the case
    """As many sources as the settings allow report already."""

    status = grpc.StatusCode.RESOURCE_EXHAUSTED
