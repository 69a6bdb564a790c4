"""`weir top`: who talks to whom now. Two questions a second, joined by pair of ends and port, drawn as one live table."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from rich import box
from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from cli.answers import ask
from cli.terminal import terminal
from cli.units import count, duration, rate, size
from libs.boot.errors import StartError

_SETTLE_S: Final = 3
"""The newest seconds are still being filled."""
_ENDS: Final = "auto_instance_0, auto_instance_1, ip_0, ip_1, server_port"
_SLOW_US: Final = 100_000


@dataclass(slots=True)
class Pair:
    """One pair of ends with what they did over the window."""

    client: str
    server: str
    port: int
    protocol: str = ""
    bytes_s: float = 0.0
    packets_s: float = 0.0
    flows_s: float = 0.0
    requests_s: float = 0.0
    rtt_us: float = 0.0
    latency_us: float = 0.0
    errors: float = 0.0
    retrans: float = 0.0


def _named(name: str, address: str) -> str:
    return name or address


def _network(querier: str, since: int, until: int, window_s: int, rows: int) -> dict[tuple[Any, ...], Pair]:
    sql = (
        # Whole numbers are all that is put in, and the querier can only read.
        f"SELECT {_ENDS}, enum(protocol) AS proto, Sum(byte) AS bytes, Sum(packet) AS packets, Sum(new_flow) AS flows, Avg(rtt) AS rtt, Sum(retrans) AS lost "
        f"FROM network_map.1s WHERE time >= {since} AND time < {until} GROUP BY {_ENDS}, enum(protocol) ORDER BY bytes DESC LIMIT {rows}"
    )
    pairs = {}
    for row in ask(querier, sql, "flow_metrics").rows():
        key = (row["ip_0"], row["ip_1"], row["server_port"], row["proto"])
        pairs[key] = Pair(
            _named(row["auto_instance_0"], row["ip_0"]),
            _named(row["auto_instance_1"], row["ip_1"]),
            row["server_port"],
            row["proto"],
            row["bytes"] / window_s,
            row["packets"] / window_s,
            row["flows"] / window_s,
            rtt_us=row["rtt"] or 0.0,
            retrans=row["lost"],
        )
    return pairs


def _application(querier: str, since: int, until: int, window_s: int, pairs: dict[tuple[Any, ...], Pair]) -> None:
    sql = (
        f"SELECT {_ENDS}, enum(protocol) AS proto, enum(l7_protocol) AS app, Sum(request) AS requests, Sum(error) AS errors, Avg(rrt) AS latency "
        f"FROM application_map.1s WHERE time >= {since} AND time < {until} GROUP BY {_ENDS}, enum(protocol), enum(l7_protocol) ORDER BY requests DESC LIMIT 1000"
    )
    for row in ask(querier, sql, "flow_metrics").rows():
        pair = pairs.get((row["ip_0"], row["ip_1"], row["server_port"], row["proto"]))
        if pair is not None:
            pair.protocol = row["app"] or pair.protocol
            pair.requests_s = row["requests"] / window_s
            pair.errors = row["errors"] / window_s
            pair.latency_us = row["latency"] or 0.0


def measure(querier: str, window_s: int, rows: int) -> list[Pair]:
    """The busiest pairs over the last `window_s` settled seconds."""
    until = int(time.time()) - _SETTLE_S
    pairs = _network(querier, until - window_s, until, window_s, rows)
    _application(querier, until - window_s, until, window_s, pairs)
    return list(pairs.values())


_COLUMNS: Final[tuple[tuple[str, Callable[[Pair], str | Text]], ...]] = (
    ("B/s", lambda pair: size(pair.bytes_s)),
    ("req/s", lambda pair: rate(pair.requests_s)),
    ("latency", lambda pair: Text(duration(pair.latency_us), "red" if pair.latency_us > _SLOW_US else "") if pair.latency_us else ""),
    ("err/s", lambda pair: Text(rate(pair.errors), "bold red")),
    ("rtt", lambda pair: duration(pair.rtt_us) if pair.rtt_us else ""),
    ("pkt/s", lambda pair: rate(pair.packets_s)),
    ("new/s", lambda pair: rate(pair.flows_s)),
    ("retr", lambda pair: Text(count(pair.retrans) if pair.retrans else "", "yellow")),
)
"""Heading and cell, the most telling first: a narrow terminal shows as many as leave room for the names."""
_NAMES_WIDTH: Final = 58
_COLUMN_WIDTH: Final = 10


def draw(pairs: list[Pair], window_s: int, width: int) -> Group:
    """One picture for a terminal of that many columns."""
    shown = _COLUMNS[: max(3, (width - _NAMES_WIDTH) // _COLUMN_WIDTH)]
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, expand=True)
    for name in ("client", "server"):
        table.add_column(name, ratio=1, min_width=14, overflow="ellipsis", no_wrap=True)
    table.add_column("proto", no_wrap=True)
    for name, _ in shown:
        table.add_column(name, justify="right", no_wrap=True)
    for pair in pairs:
        server = Text.assemble(pair.server, (f":{pair.port}", "dim")) if pair.port else Text(pair.server)
        table.add_row(Text(pair.client), server, pair.protocol, *(cell(pair) for _, cell in shown))
    total = sum(pair.bytes_s for pair in pairs)
    head = Text.assemble(
        ("weir top", "bold cyan"), f"  {datetime.now(UTC):%H:%M:%S} UTC   {len(pairs)} pairs   {size(total)}/s   ", (f"over {window_s} s", "dim")
    )
    return Group(head, table if pairs else Text("nobody talks (or the first second is still on its way)", "dim"))


def top(querier: str, *, rows: int, window_s: int, once: bool) -> None:
    """Draws until Ctrl-C; with `once`, or into a pipe, prints one picture."""
    console = terminal()
    if once or not console.is_terminal:
        console.print(draw(measure(querier, window_s, rows), window_s, console.width))
        return
    with Live(console=console, screen=True, auto_refresh=False) as live:
        try:
            while True:
                try:
                    live.update(draw(measure(querier, window_s, rows), window_s, console.width), refresh=True)
                except StartError as error:
                    live.update(Text(str(error), "red"), refresh=True)
                time.sleep(1)
        except KeyboardInterrupt:
            return
