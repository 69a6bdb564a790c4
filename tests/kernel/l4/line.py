"""Two namespaces with a relay between them, the engine at work in each, and what each of the two saw."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson
from weir_native import Batch, Engine

from tests.kernel.l4.relay import Relay, relaying

if TYPE_CHECKING:
    from weir_native import EngineConfig

Row = dict[str, Any]

HERE: Final = Path(__file__).parent
ADDRESSES: Final = {4: ("10.88.1.1", "10.88.1.2"), 6: ("fd88::1", "fd88::2")}
# Columns of a flow's rows that are not sums.
LAST: Final = ("close_type", "direction_score", "history", "l7_protocol")
"""What the last row of a flow says of all of it."""
ONCE: Final = ("rtt", "icmp_unreachable_code")
"""What only the row says in whose minute it was seen."""


def run(*words: str) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


@dataclass
class Watch:
    """The engine in one namespace. Everything else is there once it has stopped."""

    engine: Engine
    batches: list[Batch] = field(default_factory=list)
    stats: dict[str, int] = field(default_factory=dict)

    def rows(self, table: str) -> list[Row]:
        lines = (line for batch in self.batches if batch.table == table for line in batch.to_json_lines().splitlines())
        return sorted(map(orjson.loads, lines), key=lambda row: str(row.get("start_time", row["time"])))

    def flows(self, port: int) -> dict[int, Row]:
        """Client port → the sums of its flow's rows, of which a minute's end makes one more."""
        found: dict[int, Row] = {}
        rows: defaultdict[int, list[Row]] = defaultdict(list)
        for row in self.rows("flow_log.l4_flow_log"):
            if row["server_port"] == port:
                rows[row["client_port"]].append(row)
        for client, some in rows.items():
            found[client] = {name: sum(row[name] for row in some) for name, value in some[0].items() if isinstance(value, int) and name not in (*LAST, *ONCE)}
            found[client] |= {name: some[-1][name] for name in LAST} | {name: max(row[name] for row in some) for name in ONCE} | {"rows": len(some)}
        return found

    def requests(self, protocol: str) -> list[Row]:
        return [row for row in self.rows("flow_log.l7_flow_log") if row["l7_protocol_str"] == protocol]


@dataclass
class Line:
    """Left and right, each with the interface `v0`, and the relay between them."""

    left: str
    right: str
    relay: Relay

    def inside(self, namespace: str) -> tuple[str, ...]:
        return ("ip", "netns", "exec", namespace)

    def offload(self, *, on: bool) -> None:
        """What TCP leaves to the device to cut, or does itself."""
        for namespace in (self.left, self.right):
            for name in ("tso", "gso", "gro"):
                run(*self.inside(namespace), sys.executable, str(HERE / "offload.py"), "v0", name, str(int(on)))

    @contextmanager
    def watching(self, namespace: str, config: EngineConfig | None = None) -> Iterator[Watch]:
        """The engine in one namespace while the block runs. Not a packet may be dropped."""
        watch = Watch(Engine(config))
        watch.engine.start(ring_mib=64, netns=[(namespace, f"/run/netns/{namespace}")])
        try:
            for _ in range(100):
                if watch.engine.stats().get("netns", 0) > 1:
                    break
                watch.engine.drain(50)
            yield watch
            time.sleep(1.5)
        finally:
            watch.stats = watch.engine.stats()
            watch.batches += watch.engine.stop()
        assert {name: count for name, count in watch.stats.items() if "drop" in name and count} == {}

    @contextmanager
    def both(self, config: EngineConfig | None = None) -> Iterator[tuple[Watch, Watch]]:
        with ExitStack() as stack:
            yield stack.enter_context(self.watching(self.left, config)), stack.enter_context(self.watching(self.right, config))

    def start(self, namespace: str, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen([*self.inside(namespace), *words], stdout=subprocess.PIPE, text=True)

    def transfer(self, version: int, port: int, connections: int, sends: tuple[int, int]) -> tuple[dict[int, Row], dict[int, Row]]:
        """Connections from left to right, `sends` bytes each way. Returns what the kernels of both ends say, by client port."""
        address = ADDRESSES[version][1]
        words = (sys.executable, str(HERE / "peer.py"))
        with self.start(self.right, *words, "serve", address, str(port), str(connections), str(sends[1])) as server:
            try:
                assert server.stdout is not None
                assert server.stdout.readline() == "ready\n"
                asked = run(*self.inside(self.left), *words, "ask", address, str(port), str(connections), str(sends[0]))
                served = server.stdout.read()
            finally:
                server.kill()
        left, right = ({line["port"]: line for line in map(json.loads, text.splitlines())} for text in (asked, served))
        assert len(left) == len(right) == connections
        assert {line["got"] for line in left.values()} == {sends[1]}
        assert {line["got"] for line in right.values()} == {sends[0]}
        return left, right


@contextmanager
def stretched(make_namespace: Callable[[], str], seed: int) -> Iterator[Line]:
    """A line whose ends know each other's MAC address, so that nothing is said on it but what the test says."""
    left, middle, right = (make_namespace() for _ in range(3))
    for namespace in (left, middle, right):
        run("ip", "netns", "exec", namespace, "sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0", "net.ipv6.conf.default.router_solicitations=0")
        run("ip", "-n", namespace, "link", "set", "lo", "up")
    run("ip", "netns", "exec", middle, "sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1")
    macs = {}
    for side, namespace in enumerate((left, right)):
        run("ip", "link", "add", "v0", "netns", namespace, "type", "veth", "peer", "name", f"m{side}", "netns", middle)
        for address, length in ((ADDRESSES[4][side], 24), (ADDRESSES[6][side], 64)):
            run("ip", "-n", namespace, "addr", "add", f"{address}/{length}", "dev", "v0")
        run("ip", "-n", namespace, "link", "set", "v0", "up")
        run("ip", "-n", middle, "link", "set", f"m{side}", "up")
        [link] = json.loads(run("ip", "-n", namespace, "-j", "link", "show", "v0"))
        macs[side] = link["address"]
    for side, namespace in enumerate((left, right)):
        for version in ADDRESSES:
            run("ip", "-n", namespace, "neigh", "add", ADDRESSES[version][1 - side], "lladdr", macs[1 - side], "dev", "v0")
    with relaying(middle, ("m0", "m1"), seed) as relay:
        line = Line(left, right, relay)
        line.offload(on=False)
        yield line
