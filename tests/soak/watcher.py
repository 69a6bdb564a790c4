"""The process that is watched for growth: the engine as the agent runs it, and counts of its rows. Answers each line of its input with JSON."""

from __future__ import annotations

import json
import select
import sys
from collections import Counter
from typing import Any

import pyarrow as pa
import weir_native

from agent.capture.making import engine_config
from libs.catalog.agent_config import AgentConfig

SESSION = 2


def count(batches: list[weir_native.Batch], rows: Counter[str]) -> None:
    """Adds what the batches hold: rows by table, requests by protocol, halves of requests, flows and packets."""
    for batch in batches:
        rows[f"rows {batch.table}"] += batch.rows
        table: Any = pa.record_batch(batch)
        if batch.table == "flow_log.l7_flow_log":
            for name, kind in zip(table["l7_protocol_str"].to_pylist(), table["type"].to_pylist(), strict=True):
                rows[f"l7 {name}"] += 1
                rows[f"halves {name}"] += kind != SESSION
        elif batch.table == "flow_log.l4_flow_log":
            for protocol, is_new in zip(table["protocol"].to_pylist(), table["is_new_flow"].to_pylist(), strict=True):
                rows[f"flows {protocol}"] += is_new
            rows["packets in flows"] += sum(table["packet_tx"].to_pylist()) + sum(table["packet_rx"].to_pylist())
        elif batch.table in ("flow_metrics.network_map.1s", "flow_metrics.network_map.1m"):
            rows[f"packets in {batch.table.rpartition('.')[2]} documents"] += sum(table["packet_tx"].to_pylist()) + sum(table["packet_rx"].to_pylist())


def main() -> None:
    engine = weir_native.Engine(engine_config(AgentConfig(), 1))
    engine.start(ring_mib=8, fanout=1)
    rows: Counter[str] = Counter()
    while True:
        count(engine.drain(500), rows)
        if not select.select([sys.stdin], [], [], 0)[0]:
            continue
        asked = sys.stdin.readline().strip()
        stats = engine.stats()
        if asked != "count":
            count(engine.stop(), rows)
        sys.stdout.write(json.dumps({"stats": stats, "rows": rows}) + "\n")
        sys.stdout.flush()
        if asked != "count":
            return


if __name__ == "__main__":
    main()
