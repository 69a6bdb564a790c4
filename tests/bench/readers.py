"""Other programs that read a capture file, each as its makers would run it for flows or for requests, on the core that the engine is measured on."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.bench.peers import NFSTREAM, PACKETBEAT, program
from tests.bench.processes import Child, last_core

_LIMIT_S: Final = 240
_PASSES: Final = 3
"""Between two readers that take long a kernel that reclaims what is idle takes the file from its cache, and gives it back in two readings."""


@dataclass(frozen=True, slots=True)
class Reader:
    """A program, whether it is there, and the words that make it read `file` and write into `folder`."""

    name: str
    path: str | None
    words: Callable[[str, Path, Path], list[str]]
    knows: str
    """What comes out of it."""

    def rate(self, file: Path, folder: Path, packets: int) -> float | None:
        """Packets per CPU-second, None where it is not installed. Raises RuntimeError where it fails."""
        if self.path is None:
            return None
        out = folder / self.name
        out.mkdir(exist_ok=True)
        for old in out.iterdir():
            if old.is_file():
                old.unlink()
        warm(file)
        return packets / Child(self.words(self.path, file, out), out, cores={last_core()}).wait(_LIMIT_S)


def _softflowd(path: str, file: Path, folder: Path) -> list[str]:
    return [path, "-r", str(file), "-m", "1000000", "-n", "127.0.0.1:9", "-v", "9", "-d", "-p", str(folder / "pid"), "-c", "none"]


def _nfpcapd(path: str, file: Path, folder: Path) -> list[str]:
    return [path, "-r", str(file), "-l", str(folder), "-t", "3600"]


def _argus(path: str, file: Path, folder: Path) -> list[str]:
    return [path, "-X", "-r", str(file), "-w", str(folder / "argus.out")]


def _ndpi(path: str, file: Path, _: Path) -> list[str]:
    return [path, "-q", "-i", str(file)]


def _tshark(path: str, file: Path, _: Path) -> list[str]:
    return [path, "-n", "-r", str(file), "-q", "-z", "conv,tcp"]


def _nfstream(path: str, file: Path, _: Path) -> list[str]:
    read = "import sys, nfstream; print(sum(1 for _ in nfstream.NFStreamer(source=sys.argv[1], statistical_analysis=True, n_meters=1)))"
    return [path, "-c", f"if __name__ == '__main__':\n {read}", str(file)]


def _suricata(path: str, file: Path, folder: Path) -> list[str]:
    config = folder / "config" / "suricata.yaml"
    config.parent.mkdir(exist_ok=True)
    config.write_text(_SURICATA)
    return [path, "-c", str(config), "-r", str(file), "-l", str(folder), "-k", "none", "--runmode", "single", "-S", "/dev/null"]


def _packetbeat(path: str, file: Path, folder: Path) -> list[str]:
    config = folder / "config" / "packetbeat.yml"
    config.parent.mkdir(exist_ok=True)
    config.write_text(_PACKETBEAT % {"folder": folder})
    return [path, "run", "-c", str(config), "-I", str(file), "-t", "--strict.perms=false", "--path.home", str(folder / "home")]


_SURICATA: Final = """%YAML 1.1
---
vars: {address-groups: {HOME_NET: any, EXTERNAL_NET: any}}
outputs:
  - eve-log: {enabled: yes, filetype: regular, filename: eve.json, types: [{http: {extended: yes}}, {dns: {}}]}
app-layer:
  protocols:
    http: {enabled: yes, libhtp: {default-config: {personality: IDS}}}
    dns: {tcp: {enabled: yes, detection-ports: {dp: 53}}, udp: {enabled: yes, detection-ports: {dp: 53}}}
flow: {memcap: 1gb, hash-size: 262144}
stream: {memcap: 1gb, checksum-validation: no, reassembly: {memcap: 1gb, depth: 0}}
"""
_PACKETBEAT: Final = """
packetbeat.flows: {timeout: 30s, period: 10s}
packetbeat.protocols:
- {type: http, ports: [80]}
- {type: redis, ports: [6379]}
- {type: mysql, ports: [3306]}
- {type: dns, ports: [53]}
packetbeat.shutdown_timeout: 5s
output.file: {path: "%(folder)s", filename: events, rotate_every_kb: 10000000}
queue.mem: {events: 65536}
logging: {level: error, to_stderr: true}
"""

SOFTFLOWD: Final = Reader("softflowd", program("softflowd"), _softflowd, "flows with packets and bytes")
NFPCAPD: Final = Reader("nfpcapd", program("nfpcapd"), _nfpcapd, "flows with packets and bytes")
ARGUS: Final = Reader("argus", program("argus"), _argus, "flows with packets and bytes")
SURICATA: Final = Reader("Suricata", program("suricata"), _suricata, "HTTP and DNS, no Redis, no MySQL")
PACKETBEAT_READER: Final = Reader("packetbeat", str(PACKETBEAT) if PACKETBEAT.exists() else None, _packetbeat, "all four")
NDPI: Final = Reader("ndpiReader", program("ndpiReader"), _ndpi, "a label per flow, no requests")
TSHARK: Final = Reader("tshark", program("tshark"), _tshark, "a table of conversations")
NFSTREAM_READER: Final = Reader("nfstream", str(NFSTREAM) if NFSTREAM.exists() else None, _nfstream, "flows with statistics and a label")


def warm(file: Path) -> None:
    """Brings `file` into the page cache: what is measured is the reader, not the disk, which costs most who reads fastest."""
    for _ in range(_PASSES):
        with file.open("rb", buffering=0) as capture:
            while capture.read(1 << 20):
                pass


def engine(table: str, file: Path, folder: Path, config: str = "{}") -> Child:
    """The engine reading `file` as the agent does; its last line is JSON, see `ENGINE`."""
    warm(file)
    return Child([sys.executable, "-c", ENGINE, str(file), table, config], folder, cores={last_core()})


ENGINE: Final = """
import collections, json, sys, time, weir_native
import pyarrow, pyarrow.compute
replay = weir_native.Engine(json.loads(sys.argv[3])).replay(sys.argv[1])
rows, kinds, used = 0, collections.Counter(), 0.0
while True:
    begun = time.process_time()
    batch = next(replay, None)
    used += time.process_time() - begun
    if batch is None:
        break
    if batch.table == sys.argv[2]:
        table = pyarrow.record_batch(batch)
        if "close_type" in table.schema.names:
            # A flow that lives while a minute ends is reported then too.
            table = table.filter(pyarrow.compute.not_equal(table["close_type"], 5))
        rows += table.num_rows
        if "request_type" in table.schema.names:
            names = (table[name].to_pylist() for name in ("l7_protocol_str", "request_type", "type"))
            kinds.update(" ".join(map(str, kind)) for kind in zip(*names))
        del table
    begun = time.process_time()
    del batch
    used += time.process_time() - begun
stats = replay.stats()
packets = stats["packets"] + sum(count for name, count in stats.items() if name.startswith("unparsed_") and not name.endswith("_bytes"))
print(json.dumps({"rows": rows, "packets": packets, "cpu_s": used, "kinds": kinds}))
"""
"""Counts rows between one batch and the next, when no time is taken; a batch is let go as the agent lets it go. Packets are those of flows and those
that are not IP. Answers rows, packets, cpu_s, and rows by protocol, request type and kind of row."""
