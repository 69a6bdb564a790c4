"""Runs the native engine live: starts it as planned, follows each change of the plan, and drains it on a thread of its own."""

from __future__ import annotations

import contextlib
import errno
import threading
import time
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from agent.capture.plan import Plan
from agent.custom.hosts import Hosts
from agent.errors import CaptureUnavailableError
from agent.metrics import ENGINE, count_dropped
from agent.send.outbox import Outbox
from libs.boot import get_logger
from libs.boot.metrics import PACKETS, ROWS_IN

if TYPE_CHECKING:
    from weir_native import Engine

_DRAIN_MS: Final = 1000
_QUIET_MS: Final = 80
"""The engine finishes the rows of a second together: when so long nothing more came, that was all of it."""
_BETWEEN_S: Final = 0.4
_FATES: Final = {
    "packets": "flow",
    "duplicate_packets": "duplicate",
    "left_out_packets": "left_out",
    "kernel_drops": "kernel_dropped",
    "unparsed_link": "unparsed_link",
    "unparsed_not_ip": "not_ip",
    "unparsed_truncated": "unparsed_truncated",
    "unparsed_malformed": "unparsed_malformed",
    "fragment_orphans": "fragment_orphan",
}
"""The engine's counter -> what became of the packet."""
_ROW_LOSSES: Final = {
    "dropped_rows": ("engine", "engine_full"),
    "l4_rows_over_limit": ("flow_log.l4_flow_log", "row_limit"),
    "l7_rows_over_limit": ("flow_log.l7_flow_log", "row_limit"),
}
"""The engine's counter -> stream and reason of rows that never leave it."""


class Driver:
    """Not reentrant: `apply` and `stop` are called one at a time, on any thread that may block for a moment."""

    def __init__(self, outbox: Outbox) -> None:
        self.problem = "Capture has not started yet."
        """Why no packets are seen, one sentence; empty while they are."""
        self.protocols = Hosts()
        self._outbox = outbox
        self._engine: Engine | None = None
        self._plan: Plan | None = None
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._lost_rows: Counter[str] = Counter()
        self.interval_s = 1.0
        self.failed: BaseException | None = None

    def apply(self, plan: Plan) -> None:
        """Does what `plan` says from now on; where that is not possible, `problem` says why."""
        before = self._plan
        if (
            before is not None
            and plan == replace(before, exclude=plan.exclude)
            and set(plan.exclude) <= set(before.exclude)
            and (self._engine is not None or not plan.enabled)
        ):
            return
        if not plan.enabled:
            self.stop()
            self.problem = ""
            self._plan = plan
            return
        engine = self._engine
        if engine is None or before is None or _needs_restart(before, plan):
            self.stop()
            self._start(plan)
            return
        if plan.engine != before.engine:
            engine.reconfigure(plan.engine)
        if plan.custom != before.custom:
            self.protocols.change(engine, plan.custom, plan.fanout)
        if plan.namespaces != before.namespaces:
            engine.set_netns(list(plan.namespaces))
        self._plan = replace(plan, exclude=before.exclude)

    def stop(self) -> None:
        """Ends capture: what lives in the engine becomes rows, and they go to the outbox."""
        engine, thread = self._engine, self._thread
        if engine is None:
            return
        self._stopping.set()
        if thread is not None:
            thread.join()
        self.protocols.release()
        self._outbox.take(engine.stop())
        self.protocols.reap()
        self._outbox.flush()
        self._count(engine.stats())
        self._engine = self._thread = None
        self._lost_rows.clear()

    def observe(self) -> dict[str, int]:
        """The engine's counters, also written into the metrics; empty while there is no engine."""
        engine = self._engine
        if engine is None:
            return {}
        stats = engine.stats()
        self._count(stats)
        return stats

    def _start(self, plan: Plan) -> None:
        try:
            self._engine = started(plan)
        except CaptureUnavailableError as error:
            if self.problem != str(error):
                get_logger("agent.capture").warning("no packets are seen", reason=str(error))
            self.problem = str(error)
            self._plan = plan
            return
        self.problem = ""
        self._plan = plan
        self.protocols.begin(self._engine, plan.custom, plan.fanout, keep=True)
        self._stopping.clear()
        self._thread = threading.Thread(target=self._drain, args=(self._engine,), name="drain", daemon=True)
        self._thread.start()
        get_logger("agent.capture").info("capture started", namespaces=1 + len(plan.namespaces), ring_mib=plan.ring_mib, fanout=plan.fanout)

    def _drain(self, engine: Engine) -> None:
        """Gathers what is finished within a moment, and sends it on."""
        try:
            gathered_rows, first_at, last_sent = 0, 0.0, 0.0
            while not self._stopping.is_set():
                batches = engine.drain(_QUIET_MS if gathered_rows else _DRAIN_MS)
                now = time.monotonic()
                if batches:
                    first_at = first_at if gathered_rows else now
                    gathered_rows += sum(batch.rows for batch in batches)
                    self._outbox.take(batches)
                quiet = not batches and now - last_sent >= _BETWEEN_S
                if gathered_rows >= self._outbox.batch_rows or quiet or (gathered_rows and now - first_at >= self.interval_s):
                    self._outbox.flush()
                    gathered_rows, last_sent = 0, now
        except BaseException as error:  # noqa: BLE001  the task edge: a dead drain must end the process, not go unseen
            self.failed = error
            get_logger("agent.capture").error("draining the engine failed", error=repr(error), exc_info=True)

    def _count(self, stats: dict[str, int]) -> None:
        for name, value in stats.items():
            ENGINE.labels(name).set(value)
            if name in _FATES:
                PACKETS.labels(_FATES[name]).set(value)
        for name, (stream, reason) in _ROW_LOSSES.items():
            lost = stats.get(name, 0) - self._lost_rows[name]
            if lost > 0:
                ROWS_IN.labels(stream).inc(lost)  # they were made, so that the ledger balances
                count_dropped({stream: lost}, reason)
                self._lost_rows[name] += lost


def _needs_restart(before: Plan, plan: Plan) -> bool:
    """Rings and the kernel's filter are set once; a filter that leaves out more than is asked does no harm."""
    return (plan.ring_mib, plan.fanout) != (before.ring_mib, before.fanout) or not set(plan.exclude) <= set(before.exclude)


def started(plan: Plan) -> Engine:
    """A running engine. Raises CaptureUnavailableError with the remedy."""
    try:
        import weir_native  # noqa: PLC0415  the agent reports what it can without the engine
    except ImportError as error:
        message = f"The engine weir_native is not built ({error}): run `make install`."
        raise CaptureUnavailableError(message) from error
    engine = weir_native.Engine(plan.engine)
    try:
        engine.start(ring_mib=plan.ring_mib, fanout=plan.fanout, exclude=list(plan.exclude), netns=list(plan.namespaces))
    except OSError as error:
        with contextlib.suppress(Exception):
            engine.stop()
        raise CaptureUnavailableError(_sentence(error)) from error
    return engine


def _sentence(error: OSError) -> str:
    match error.errno:
        case errno.EPERM | errno.EACCES:
            return (
                "Packets cannot be captured without the right to: run the agent with sudo, "
                "or `setcap cap_net_raw,cap_net_admin,cap_sys_admin+ep` on its Python interpreter."
            )
        case errno.EAFNOSUPPORT | errno.EPROTONOSUPPORT | errno.ENOPROTOOPT:
            return "This kernel has no AF_PACKET rings (CONFIG_PACKET, version 3.2 or newer): boot a kernel that has them to see packets."
        case errno.ENOMEM | errno.ENOBUFS:
            return "The kernel has no memory for the capture ring: set capture.ring_mib to less in the agent's configuration."
        case _:
            return f"Packets cannot be captured: {error.strerror or error}."
