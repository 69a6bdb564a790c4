"""The processes of one machine: one row each. The order of starting follows from `needs`."""

from __future__ import annotations

import signal
import sys
from dataclasses import dataclass
from typing import Final

from libs.catalog.ports import port


@dataclass(frozen=True, slots=True)
class Process:
    """One process to keep running."""

    name: str
    what: str
    """For people, in a few words."""
    argv: tuple[str, ...]
    port: int
    """Port of its /readyz; PostgreSQL's own port for PostgreSQL."""
    needs: tuple[str, ...] = ()
    """Names of those that must be ready before it starts."""
    first: bool = False
    """Whether it is one of those that a question needs: they have the processors to themselves until they are ready."""
    native: bool = False
    """Whether it cannot run without the compiled engine."""
    stop_signal: signal.Signals = signal.SIGTERM

    @property
    def log_name(self) -> str:
        """File name of its log."""
        return f"{self.name}.log"


def _python(*words: str) -> tuple[str, ...]:
    return (sys.executable, "-m", *words)


PROCESSES: Final = (
    Process("postgres", "what the control plane knows", _python("cli.supervise.postgres"), port("postgres", "postgres"), first=True, stop_signal=signal.SIGINT),
    Process("store", "ClickHouse, embedded", _python("services.store"), port("store"), first=True),
    Process("genesis", "takes what agents see of their machines", _python("services.genesis"), port("genesis"), ("postgres",)),
    Process("cloud", "turns that into resources", _python("services.cloud"), port("cloud"), ("postgres",)),
    Process("recorder", "keeps resources and their ids", _python("services.recorder"), port("recorder"), ("postgres",)),
    Process("trisolaris", "knows and configures the agents", _python("services.trisolaris"), port("trisolaris"), ("postgres",)),
    Process("tagrecorder", "keeps names for queries", _python("services.tagrecorder"), port("tagrecorder"), ("postgres", "store")),
    Process("ingester.flow_log", "stores flows and requests", _python("services.ingester", "flow_log"), port("ingester.flow_log"), ("store",), native=True),
    Process(
        "ingester.flow_metrics",
        "stores seconds and minutes",
        _python("services.ingester", "flow_metrics"),
        port("ingester.flow_metrics"),
        ("store",),
        native=True,
    ),
    Process("querier", "answers questions", _python("services.querier"), port("querier"), first=True),
    Process(
        "agent", "watches this machine's packets", _python("agent"), port("agent"), ("trisolaris", "ingester.flow_log", "ingester.flow_metrics"), native=True
    ),
)
