"""A stock IPFIX collector reads what is sent to it: nfcapd, and nfdump for what it has stored."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import orjson
import pytest
import weir_native

DATA = Path(__file__).parents[3] / "data" / "l7"

pytestmark = pytest.mark.skipif(not shutil.which("nfcapd"), reason="nfcapd is not installed (apt-get install nfdump)")


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("name", ["http1/keep_alive", "http1/bodies", "dns/kinds"])
def test_a_collector_has_every_flow_with_its_counts(name: str, tmp_path: Path) -> None:
    port, capture = free_port(), DATA / f"{name}.pcap"
    words = ["nfcapd", "-b", "127.0.0.1", "-p", str(port), "-w", str(tmp_path), "-t", "3600"]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as collector:
        time.sleep(1)
        done = subprocess.run(
            [sys.executable, "-m", "agent", "--pcap", str(capture), "--ipfix", f"127.0.0.1:{port}"], check=False, capture_output=True, text=True
        )
        time.sleep(1)
        collector.terminate()
        collector.wait(20)
    assert done.returncode == 0, done.stderr
    [stored] = [path for path in tmp_path.iterdir() if path.name.startswith("nfcapd.2")]
    out = subprocess.run(["nfdump", "-r", str(stored), "-o", "json"], check=True, capture_output=True).stdout
    have = Counter(
        (row.get("src4_addr") or row["src6_addr"], row["src_port"], row["dst_port"], row["proto"], row["in_packets"], row["in_bytes"])
        for row in orjson.loads(out)
    )
    want: Counter[tuple[str, int, int, int, int, int]] = Counter()
    for batch in weir_native.Engine().replay(capture):
        for row in map(orjson.loads, batch.to_json_lines().splitlines()) if batch.table == "flow_log.l4_flow_log" else ():
            for mine, other, way in (("client_port", "server_port", "tx"), ("server_port", "client_port", "rx")):
                packets = row[f"packet_{way}"]
                if packets:
                    ip, header = (row[f"ip4_{way == 'rx':d}"], 20) if row["is_ipv4"] else (row[f"ip6_{way == 'rx':d}"], 40)
                    want[ip, row[mine], row[other], row["protocol"], packets, row[f"l3_byte_{way}"] + header * packets] += 1
    assert have == want
