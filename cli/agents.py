"""`weir agents`: who has registered, and how they are."""

from __future__ import annotations

import sys
from typing import Any

import orjson
from rich import box
from rich.table import Table

from cli.answers import get_json
from cli.terminal import terminal
from libs.catalog.ports import port


def agents(*, as_json: bool) -> None:
    """Prints a row per agent as trisolaris knows it."""
    rows: list[dict[str, Any]] = get_json(f"http://127.0.0.1:{port('trisolaris')}/v1/agents")["items"]
    if as_json:
        sys.stdout.write(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode() + "\n")
        return
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for name in ("id", "name", "address", "mac", "group", "revision", "state", "seen", "config"):
        table.add_column(name)
    for row in rows:
        table.add_row(
            str(row.get("vtap_id") or row.get("id", "")),
            *(str(row.get(key) or "") for key in ("name", "ctrl_ip", "ctrl_mac", "vtap_group_id", "revision", "state", "last_seen_at", "config_version")),
        )
    console = terminal()
    console.print(table if rows else "No agent has registered yet.")
