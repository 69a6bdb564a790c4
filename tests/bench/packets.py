"""Capture files → rows, beside softflowd and Suricata reading the same files: packets per CPU-second, each on one core of its own."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.bench import captures
from tests.bench.figure import Figure, rate
from tests.bench.peers import program
from tests.bench.processes import Child, last_core

_REQUESTS: Final = 100
"""Requests of a connection in the HTTP capture."""
_ENGINE: Final = """
import json, sys, time, weir_native
replay = weir_native.Engine().replay(sys.argv[1])
kept = [batch for batch in replay if batch.table == sys.argv[2]]
used = time.process_time()
import pyarrow, pyarrow.compute
table = pyarrow.Table.from_batches([pyarrow.record_batch(batch) for batch in kept])
if "close_type" in table.column_names:
    # A flow that lives while a minute ends is reported then too.
    table = table.filter(pyarrow.compute.not_equal(table["close_type"], 5))
print(json.dumps({"rows": table.num_rows, "packets": replay.stats()["packets"], "cpu_s": used}))
"""


def _weir(file: Path, folder: Path, packets: int, table: str, rows: int) -> float:
    """The engine as the agent runs it: flows, requests and documents, all at once. Its rows are counted after its time is taken."""
    child = Child([sys.executable, "-c", _ENGINE, str(file), table], folder, cores={last_core()})
    child.wait(120)
    answer = json.loads(child.log.read_text().splitlines()[-1])
    rate(answer["rows"], rows, answer["cpu_s"])
    return rate(answer["packets"], packets, answer["cpu_s"])


def _softflowd(file: Path, folder: Path, packets: int) -> float:
    words = [program("softflowd") or "", "-r", str(file), "-m", "1000000", "-n", "127.0.0.1:9", "-v", "9", "-d", "-p", str(folder / "pid"), "-c", "none"]
    return packets / Child(words, folder, cores={last_core()}).wait(120)


def _suricata(file: Path, folder: Path, packets: int, requests: int) -> float:
    config = folder / "suricata.yaml"
    config.write_text(_SURICATA)
    words = [program("suricata") or "", "-c", str(config), "-r", str(file), "-l", str(folder), "-k", "none", "--runmode", "single", "-S", "/dev/null"]
    used = Child(words, folder, cores={last_core()}).wait(180)
    with (folder / "eve.json").open("rb") as eve:
        seen = sum(1 for line in eve if b'"event_type":"http"' in line)
    rate(seen, requests, used)
    return packets / used


_SURICATA: Final = """%YAML 1.1
---
vars: {address-groups: {HOME_NET: any, EXTERNAL_NET: any}}
outputs:
  - eve-log: {enabled: yes, filetype: regular, filename: eve.json, types: [{http: {extended: yes}}]}
app-layer:
  protocols:
    http: {enabled: yes, libhtp: {default-config: {personality: IDS}}}
flow: {memcap: 1gb, hash-size: 262144}
stream: {memcap: 1gb, checksum-validation: no, reassembly: {memcap: 1gb, depth: 0}}
"""


def _best(measure: Callable[[], float], times: int) -> float:
    return max(measure() for _ in range(times))


def measure(*, quick: bool) -> list[Figure]:
    """Many small flows, and kept-alive HTTP."""
    times = 1 if quick else 3
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        flows, http = folder / "flows.pcap", folder / "http.pcap"
        flow_packets = captures.write_flows(flows, *((1_250_000, 50_000) if quick else ()))
        flow_count = flow_packets // len(captures.small_flow())
        http_packets = captures.write_http(http, 500_000 if quick else 2_000_000)
        requests = http_packets // len(captures.http_flow(_REQUESTS)) * _REQUESTS
        l4 = _best(lambda: _weir(flows, folder, flow_packets, "flow_log.l4_flow_log", flow_count), times)
        softflowd = _best(lambda: _softflowd(flows, folder, flow_packets), times) if program("softflowd") else None
        l7 = _best(lambda: _weir(http, folder, http_packets, "flow_log.l7_flow_log", requests), times)
        suricata = _suricata(http, folder, http_packets, requests) if program("suricata") else None
    return [
        Figure(
            "capture file → L4 rows, many small flows",
            l4,
            "packets/CPU-s",
            2_000_000,
            baseline=softflowd,
            baseline_name="softflowd",
            goal_ratio=1,
            note=f"{flow_packets:,} packets, {flow_count:,} flows" + ("" if softflowd else "; softflowd is not there: `make peers`"),
        ),
        Figure(
            "capture file → HTTP rows",
            l7,
            "packets/CPU-s",
            1_500_000,
            baseline=suricata,
            baseline_name="Suricata",
            goal_ratio=5,
            note=f"{http_packets:,} packets, {requests:,} requests" + ("" if suricata else "; Suricata is not there: `make peers`"),
        ),
    ]
