"""`python -m tests.opinions` prints by protocol the captures and the values agreed and not, each disagreement with its reason."""

from __future__ import annotations

import sys
from collections import defaultdict

from rich.console import Console
from rich.table import Table

from tests.opinions.compare import CASES, Compared, everything
from tests.opinions.reasons import reason


def main() -> int:
    """1 where a disagreement has no reason."""
    console = Console()
    found = everything()
    if not found:
        console.print(f"There are no captures with second opinions in {CASES}.")
        return 0
    by_protocol: dict[str, list[Compared]] = defaultdict(list)
    for compared in found:
        by_protocol[compared.protocol].append(compared)
    table = Table("protocol", "captures", "columns", "agreed", "disagreed", "of these explained", title="What Weir reads, beside another reader")
    for protocol, rows in by_protocol.items():
        explained = sum(row.disagreed for row in rows if reason(row))
        columns = sorted({row.column for row in rows})
        counts = (len({row.capture for row in rows}), sum(row.agreed for row in rows), sum(row.disagreed for row in rows))
        table.add_row(protocol, str(counts[0]), ", ".join(columns), str(counts[1]), str(counts[2]), str(explained))
    console.print(table)
    unexplained = 0
    for row in (row for row in found if row.disagreed):
        why = reason(row)
        unexplained += not why
        console.print(f"[bold]{row.capture}[/] {row.column}: {why or '[red]not explained[/]'}")
        if not why or "-v" in sys.argv:
            console.print(f"   theirs alone {list(row.theirs)[:6]}\n   ours alone   {list(row.ours)[:6]}", markup=False)
    return int(unexplained > 0)


if __name__ == "__main__":
    sys.exit(main())
