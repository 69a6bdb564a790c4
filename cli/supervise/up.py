"""`weir up`: look, start, show, keep running, stop."""

from __future__ import annotations

import asyncio
import os
import time

from rich.console import Console

from cli.supervise.preflight import busy_ports, disk, machine, setting
from cli.supervise.processes import PROCESSES, Process
from cli.supervise.screen import Screen
from cli.supervise.state import State, log_dir, take_lock
from cli.supervise.supervisor import Supervisor
from libs.boot.errors import StartError


def configured() -> list[Process]:
    """The table with the ports and the databases of this machine's settings: a database that is configured elsewhere is not started here."""
    elsewhere = {name for name, key in (("postgres", "WEIR_POSTGRES_DSN"), ("store", "WEIR_CLICKHOUSE_URL")) if os.environ.get(key)}
    chosen = []
    for process in PROCESSES:
        if process.name in elsewhere:
            continue
        number = os.environ.get(setting(process))
        chosen.append(process if number is None else Process(**{**{field: getattr(process, field) for field in process.__slots__}, "port": int(number)}))
    return chosen


def _skips(processes: list[Process], console: Console) -> dict[str, str]:
    """Looks at the machine; says each finding once; gives what cannot run, with why. Raises StartError where nothing can."""
    findings = [*disk(), *machine(), *busy_ports(processes)]
    skipped: dict[str, str] = {}
    for finding in findings:
        if finding.fatal:
            raise StartError(finding.sentence)
        console.print(f"[yellow]![/yellow] {finding.sentence}", soft_wrap=True, highlight=False)
        for process in processes:
            if process.name in finding.blocks or ("native" in finding.blocks and process.native):
                skipped[process.name] = finding.sentence
    for process in processes:
        missing = [name for name in process.needs if name in skipped]
        if missing and process.name not in skipped:
            skipped[process.name] = f"needs {' and '.join(missing)}"
    return skipped


async def _run(processes: list[Process], skipped: dict[str, str], console: Console) -> None:
    screen = Screen(console)
    started = time.monotonic()
    shown = True

    def on_change(state: State) -> None:
        if shown:
            screen.show(state)

    supervisor = Supervisor(processes, skipped, on_change)
    running = asyncio.create_task(supervisor.run())
    ready = asyncio.create_task(supervisor.all_ready.wait())
    await asyncio.wait({running, ready}, return_when=asyncio.FIRST_COMPLETED)
    screen.rest()
    if ready.done():
        shown = False
        querier = next((process.port for process in processes if process.name == "querier"), 20416)
        screen.where_to_look(time.monotonic() - started, f"http://127.0.0.1:{querier}")
        console.print(f"[dim]logs: {log_dir()}[/dim]", soft_wrap=True, highlight=False)
    await supervisor.stopping.wait()
    console.print("stopping …")
    await running
    console.print("Weir is down; the data stays.")


def up() -> None:
    """Runs until told to stop. Raises StartError with one sentence where it cannot start."""
    console = Console()
    lock = take_lock()
    processes = configured()
    try:
        asyncio.run(_run(processes, _skips(processes, console), console))
    finally:
        lock.close()
