"""Errors of tagrecorder.

TagrecorderError
└── ClickhouseUnavailable   retryable: ClickHouse cannot answer now; what it lacks is found by comparing when it is back

PostgreSQL's absence is libs.postgres.PostgresUnavailable: retryable.
"""

from __future__ import annotations


class TagrecorderError(Exception):
    """What keeps names from being recorded."""


class ClickhouseUnavailable(TagrecorderError):  # noqa: N818  it says what is the case
    """ClickHouse cannot be asked now, or refused; the message is a sentence."""
