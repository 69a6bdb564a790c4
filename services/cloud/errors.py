"""Errors of cloud.

CloudError
└── BrokenFacts   permanent for this snapshot: it cannot be read; the resources published last stay

PostgreSQL's absence is libs.postgres.PostgresUnavailable: retryable.
"""

from __future__ import annotations


class CloudError(Exception):
    """What keeps facts from becoming resources."""


class BrokenFacts(CloudError):  # noqa: N818  it says what came
    """A snapshot of genesis.facts cannot be read."""
