"""Tally, a protocol that exists in these tests alone: lines of text over TCP.

`ADD <shelf> <count>` and `GET <shelf>` are answered by `= <count>`, `! <why>` (the client's fault) or `!! <why>` (the server's), in order;
`BYE` by nothing. `PUT <shelf> <bytes>` is followed by so many bytes.
"""

from __future__ import annotations

import os
import time

from agent.custom import Facts, Guess, Input, Keep, Kind, Lost, Message, More, Opening, Protocol, Skip, Status, Step

VERBS = (b"ADD ", b"GET ", b"PUT ", b"BYE")


class Tally(Protocol):
    """Reads it."""

    name = "Tally"

    @classmethod
    def guess(cls, opening: Opening) -> Guess:
        """The first word says it."""
        if opening.data.startswith(VERBS):
            return Guess.YES if opening.from_client else Guess.REVERSED
        return Guess.MAYBE if any(verb.startswith(opening.data) for verb in VERBS) else Guess.NO

    def parse(self, read: Input) -> Step:
        """One line, one message."""
        end = read.data.find(b"\n")
        if end < 0:
            return Lost(len(read.data)) if read.full else More()
        line, size = read.data[:end], end + 1
        if read.from_client:
            return self._request(line, size)
        return self._response(line, size, read)

    def _request(self, line: bytes, size: int) -> Step:
        verb, _, rest = line.partition(b" ")
        if verb == b"BYE":
            return Message(size, Kind.NOTICE, Facts(request_type=verb))
        if verb not in {b"ADD", b"GET", b"PUT"}:
            return Lost(size)
        shelf, _, count = rest.partition(b" ")
        body = int(count) if verb == b"PUT" else 0
        facts = Facts(request_type=verb, resource=line, endpoint=shelf, note=len(count), length=body or -1, attributes={"tally.shelf": shelf.decode()})
        return Message(size, Kind.REQUEST, facts, body)

    def _response(self, line: bytes, size: int, read: Input) -> Step:
        asked = read.waiting[0] if read.waiting else ""
        match line[:2]:
            case b"= ":
                return Message(size, Kind.RESPONSE, Facts(status=Status.OK, result=line[2:], attributes={"tally.asked": asked}))
            case b"! ":
                return Message(size, Kind.RESPONSE, Facts(status=Status.CLIENT_ERROR, code=4, exception=line[2:]))
            case b"!!":
                return Message(size, Kind.RESPONSE, Facts(status=Status.SERVER_ERROR, code=5, exception=line[3:]))
            case b"# ":
                return Skip(size)
        return Lost(size)

    def resync(self, data: bytes, from_client: bool) -> int | Keep | None:  # noqa: FBT001
        """The next line."""
        at = data.find(b"\n") + 1
        marks = VERBS if from_client else (b"= ", b"!")
        while at:
            if data[at:].startswith(marks):
                return at
            at = data.find(b"\n", at) + 1
        return None


class Raises(Tally):
    """Fails on each message."""

    name = "Raises"

    def parse(self, read: Input) -> Step:  # noqa: ARG002
        """Fails."""
        message = "this parser is broken"
        raise RuntimeError(message)


class Crashes(Tally):
    """Takes its process with it on a shelf that is called so."""

    name = "Crashes"

    def parse(self, read: Input) -> Step:
        """Ends the process."""
        if b"crash" in read.data:
            os.abort()
        return super().parse(read)


class Hangs(Tally):
    """Never comes back from a shelf that is called so."""

    name = "Hangs"

    def parse(self, read: Input) -> Step:
        """Sleeps."""
        if b"hang" in read.data:
            time.sleep(3600)
        return super().parse(read)


class Greedy(Tally):
    """Takes all the memory that it can get."""

    name = "Greedy"

    def parse(self, read: Input) -> Step:
        """Takes and keeps."""
        if b"greed" in read.data:
            self.kept = bytearray(8 << 30)
        return super().parse(read)


class NoProtocol:
    """Extends nothing."""


class HTTP(Tally):
    """Has a name that is taken."""

    name = "HTTP"
