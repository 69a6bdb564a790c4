"""What a flow's ends did for the first time, in order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Make = Callable[..., Any]

HISTORIES: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "a whole connection": (
        "ShADadFf",
        lambda t: t.opened().c("PA", payload=b"ask").s("A", ack=4).s("PA", payload=b"tell", ack=4).c("FA", seq=4, ack=5).s("FA", seq=5, ack=5).c("A", seq=5),
    ),
    "a SYN alone": ("S", lambda t: t.c("S", seq=0).c("S", seq=0)),
    "a refused connection": ("Sr", lambda t: t.c("S", seq=0).s("RA", seq=0)),
    "the first thing seen is an answer": ("Dd", lambda t: t.c("PA", payload=b"x").s("PA", payload=b"y", ack=2)),
    "data with the FIN": ("ShADFf", lambda t: t.opened().c("FPA", payload=b"x").s("FA", ack=3)),
    "data sent again": ("ShADT", lambda t: t.opened().c("PA", payload=b"x" * 9).c("PA", payload=b"x" * 9, after_us=900_000)),
    "a zero window": ("ShADaw", lambda t: t.opened().c("PA", payload=b"x").s("A", ack=2, window=0)),
    "flags that exclude each other": ("QI", lambda t: t.c("SF", seq=0).c("FR", seq=0)),
    "a packet without flags": ("", lambda t: t.c("", seq=0)),
}


@pytest.mark.parametrize("name", HISTORIES)
def test_each_end_is_told_once_for_each_thing_it_does(name: str, conversation: Make, replayed: Make) -> None:
    history, happens = HISTORIES[name]
    assert replayed(happens(conversation())).flow["history"] == history


def test_datagrams_are_data_and_pings_nothing(conversation: Make, replayed: Make) -> None:
    talk = conversation(protocol=17).c(payload=b"x").s(payload=b"y").c(payload=b"z")
    assert replayed(talk).flow["history"] == "Dd"
    ping = conversation(protocol=1, ports=(0, 0)).c(raw=b"\x08\0\0\0\0\1\0\1").s(raw=b"\0\0\0\0\0\1\0\1")
    assert replayed(ping).flow["history"] == ""


def test_missing_bytes_are_told_where_they_are_given_up(conversation: Make, replayed: Make) -> None:
    talk = conversation().opened().c("PA", payload=b"GET / HTTP/1.1\r\n").c("PA", payload=b"x" * 10, seq=500)
    # The server has what we have not.
    talk = talk.s("A", ack=510).s("PA", payload=b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ack=510)
    assert replayed(talk).flow["history"] == "ShADaGd"


def test_a_flow_that_is_turned_round_says_so(conversation: Make, replayed: Make) -> None:
    # Both ports are high, and what comes first is an answer: only its words say who the server is.
    talk = conversation(ports=(42_000, 41_000)).c("PA", payload=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    talk = talk.s("PA", payload=b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", ack=40)
    flow = replayed(talk).flow
    assert (flow["client_port"], flow["server_port"]) == (41_000, 42_000)
    assert flow["history"] == "d^D"
