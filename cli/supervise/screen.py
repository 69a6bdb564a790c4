"""What a person sees while Weir comes up: a step a process, with its time; in a pipe or a log a line when a step ends."""

from __future__ import annotations

import time
from typing import Final

from rich.console import Console
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from cli.supervise.state import ProcessState, State

_MARKS: Final = {
    "waiting": ("·", "dim"),
    "starting": ("…", "yellow"),
    "ready": ("✓", "green"),
    "not ready": ("!", "yellow"),
    "restarting": ("↻", "red"),
    "skipped": ("-", "dim"),
    "stopping": ("…", "yellow"),
    "stopped": ("■", "dim"),
}


def steps(state: State) -> Table:
    """The table of steps."""
    table = Table.grid(padding=(0, 2))
    for row in state.processes:
        mark, style = _MARKS[row.state]
        took = f"{row.started_in_s:.1f} s" if row.state == "ready" else f"{time.time() - row.since:.0f} s" if row.state in {"starting", "restarting"} else ""
        table.add_row(Text(mark, style), Text(row.name, style if row.state != "ready" else ""), Text(took.rjust(7), "dim"), Text(row.note or row.what, "dim"))
    return table


class Screen:
    """Follows the supervisor's state on a terminal or in a pipe."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live: Live | None = None
        self._said: dict[str, str] = {}

    def show(self, state: State) -> None:
        """Called at each change of state."""
        if self._console.is_terminal:
            if self._live is None:
                self._live = Live(console=self._console, get_renderable=lambda: steps(state), refresh_per_second=8)
                self._live.start()
            return
        for row in state.processes:
            if self._said.get(row.name) != row.state and row.state not in {"waiting", "starting", "stopping"}:
                self._console.print(_line(row), soft_wrap=True)
            self._said[row.name] = row.state

    def rest(self) -> None:
        """Leaves the last picture standing and gives the terminal back."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def where_to_look(self, seconds: float, querier: str) -> None:
        """The last word of a start: how to ask."""
        lines = Text.assemble(
            ("weir top", "bold cyan"), "                who talks to whom, live\n",
            ("weir query ", "bold cyan"), ('"SELECT …"', "cyan"), "   ask in SQL; `weir query --help` has examples\n",
            ("weir status", "bold cyan"), "             every process, its queue, its drops\n",
            ("make demo", "bold cyan"), "               traffic to look at\n",
            ("weir down", "bold cyan"), " or Ctrl-C      stop; the data stays\n\n",
            ("questions over HTTP: ", "dim"), f"{querier}/v1/query/", ("   (weir is .venv/bin/weir)", "dim"),
        )  # fmt: skip
        self._console.print(Panel(lines, title=f"Weir is up, {seconds:.1f} s", title_align="left", border_style="green", expand=False))


def _line(row: ProcessState) -> str:
    took = f"{row.started_in_s:5.1f} s" if row.state == "ready" else "       "
    return f"  {row.name:<22} {row.state:<10} {took}  {row.note or row.what}"
