"""The fixed ports. Each can be set; these are what a machine uses when nothing is said, all on loopback."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Port:
    """A listener of a process: what it is for and which number it has by default."""

    process: str
    purpose: str
    number: int


PORTS: Final = (
    Port("store", "http", 8123),
    Port("trisolaris", "grpc", 20035),
    Port("genesis", "grpc", 20036),
    Port("cloud", "grpc", 20037),
    Port("querier", "http", 20416),
    Port("trisolaris", "http", 20417),
    Port("genesis", "http", 20418),
    Port("cloud", "http", 20419),
    Port("recorder", "http", 20420),
    Port("tagrecorder", "http", 20421),
    Port("ingester.flow_log", "http", 20430),
    Port("ingester.flow_log", "grpc", 20431),
    Port("ingester.flow_metrics", "http", 20432),
    Port("ingester.flow_metrics", "grpc", 20433),
    Port("agent", "http", 20440),
    Port("postgres", "postgres", 20450),
)


def port(process: str, purpose: str = "http") -> int:
    """The default port of a process's listener; raises KeyError where it has none."""
    for row in PORTS:
        if (row.process, row.purpose) == (process, purpose):
            return row.number
    raise KeyError((process, purpose))
