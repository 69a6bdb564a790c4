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
    bytes: float = 0.0
    packets: float = 0.0
    flows: float = 0.0
    requests: float = 0.0
    errors: float = 0.0
    retrans: float = 0.0
    rtt_us: float = 0.0
    latency_us: float = 0.0

    def name(self, row: dict[str, Any]) -> None:
        """Takes the names of both ends where the row has better ones than addresses."""
        if row["auto_instance_0"] not in {"", row["ip_0"]}:
            self.client = row["auto_instance_0"]
        if row["auto_instance_1"] not in {"", row["ip_1"]}:
            self.server = row["auto_instance_1"]


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    return (row["ip_0"], row["ip_1"], row["server_port"], row["proto"])


def _network(querier: str, since: int, until: int, rows: int) -> dict[tuple[Any, ...], Pair]:
    sql = (
        # Whole numbers are all that is put in, and the querier can only read.
        f"SELECT {_ENDS}, enum(protocol) AS proto, Sum(byte) AS bytes, Sum(packet) AS packets, Sum(new_flow) AS flows, Avg(rtt) AS rtt, Sum(retrans) AS lost "
        f"FROM network_map.1s WHERE time >= {since} AND time < {until} GROUP BY {_ENDS}, enum(protocol) ORDER BY bytes DESC LIMIT {rows}"
    )
    pairs: dict[tuple[Any, ...], Pair] = {}
    for row in ask(querier, sql, "flow_metrics").rows():
        # One pair can come in two rows: its first seconds may have been stored before it had a name.
        pair = pairs.setdefault(_key(row), Pair(row["ip_0"], row["ip_1"], row["server_port"], row["proto"]))
        pair.name(row)
        pair.bytes += row["bytes"]
        pair.packets += row["packets"]
        pair.flows += row["flows"]
        pair.retrans += row["lost"]
        pair.rtt_us = row["rtt"] or pair.rtt_us
    return pairs


def _application(querier: str, since: int, until: int, pairs: dict[tuple[Any, ...], Pair]) -> None:
    sql = (
        f"SELECT {_ENDS}, enum(protocol) AS proto, enum(l7_protocol) AS app, Sum(request) AS requests, Sum(error) AS errors, Avg(rrt) AS latency "
        f"FROM application_map.1s WHERE time >= {since} AND time < {until} GROUP BY {_ENDS}, enum(protocol), enum(l7_protocol) ORDER BY requests DESC LIMIT 1000"
    )
    for row in ask(querier, sql, "flow_metrics").rows():
        pair = pairs.get(_key(row))
        if pair is not None:
            pair.name(row)
            pair.protocol = row["app"] or pair.protocol
            pair.requests += row["requests"]
            pair.errors += row["errors"]
            pair.latency_us = row["latency"] or pair.latency_us


def measure(querier: str, window_s: int, rows: int) -> list[Pair]:
    """The busiest pairs over the last `window_s` settled seconds."""
    until = int(time.time()) - _SETTLE_S
    pairs = _network(querier, until - window_s, until, rows)
    _application(querier, until - window_s, until, pairs)
    return list(pairs.values())


_COLUMNS: Final[tuple[tuple[str, Callable[[Pair, int], str | Text]], ...]] = (
    ("B/s", lambda pair, s: size(pair.bytes / s)),
    ("req/s", lambda pair, s: rate(pair.requests / s)),
    ("latency", lambda pair, _: Text(duration(pair.latency_us), "red" if pair.latency_us > _SLOW_US else "") if pair.latency_us else ""),
    ("err/s", lambda pair, s: Text(rate(pair.errors / s), "bold red")),
    ("rtt", lambda pair, _: duration(pair.rtt_us) if pair.rtt_us else ""),
    ("pkt/s", lambda pair, s: rate(pair.packets / s)),
    ("new/s", lambda pair, s: rate(pair.flows / s)),
    ("retr", lambda pair, _: Text(count(pair.retrans) if pair.retrans else "", "yellow")),
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
        table.add_row(Text(pair.client), server, pair.protocol, *(cell(pair, window_s) for _, cell in shown))
    total = sum(pair.bytes for pair in pairs) / window_s
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
