"""What can go wrong in an agent.

AgentError
├── CaptureUnavailableError live capture cannot start here; the sentence names the cause and the remedy. The agent goes on without it.
├── ProtocolError        the class of a custom protocol cannot be used; the sentence says what it lacks
├── CaptureFileError     a capture file cannot be read at all (exit code 2)
├── CannotStartError     a replay does not know who it is or where its rows go (exit code 3)
└── NotDeliveredError    a replay ended with rows that no ingester took (exit code 4)
"""

from __future__ import annotations


class AgentError(Exception):
    """Base of the agent's own errors; `str()` is one sentence for a person."""


class CaptureUnavailableError(AgentError):
    """Live capture cannot start on this machine as this user."""


class ProtocolError(AgentError):
    """A custom protocol cannot be read: its class is not there, or is no protocol."""


class CaptureFileError(AgentError):
    """The capture file does not exist, cannot be opened or is no capture."""


class CannotStartError(AgentError):
    """A replay lacks what it needs to begin."""


class NotDeliveredError(AgentError):
    """Rows of a replay were left that no ingester took."""
