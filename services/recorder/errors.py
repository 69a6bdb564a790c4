"""Errors of recorder.

RecorderError
└── RefusedSnapshot   permanent for this snapshot: it is empty or broken; what is recorded stays as it is

PostgreSQL's absence is libs.postgres.PostgresUnavailable: retryable.
"""

from __future__ import annotations


class RecorderError(Exception):
    """What keeps a snapshot from being recorded."""


class RefusedSnapshot(RecorderError):  # noqa: N818  it says what is the case
    """The snapshot would delete the world, or cannot be read. The message is a sentence."""
