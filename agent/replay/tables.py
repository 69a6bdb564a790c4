"""Rows for people: flows, then requests."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import orjson
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from libs.catalog.enums import ENUMS

if TYPE_CHECKING:
    from weir_native import Batch

ROWS_MOST: Final = 1000
"""Rows of each kind that are shown; a file with more is better read with `--print json`."""
_L4: Final = "flow_log.l4_flow_log"
_L7: Final = "flow_log.l7_flow_log"


def print_tables(batches: Iterable[Batch], remark: Callable[[], str]) -> None:
    """Reads everything, then prints both tables in order of time, and what `remark` then says."""
    flows: list[dict[str, Any]] = []
    requests: list[dict[str, Any]] = []
    counts: dict[str, int] = {}
    for batch in batches:
        counts[batch.table] = counts.get(batch.table, 0) + batch.rows
        shown = {_L4: flows, _L7: requests}.get(batch.table)
        if shown is not None and len(shown) < ROWS_MOST:
            shown.extend(orjson.loads(line) for line in batch.to_json_lines().splitlines())
    width = None if sys.stdout.isatty() else int(os.environ.get("COLUMNS", "160"))
    console = Console(width=width, highlight=False)
    if not counts:
        console.print("There are no flows in it.")
    if flows:
        console.print(flow_table(flows[:ROWS_MOST], counts[_L4]))
    if requests:
        console.print(request_table(requests[:ROWS_MOST], counts[_L7]))
    documents = sum(rows for table, rows in counts.items() if table.startswith("flow_metrics."))
    if documents:
        console.print(f"[dim]and {documents} documents of seconds and minutes (`--print json` shows them)[/dim]")
    if text := remark():
        console.print(Text(text, "yellow"))


def print_rows(batches: Iterable[Batch]) -> None:
    """A line per flow and request as they come."""
    console = Console(highlight=False, soft_wrap=True)
    for batch in batches:
        if batch.table not in {_L4, _L7}:
            continue
        for row in map(orjson.loads, batch.to_json_lines().splitlines()):
            ends = f"{_end(row, '0', 'client_port')} → {_end(row, '1', 'server_port')}"
            what = _request_cells(row) if batch.table == _L7 else _flow_cells(row)
            console.print(Text("  ".join((_clock(row.get("end_time")), ends, *(cell for cell in what if cell)))))


def _flow_cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    packets, sizes = _sum(row, "packet_tx", "packet_rx"), f"{row.get('byte_tx', 0)} B ↑ {row.get('byte_rx', 0)} B ↓"
    return _member("protocol", row.get("protocol")), f"{packets} packets", sizes, _duration(row.get("rtt", 0)), _member("close_type", row.get("close_type"))


def _request_cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    words = " ".join(dict.fromkeys(str(row[name]) for name in ("request_type", "request_domain", "request_resource") if row.get(name)))
    status = _member("response_status", row.get("response_status"))
    return str(row.get("l7_protocol_str") or ""), words, f"{status} {row.get('response_code') or ''}".strip(), _duration(row.get("response_duration", 0))


def flow_table(rows: list[dict[str, Any]], total: int) -> Table:
    """A row per flow, and per minute of one that is longer: who, how much, how fast, how it ended."""
    table = _table("flow", len(rows), total)
    if len(rows) == total and (flows := len({row.get("flow_id") for row in rows})) < total:
        table.title = f"{flows} flow{'' if flows == 1 else 's'} in {total} rows: one for each minute's end that it lived to see, one for its own"
    for name, justify in (("start", "left"), ("client", "left"), ("server", "left"), ("", "left"), ("packets", "right"), ("bytes ↑", "right"), ("bytes ↓", "right"),
                          ("rtt", "right"), ("took", "right"), ("ended by", "left")):  # fmt: skip
        table.add_column(name, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    for row in sorted(rows, key=lambda row: str(row.get("start_time", ""))):
        close = _member("close_type", row.get("close_type"))
        table.add_row(
            _clock(row.get("start_time")),
            _end(row, "0", "client_port"),
            _end(row, "1", "server_port"),
            _member("protocol", row.get("protocol")),
            str(_sum(row, "packet_tx", "packet_rx")),
            str(row.get("byte_tx", 0)),
            str(row.get("byte_rx", 0)),
            _duration(row.get("rtt", 0)),
            _duration(row.get("duration", 0)),
            Text(close, "" if close in {"finish", "forced_report", "timeout"} else "red"),
        )
    return table


def request_table(rows: list[dict[str, Any]], total: int) -> Table:
    """A row per request with its response."""
    table = _table("request", len(rows), total)
    for name in ("start", "client", "server", "", "request", "status", "code"):
        table.add_column(name, no_wrap=name != "request", overflow="fold")
    table.add_column("took", justify="right", no_wrap=True)
    for row in sorted(rows, key=lambda row: str(row.get("start_time", ""))):
        protocol, words, _, took = _request_cells(row)
        status = _member("response_status", row.get("response_status"))
        table.add_row(
            _clock(row.get("start_time")),
            _end(row, "0", "client_port"),
            _end(row, "1", "server_port"),
            protocol or _member("l7_protocol", row.get("l7_protocol")),
            words,
            Text(status, "" if status == "ok" else "red"),
            str(row.get("response_code") or ""),
            took,
        )
    return table


def _table(what: str, shown: int, total: int) -> Table:
    title = f"{total} {what}{'' if total == 1 else 's'}" if shown == total else f"the first {shown} of {total} {what}s"
    return Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)


def _clock(value: object) -> str:
    text = str(value or "")
    return text[11:26].rstrip("Z") if "T" in text else text


def _end(row: Mapping[str, Any], side: str, port: str) -> str:
    is_ipv6 = str(row.get("is_ipv4", 1)) in {"0", "False"}
    address = row.get(f"ip6_{side}") if is_ipv6 else row.get(f"ip4_{side}")
    number = row.get(port) or 0
    text = f"[{address}]" if is_ipv6 else f"{address}"
    return f"{text}:{number}" if number else text


def _member(enum: str, value: object) -> str:
    members = ENUMS.get(enum, ())
    return next((member.name for member in members if member.value == value), str(value if value is not None else ""))


def _sum(row: Mapping[str, Any], *names: str) -> int:
    return sum(int(row.get(name) or 0) for name in names)


def _duration(us: float) -> str:
    if not us:
        return ""
    for bound, unit, scale in ((1_000, "µs", 1), (1_000_000, "ms", 1_000)):
        if us < bound:
            return f"{us / scale:.3g} {unit}"
    return f"{us / 1_000_000:.4g} s"
