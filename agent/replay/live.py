"""Rows of live packets on standard output, without any server, until Ctrl-C."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from agent.capture.driver import started
from agent.capture.exclusion import own_endpoints
from agent.capture.making import engine_config
from agent.capture.plan import Plan
from agent.control.standing import Standing
from agent.custom.hosts import Hosts, Wanted
from agent.replay.lines import print_lines
from agent.replay.tables import print_rows

if TYPE_CHECKING:
    from weir_native import Batch


def print_live(form: str, protocols: Sequence[Wanted] = ()) -> None:
    """Prints rows as they are made; Weir's own packets on this machine are left out. Raises CaptureUnavailableError."""
    standing = Standing()
    plan = Plan(
        enabled=True,
        engine=engine_config(standing.config, 0),
        ring_mib=standing.config.capture.ring_mib,
        fanout=1,
        custom=tuple(protocols),
        exclude=tuple(own_endpoints(standing, "", 0)),
        namespaces=(),
    )
    engine = started(plan)
    hosts = Hosts()
    hosts.begin(engine, protocols, 1, keep=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.stderr.write("weir-agent: watching this machine's packets; Ctrl-C ends it.\n")

    def batches() -> Iterator[Batch]:
        with contextlib.suppress(KeyboardInterrupt):
            while True:
                yield from engine.drain(500)
        hosts.release()
        yield from engine.stop()
        hosts.reap()

    (print_lines if form == "json" else print_rows)(batches())
