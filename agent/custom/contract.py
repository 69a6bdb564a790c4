"""The contract of a protocol in Python: bytes in, values out. It is the contract that the built-in protocols have in Rust (`native/src/l7/parser.rs`).

A flow has one instance of the class. It is given the payload in the order in which it was sent, however packets were cut, lost, repeated or
swapped; it says what the bytes are; Weir finds which response answers which request, takes the times, and writes the rows.
"""

from __future__ import annotations

import abc
import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal
from typing import Protocol as Shape


class Guess(enum.Enum):
    """What the first bytes of a flow say about the protocol."""

    YES = "yes"
    REVERSED = "reversed"
    """Certain, and the end that the flow takes for the client is the one that answers."""
    MAYBE = "maybe"
    """Too few bytes to tell; over TCP you are asked again with more."""
    NO = "no"


class Kind(enum.Enum):
    """What a message is for the pairing."""

    REQUEST = "request"
    RESPONSE = "response"
    NOTICE = "notice"
    """A request that is never answered."""


class Status(enum.Enum):
    """How a request went; told by its response."""

    OK = "ok"
    CLIENT_ERROR = "client_error"
    SERVER_ERROR = "server_error"
    UNKNOWN = "unknown"


class Opening(Shape):
    """Payload of a flow whose protocol is not known yet."""

    @property
    def data(self) -> bytes:
        """Of one direction; over TCP what came so far."""

    @property
    def from_client(self) -> bool:
        """Sent by the end that the flow takes for the client."""

    @property
    def client_port(self) -> int:
        """A hint, never a proof."""

    @property
    def server_port(self) -> int:
        """The same."""

    @property
    def is_tcp(self) -> bool:
        """Else it is UDP."""


class Input(Shape):
    """What `Protocol.parse` is given."""

    @property
    def data(self) -> bytes:
        """Unread bytes of one direction, 16 KiB at most; or one datagram."""

    @property
    def from_client(self) -> bool:
        """Sent by the end that the flow takes for the client."""

    @property
    def datagram(self) -> bool:
        """The bytes are one whole datagram."""

    @property
    def full(self) -> bool:
        """No more bytes will be kept: `More` gives up this message."""

    @property
    def waiting(self) -> tuple[str, int] | None:
        """`request_type` and `note` of the oldest request that waits for its response; what a response means may depend on them."""

    @property
    def obfuscate(self) -> bool:
        """Values are to be told as `?`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What one message says; each becomes the column of `flow_log.l7_flow_log` that is named. What is not known is left out."""

    version: str | bytes = ""
    request_type: str | bytes = ""
    """The command: GET, SELECT, ADD …"""
    domain: str | bytes = ""
    """`request_domain`: whom it is said to — a host, a database."""
    resource: str | bytes = ""
    """`request_resource`: what it is about, in full."""
    endpoint: str | bytes = ""
    """What many requests have in common; documents are counted by it, so keep these few."""
    exception: str | bytes = ""
    """`response_exception`: the error in words."""
    result: str | bytes = ""
    trace_id: str | bytes = ""
    span_id: str | bytes = ""
    parent_span_id: str | bytes = ""
    x_request_id: str | bytes = ""
    proxy_client: str | bytes = ""
    user_agent: str | bytes = ""
    referer: str | bytes = ""
    key: int = 0
    """With `pairing = "by_key"`: the same in a request and its response (64 bits)."""
    request_id: int = 0
    code: int = 0
    """`response_code`"""
    status: Status = Status.UNKNOWN
    length: int = -1
    """Declared length of the body, -1 where unknown."""
    affected_rows: int = 0
    is_async: bool = False
    """Responses do not follow the order of requests."""
    until_end: bool = False
    """The exchange lasts until the response is complete, not until it begins."""
    note: int = 0
    """Yours: see `Input.waiting` (32 bits)."""
    attributes: Mapping[str, str] = field(default_factory=dict)
    """Further pairs; a dict. Name them `<protocol>.<what>`."""


class Step:
    """What the bytes at the front are."""

    step: ClassVar[str]


@dataclass(frozen=True, slots=True)
class More(Step):
    """Nothing yet: come back with these bytes and more."""

    step: ClassVar[str] = "more"


@dataclass(frozen=True, slots=True)
class Took(Step):
    """`size` bytes are taken, and belong to the message that is being read."""

    step: ClassVar[str] = "took"
    size: int


@dataclass(frozen=True, slots=True)
class Message(Step):
    """With `size` bytes a message's facts are known."""

    step: ClassVar[str] = "message"
    size: int
    kind: Kind
    facts: Facts = field(default_factory=Facts)
    body: int | Literal["until_close", "parts"] = 0
    """What follows: so many bytes that nobody looks at, everything until this direction closes, or the `Part`s that you find."""


@dataclass(frozen=True, slots=True)
class Part(Step):
    """`size` bytes, `content` of them body, belong to the message with this key that was told before; with `end` it is complete."""

    step: ClassVar[str] = "part"
    size: int
    content: int
    key: int = 0
    end: bool = False


@dataclass(frozen=True, slots=True)
class Tail(Step):
    """`size` bytes end the message with `facts.key` that was told before; status, code and texts go over what was told of it."""

    step: ClassVar[str] = "tail"
    size: int
    facts: Facts


@dataclass(frozen=True, slots=True)
class Closed(Step):
    """`size` bytes say that neither side's message with `facts.key` goes on; the facts tell why."""

    step: ClassVar[str] = "closed"
    size: int
    facts: Facts


@dataclass(frozen=True, slots=True)
class Skip(Step):
    """`size` bytes belong to no message."""

    step: ClassVar[str] = "skip"
    size: int


@dataclass(frozen=True, slots=True)
class Lost(Step):
    """`size` bytes make no sense: skip them and look for a message with `Protocol.resync`. Sixteen in a row end the reading of the flow."""

    step: ClassVar[str] = "lost"
    size: int


@dataclass(frozen=True, slots=True)
class Stop(Step):
    """This flow speaks something else from here on, and nobody is to read it."""

    step: ClassVar[str] = "stop"


@dataclass(frozen=True, slots=True)
class Switch(Step):
    """With `size` bytes both directions begin to speak a protocol that Weir reads itself, by its name ("TLS"). What waits for its response waits on, with `key`."""

    step: ClassVar[str] = "switch"
    size: int
    protocol: str
    key: int = 0


@dataclass(frozen=True, slots=True)
class Keep:
    """Of `Protocol.resync`: no message starts before `offset`; the bytes from there on are kept for another look."""

    offset: int


class Protocol(abc.ABC):
    """One flow's parser of your protocol: both directions, so that one can know what the other said."""

    name: ClassVar[str]
    """What rows are called by (`l7_protocol_str`)."""
    transports: ClassVar[tuple[Literal["tcp", "udp"], ...]] = ("tcp",)
    pairing: ClassVar[Literal["in_order", "by_key"]] = "in_order"
    """The oldest request is answered first, or `Facts.key` says which."""

    @classmethod
    @abc.abstractmethod
    def guess(cls, opening: Opening) -> Guess:
        """Whether these bytes are of this protocol. A rule that is too loose claims flows that others would have read."""

    @abc.abstractmethod
    def parse(self, read: Input) -> Step:
        """What the bytes at the front of `read.data` are. Called again with the rest until it answers `More` or takes everything."""

    def resync(self, data: bytes, from_client: bool) -> int | Keep | None:  # noqa: ARG002, FBT001  for whoever overrides it
        """After a loss: where in `data` a message starts. `None`: nowhere, forget all of it. Forget also what was half read in this direction."""
        return None

    def gap(self, missing: int, from_client: bool) -> bool:  # noqa: ARG002, FBT001  for whoever overrides it
        """`missing` bytes of this direction will never come. Whether reading can go on behind them without `resync`."""
        return False

    def cut(self, from_client: bool) -> Message | None:  # noqa: ARG002, FBT001  for whoever overrides it
        """The rest of a half-read message will never come. What it is, where enough of it is known for a row."""
        return None
