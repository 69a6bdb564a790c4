"""`weir status`: every process with its queue and its drops, and the ledger of rows."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict, dataclass, field
from typing import Final

import httpx
import orjson
import psutil
from prometheus_client.parser import text_string_to_metric_families
from rich import box
from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from cli.supervise.state import ProcessState, read_state
from cli.terminal import terminal
from cli.units import count, size
from libs.boot.errors import StartError

_STATE_STYLE: Final = {"ready": "green", "not ready": "yellow", "starting": "yellow", "restarting": "red", "skipped": "dim", "stopped": "dim"}


@dataclass(slots=True)
class Counts:
    """What one process says of itself."""

    rows_in: float = 0
    rows_out: float = 0
    rows_duplicate: float = 0
    dropped: dict[str, float] = field(default_factory=dict)
    queues: dict[str, tuple[float, float, str]] = field(default_factory=dict)
    """Queue → depth, limit, unit."""
    packets: dict[str, float] = field(default_factory=dict)
    reachable: bool = False

    @property
    def waiting(self) -> float:
        """Rows in its queues."""
        return sum(depth for depth, _, unit in self.queues.values() if unit == "rows")

    @property
    def open(self) -> float:
        """Rows that came in and are neither out, dropped, doubled nor waiting: 0 when the ledger balances."""
        return self.rows_in - self.rows_out - self.rows_duplicate - sum(self.dropped.values()) - self.waiting


_TOTALS: Final = {"weir_rows_in_total": "rows_in", "weir_rows_out_total": "rows_out", "weir_rows_duplicate_total": "rows_duplicate"}


def read_counts(text: str) -> Counts:
    """The ledger metrics out of a Prometheus exposition."""
    counts = Counts(reachable=True)
    depths: dict[tuple[str, str], float] = {}
    limits: dict[tuple[str, str], float] = {}
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    for sample in samples:
        labels = sample.labels
        if total := _TOTALS.get(sample.name):
            setattr(counts, total, getattr(counts, total) + sample.value)
        elif sample.name == "weir_rows_dropped_total" and sample.value:
            counts.dropped[labels["reason"]] = counts.dropped.get(labels["reason"], 0) + sample.value
        elif sample.name in {"weir_queue_depth", "weir_queue_limit"}:
            (depths if sample.name.endswith("depth") else limits)[labels["queue"], labels["unit"]] = sample.value
        elif sample.name == "weir_packets":
            counts.packets[labels["fate"]] = sample.value
    for queue, unit in depths.keys() | limits.keys():
        counts.queues[f"{queue}/{unit}"] = (depths.get((queue, unit), 0), limits.get((queue, unit), 0), unit)
    return counts


def _scrape(http: httpx.Client, row: ProcessState) -> Counts:
    if row.name == "postgres" or row.state in {"skipped", "stopped", "waiting"}:
        return Counts()
    try:
        return read_counts(http.get(f"http://127.0.0.1:{row.port}/metrics").text)
    except (httpx.HTTPError, ValueError):
        return Counts()


def _memory(pid: int) -> float:
    try:
        process = psutil.Process(pid)
        # Shared pages are counted once among those that share them: PostgreSQL's processes share most of theirs.
        return float(sum(member.memory_full_info().pss for member in (process, *process.children(recursive=True))))
    except psutil.Error:
        return 0.0


def collect() -> list[tuple[ProcessState, Counts, float]]:
    """Each process with its counts and its memory in bytes. Raises StartError where Weir is not up."""
    state = read_state()
    if state is None:
        message = "Weir is not up on this machine: `make up` starts it."
        raise StartError(message)
    with httpx.Client(timeout=2, trust_env=False) as http:
        return [(row, _scrape(http, row), _memory(row.pid) if row.pid else 0.0) for row in state.processes]


def _queue_text(counts: Counts) -> str:
    parts = []
    for key, (depth, limit, unit) in sorted(counts.queues.items()):
        if not depth:
            continue
        show = size if unit == "bytes" else count
        bound = f"/{show(limit)}" if limit else ""
        parts.append(f"{key.split('/')[0]} {show(depth)}{bound}")
    return ", ".join(parts) or ("empty" if counts.queues else "")


def _processes(found: list[tuple[ProcessState, Counts, float]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for name, justify in (("process", "left"), ("state", "left"), ("pid", "right"), ("port", "right"), ("memory", "right"), ("restarts", "right")):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    table.add_column("queues", overflow="fold")
    table.add_column("drops", overflow="fold")
    for row, counts, memory in found:
        drops = ", ".join(f"{reason} {count(value)}" for reason, value in sorted(counts.dropped.items()))
        note = f"[dim]{row.note}[/dim]" if row.note else ""
        table.add_row(
            row.name,
            Text(row.state, _STATE_STYLE.get(row.state, "")),
            str(row.pid or ""),
            str(row.port),
            size(memory) if memory else "",
            str(row.restarts) if row.restarts else "",
            _queue_text(counts) or note,
            Text(drops, "yellow"),
        )
    return table


def _ledger(found: list[tuple[ProcessState, Counts, float]]) -> Table:
    table = Table(
        box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, title="ledger of rows: in = out + dropped + repeated + waiting", title_justify="left"
    )
    for name in ("process", "in", "out", "dropped", "repeated", "waiting", "balance"):
        table.add_column(name, justify="left" if name == "process" else "right")
    for row, counts, _ in found:
        if counts.reachable and (counts.rows_in or counts.rows_out):
            # A scrape is a moment: rows between two counters at that moment are on their way, not lost.
            balance = Text("balanced", "green") if not counts.open else Text(f"{counts.open:+.0f} on the way", "yellow")
            values = (counts.rows_in, counts.rows_out, sum(counts.dropped.values()), counts.rows_duplicate, counts.waiting)
            table.add_row(row.name, *(f"{value:.0f}" for value in values), balance)
    return table


def _packets(found: list[tuple[ProcessState, Counts, float]]) -> Text:
    fates = next((counts.packets for row, counts, _ in found if row.name == "agent" and counts.packets), {})
    return Text("packets: " + ", ".join(f"{name} {count(value)}" for name, value in sorted(fates.items()) if value), "dim") if fates else Text("")


def picture() -> RenderableType:
    """Everything `weir status` shows."""
    found = collect()
    total = sum(memory for _, _, memory in found)
    return Group(_processes(found), _ledger(found), _packets(found), Text(f"memory of all: {size(total)}", "dim"))


def status(*, watch: bool, as_json: bool) -> None:
    """Prints it once, or again every second."""
    if as_json:
        rows = [{**asdict(row), **asdict(counts), "memory_bytes": memory, "open": counts.open} for row, counts, memory in collect()]
        sys.stdout.write(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode() + "\n")
        return
    console = terminal()
    if not watch:
        console.print(picture())
        return
    with Live(console=console, screen=True, auto_refresh=False) as live:
        try:
            while True:
                live.update(picture(), refresh=True)
                time.sleep(1)
        except KeyboardInterrupt:
            return
