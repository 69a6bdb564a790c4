"""`weir demo`: plays the script, waits for the rows, compares them with the script and prints the query that shows them."""

from __future__ import annotations

import subprocess
import time
from collections import Counter
from typing import Any, Final

from rich.console import Console

from cli.answers import Answer, ask, get_json, get_text
from cli.demo.script import CLIENT, DNS, HTTP, SERVER, dns_counts, http_counts
from cli.demo.stage import Stage, command, expect_line, stage
from cli.query import as_table
from cli.terminal import terminal
from libs.boot.errors import StartError
from libs.catalog.ports import port

_WAIT_S: Final = 30.0
_SETTLE_S: Final = 1.0
"""Between a resource's record and the platform table that has it."""
_SELECT: Final = (
    "SELECT auto_instance_0, auto_instance_1, enum(l7_protocol) AS protocol, request_type, request_resource, response_code, "
    "Count(row) AS requests, Avg(response_duration) AS latency"
)
_GROUP: Final = "auto_instance_0, auto_instance_1, enum(l7_protocol), request_type, request_resource, response_code"


def question(place: Stage, since: int) -> str:
    """The query that shows exactly the demo's requests."""
    ports = f"server_port IN ({place.http_port}, {place.dns_port})"
    return (
        f"{_SELECT} FROM l7_flow_log WHERE time >= {since} AND ip_1 = '{place.server_address}' AND {ports} GROUP BY {_GROUP} ORDER BY protocol, requests DESC"
    )


def _known(kind: str) -> bool:
    """Whether client and server are recorded as resources of that kind and every ingester has been told."""
    recorded = {str(row["name"]) for row in get_json(f"http://127.0.0.1:{port('recorder')}/v1/resources/{kind}?limit=10000")["resources"]}
    if not {CLIENT, SERVER} <= recorded:
        return False
    time.sleep(_SETTLE_S)
    version = get_json(f"http://127.0.0.1:{port('trisolaris')}/v1/platform")["version"]
    for _ in range(20):
        if all(_platform_version(process) >= version for process in ("ingester.flow_log", "ingester.flow_metrics")):
            return True
        time.sleep(0.3)
    return False


def _platform_version(process: str) -> float:
    for line in get_text(f"http://127.0.0.1:{port(process)}/metrics").splitlines():
        if line.startswith("weir_ingester_platform_version "):
            return float(line.split()[1])
    return 0.0


def _wait_for_names(console: Console, kind: str, what: str) -> None:
    """A name must be known before the first packet for every row to carry it."""
    deadline = time.monotonic() + _WAIT_S
    with console.status(f"waiting until Weir has learnt the {what} …"):
        while time.monotonic() < deadline:
            if _known(kind):
                return
            time.sleep(0.3)
    console.print(f"[yellow]Weir has not learnt the {what} within {_WAIT_S:g} s; rows will carry less telling names.[/yellow]")


def _play(place: Stage, console: Console) -> tuple[int, int]:
    """Runs both programs; returns how many HTTP and DNS requests were answered as the script says."""
    server = subprocess.Popen(command(SERVER, place), stdout=subprocess.PIPE, text=True, preexec_fn=place.enter_server)  # noqa: S603, PLW1509
    client = None
    try:
        if expect_line(server.stdout) != "ready":
            message = f"The demo's server did not start: is port {place.http_port} on {place.server_address} free?"
            raise StartError(message)
        client = subprocess.Popen(  # noqa: S603
            command(CLIENT, place),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=place.enter_client,  # noqa: PLW1509
        )
        _wait_for_names(console, "process", "two programs")
        answered = _tell(client, "go").split()
        time.sleep(0.5)
        _tell(client, "end")
        client.wait(10)
    finally:
        for child in (client, server):
            if child is not None and child.poll() is None:
                child.terminate()
                child.wait(10)
    return (int(answered[0]), int(answered[1])) if len(answered) == 2 else (0, 0)  # noqa: PLR2004


def _tell(client: subprocess.Popen[str], word: str) -> str:
    """Says a word to the client; gives the line it answers, "" where it ends."""
    if client.stdin is not None:
        client.stdin.write(f"{word}\n")
        client.stdin.flush()
    return expect_line(client.stdout)


def _counts(answer: Answer) -> Counter[tuple[str, str, int]]:
    counted: Counter[tuple[str, str, int]] = Counter()
    row: dict[str, Any]
    for row in answer.rows():
        counted[row["request_type"], row["request_resource"], int(row["response_code"])] += int(row["requests"])
    return counted


def play(querier: str) -> None:
    """Plays, waits, shows, and says whether it agrees to the last request. Raises StartError where it does not."""
    console = terminal()
    ask(querier, "SHOW DATABASES")
    wanted = http_counts() + dns_counts()
    with stage() as place:
        if place.named:
            _wait_for_names(console, "vm", "two machines")
        since = int(time.time()) - 1
        answered = _play(place, console)
        console.print(f"played: {answered[0]} of {len(HTTP)} HTTP and {answered[1]} of {len(DNS)} DNS requests were answered as the script says")
        sql = question(place, since)
        deadline = time.monotonic() + _WAIT_S
        with console.status("waiting for the rows …"):
            answer = ask(querier, sql, "flow_log")
            while _counts(answer) != wanted and time.monotonic() < deadline:
                time.sleep(0.5)
                answer = ask(querier, sql, "flow_log")
    console.print(as_table(answer))
    console.print("the query that shows it:\n")
    console.print(f'  weir query "{sql}"\n', soft_wrap=True, style="cyan", highlight=False)
    seen = _counts(answer)
    if seen != wanted:
        lacking, extra = wanted - seen, seen - wanted
        message = f"Weir saw {seen.total()} of {wanted.total()} requests (missing: {dict(lacking)}, not asked: {dict(extra)}); `weir status` shows drops."
        raise StartError(message)
    console.print(f"[green]✓[/green] exactly the {wanted.total()} requests that were made")
