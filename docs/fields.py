"""Which columns each application protocol fills: read from the rows that the recorded captures give, which a test of the native crate keeps true."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

RECORDED: Final = Path(__file__).parents[1] / "tests" / "data" / "l7"
EVERYWHERE: Final = frozenset({"l7_protocol", "l7_protocol_str", "type", "start_time", "end_time", "response_status", "attributes"})
"""What each row of each protocol has says nothing about one of them."""
_UNKNOWN_LENGTH: Final = -1


@dataclass(slots=True)
class Filled:
    """What the rows of one protocol say."""

    rows: int = 0
    columns: Counter[str] = field(default_factory=Counter)
    attributes: Counter[str] = field(default_factory=Counter)

    def always(self) -> list[str]:
        """Columns that every row fills."""
        return sorted(name for name, count in self.columns.items() if count == self.rows)

    def sometimes(self) -> list[str]:
        """Columns that some rows fill."""
        return sorted(name for name, count in self.columns.items() if count < self.rows)


def filled() -> dict[str, Filled]:
    """By the protocol's name."""
    protocols: dict[str, Filled] = {}
    for path in sorted(RECORDED.rglob("*.jsonl")):
        for line in path.read_text().splitlines():
            row = json.loads(line)
            protocol = protocols.setdefault(row["l7_protocol_str"], Filled())
            protocol.rows += 1
            protocol.columns.update(name for name, value in row.items() if name not in EVERYWHERE and value != _UNKNOWN_LENGTH)
            protocol.attributes.update(row.get("attributes", {}).keys())
    return dict(sorted(protocols.items(), key=lambda item: item[0].lower()))
