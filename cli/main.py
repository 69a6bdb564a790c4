"""The `weir` command and its verbs. Each verb's module is imported when it is used, so that `weir --help` is quick."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer

from libs.boot.errors import StartError

app = typer.Typer(
    help="See every flow on this machine, named at both ends.\n\nStart with [bold]weir up[/bold], look with [bold]weir top[/bold], ask with [bold]weir query[/bold].",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    add_completion=False,
)


class Format(StrEnum):
    """How an answer is written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    ARROW = "arrow"


Querier = Annotated[str, typer.Option("--querier", envvar="WEIR_QUERIER_URL", help="Address of the querier.")]
_QUERIER = "http://127.0.0.1:20416"
Watch = Annotated[bool, typer.Option("--watch", "-w", help="Draw it again every second until Ctrl-C.")]


@app.command()
def up() -> None:
    """Start everything on this machine and keep it running until Ctrl-C or `weir down`."""
    from cli.supervise.up import up as run  # noqa: PLC0415  each verb loads what it needs

    run()


@app.command()
def down() -> None:
    """Stop everything that `weir up` started. The data stays."""
    from cli.supervise.down import down as run  # noqa: PLC0415

    run()


@app.command()
def status(*, watch: Watch = False, as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """Every process, its queue, its drops, and the ledger: what was sent against what was stored."""
    from cli.status import status as run  # noqa: PLC0415

    run(watch=watch, as_json=as_json)


@app.command()
def agents(*, as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """The agents that have registered, and how they are."""
    from cli.agents import agents as run  # noqa: PLC0415

    run(as_json=as_json)


@app.command()
def top(
    *,
    querier: Querier = _QUERIER,
    rows: Annotated[int, typer.Option("--rows", "-n", min=1, help="How many pairs to show.")] = 25,
    window: Annotated[int, typer.Option("--window", min=5, help="Seconds the rates are taken over.")] = 15,
    once: Annotated[bool, typer.Option("--once", help="Print one picture and end.")] = False,
) -> None:
    """Who talks to whom now: rates, latency, errors."""
    from cli.top import top as run  # noqa: PLC0415

    run(querier, rows=rows, window_s=window, once=once)


@app.command()
def query(
    sql: Annotated[str, typer.Argument(help="The question. Names, not ids: see the examples below. `-` reads standard input.")],
    *,
    db: Annotated[str, typer.Option("--db", help="flow_log, flow_metrics …; found by the table's name where left out.")] = "",
    form: Annotated[Format, typer.Option("--format", "-f", help="How the answer is written.")] = Format.TABLE,
    querier: Querier = _QUERIER,
) -> None:
    r"""Ask in SQL.

    Who asked which names:

      [cyan]weir query "SELECT auto_instance_0, request_resource, Count(row) AS n FROM l7_flow_log WHERE l7_protocol = 120 GROUP BY auto_instance_0, request_resource ORDER BY n DESC LIMIT 10"[/cyan]

    Slowest HTTP servers of the last five minutes:

      [cyan]weir query "SELECT auto_instance_1, Avg(rrt) AS us, Max(rrt) AS worst FROM application_map.1m WHERE time > now() - 300 GROUP BY auto_instance_1 ORDER BY us DESC"[/cyan]

    What can be asked: [cyan]weir query "SHOW TABLES"[/cyan], [cyan]"SHOW TAGS FROM l7_flow_log"[/cyan], [cyan]"SHOW METRICS FROM network.1s"[/cyan]
    """
    from cli.query import query as run  # noqa: PLC0415

    run(sql, db=db, form=form.value, querier=querier)


@app.command()
def demo(*, querier: Querier = _QUERIER) -> None:
    """Make a little known HTTP and DNS traffic, then show what Weir saw of it."""
    from cli.demo.play import play  # noqa: PLC0415

    play(querier)


def main() -> None:
    """Entry point: an error a person can mend is one sentence and exit code 1."""
    try:
        app()
    except StartError as error:
        typer.secho(str(error), err=True, fg="red")
        sys.exit(1)


if __name__ == "__main__":
    main()
