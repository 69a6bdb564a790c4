"""Live capture between real programs in network namespaces, compared with what the kernel counted."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest
import weir_native

if TYPE_CHECKING:
    from weir_native import EngineConfig

Row = dict[str, Any]
MakeNamespace = Callable[[], str]

SERVER = """
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = b"x" * int(self.path.rsplit("/", 1)[1])
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *ignored): pass
server = ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Handler)
print("ready", flush=True)
server.serve_forever()
"""

CLIENT = """
import http.client, json, sys, time
host, port, count, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
log = []
for number in range(count):
    if number % 10 == 0:
        connection = http.client.HTTPConnection(host, port)
    began = time.perf_counter()
    connection.request("GET", f"/{number % 7}/{size}")
    response = connection.getresponse()
    response.read()
    log.append((f"/{number % 7}/{size}", response.status, time.perf_counter() - began))
    if number % 10 == 9:
        connection.close()
print(json.dumps(log))
"""


def _run(*words: str) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def _in(namespace: str, *words: str) -> str:
    return _run("ip", "netns", "exec", namespace, *words)


def _path(namespace: str) -> tuple[str, str]:
    return (namespace, f"/var/run/netns/{namespace}")


def _quiet(namespace: str) -> None:
    """No packets but those of the test: no IPv6 neighbours to look for."""
    _in(namespace, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1")
    _in(namespace, "ip", "link", "set", "lo", "up")


def _link(left: str, right: str, names: tuple[str, str]) -> None:
    _run("ip", "link", "add", names[0], "netns", left, "type", "veth", "peer", "name", names[1], "netns", right)


def _address(namespace: str, device: str, address: str) -> None:
    _run("ip", "-n", namespace, "addr", "add", address, "dev", device)
    _run("ip", "-n", namespace, "link", "set", device, "up")


def _counters(namespace: str, device: str) -> Counter[str]:
    [link] = json.loads(_run("ip", "-n", namespace, "-s", "-j", "link", "show", device))
    return Counter({way: link["stats64"][way]["bytes"] for way in ("rx", "tx")})


def _packets(namespace: str, device: str) -> Counter[str]:
    [link] = json.loads(_run("ip", "-n", namespace, "-s", "-j", "link", "show", device))
    return Counter({way: link["stats64"][way]["packets"] for way in ("rx", "tx")})


def _unparsed(stats: dict[str, int]) -> int:
    return sum(value for name, value in stats.items() if name.startswith("unparsed_") and not name.endswith("_bytes"))


@contextmanager
def _server(namespace: str, address: str, port: int) -> Iterator[int]:
    words = ["ip", "netns", "exec", namespace, sys.executable, "-c", SERVER, address, str(port)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield process.pid
        finally:
            process.kill()


def _request(namespace: str, address: str, port: int, count: int = 20, size: int = 100) -> list[tuple[str, int, float]]:
    return [tuple(line) for line in json.loads(_in(namespace, sys.executable, "-c", CLIENT, address, str(port), str(count), str(size)))]


class Capture:
    """A running engine, and the rows that it gave."""

    def __init__(
        self, *namespaces: str, exclude: list[tuple[str, int]] | None = None, config: EngineConfig | None = None, fanout: int = 1, ring_mib: int = 2
    ) -> None:
        self.engine = weir_native.Engine(config)
        self.engine.start(ring_mib=ring_mib, fanout=fanout, exclude=exclude or [], netns=[_path(name) for name in namespaces])
        self.batches: list[weir_native.Batch] = []
        self.stats: dict[str, int] = {}
        # Namespaces other than the own one are entered by the thread.
        self.until(lambda stats: stats.get("netns", 0) > len(namespaces))

    def until(self, holds: Callable[[dict[str, int]], bool]) -> None:
        for _ in range(100):
            self.batches += self.engine.drain(100)
            if holds(self.engine.stats()):
                return
        pytest.fail(f"did not come: {self.engine.stats()}")

    def stop(self) -> None:
        time.sleep(0.2)  # longer than a block waits before it is handed over
        self.batches += self.engine.stop()

    def rows(self, table: str, address: str) -> list[Row]:
        lines = [line for batch in self.batches if batch.table == table for line in batch.to_json_lines().splitlines()]
        return [row for row in map(orjson.loads, lines) if address in (row.get("ip4_0"), row.get("ip4_1"), row.get("ip4"))]


def _total(rows: list[Row], column: str) -> int:
    return sum(row[f"{column}_tx"] + row[f"{column}_rx"] for row in rows)


@pytest.fixture
def pair(make_namespace: MakeNamespace) -> tuple[str, str]:
    left, right = make_namespace(), make_namespace()
    for namespace in (left, right):
        _quiet(namespace)
    _link(left, right, ("v0", "v1"))
    _address(left, "v0", "10.77.1.1/24")
    _address(right, "v1", "10.77.1.2/24")
    # Both ends know each other's MAC, so that nobody asks for it.
    for namespace, device, other, far in ((left, "v0", "10.77.1.2", (right, "v1")), (right, "v1", "10.77.1.1", (left, "v0"))):
        [link] = json.loads(_run("ip", "-n", far[0], "-j", "link", "show", far[1]))
        _run("ip", "-n", namespace, "neigh", "add", other, "lladdr", link["address"], "dev", device)
    return left, right


def test_requests_between_namespaces_agree_with_the_client_and_the_interfaces(pair: tuple[str, str]) -> None:
    left, right = pair
    with _server(right, "10.77.1.2", 8080):
        capture = Capture(left, right)
        before = _counters(left, "v0")
        log = _request(left, "10.77.1.2", 8080, count=200, size=70_000)
        seen = _counters(left, "v0") - before
        capture.stop()
    requests = sorted(capture.rows("flow_log.l7_flow_log", "10.77.1.2"), key=lambda row: row["start_time"])
    assert [(row["request_resource"], row["response_code"], row["request_type"]) for row in requests] == [(path, code, "GET") for path, code, _ in log]
    assert all(row["response_duration"] <= took * 1e6 for row, (_, _, took) in zip(requests, log, strict=True))
    flows = capture.rows("flow_log.l4_flow_log", "10.77.1.2")
    assert len(flows) == 20
    assert (sum(row["byte_tx"] for row in flows), sum(row["byte_rx"] for row in flows)) == (seen["tx"], seen["rx"])
    assert {row["close_type"] for row in flows} <= {1, 5, 20}
    assert {row["capture_nic_type"] for row in flows} == {3}
    pairs = capture.rows("flow_metrics.network_map.1s", "10.77.1.2")
    assert _total(pairs, "byte") == _total(flows, "byte")
    assert sum(row["request"] for row in capture.rows("flow_metrics.application_map.1m", "10.77.1.2")) == 200


BULK = """
import socket, sys
host, port, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
connection = socket.create_connection((host, port))
sent = memoryview(bytes(1 << 20))
while size:
    size -= connection.send(sent[:min(size, len(sent))])
connection.shutdown(socket.SHUT_WR)
while connection.recv(1 << 16): pass
"""
SINK = """
import socket, sys
listener = socket.create_server((sys.argv[1], int(sys.argv[2])))
print("ready", flush=True)
while True:
    connection, _ = listener.accept()
    while connection.recv(1 << 20): pass
    connection.close()
"""
# ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SGRO: struct ifreq points to {command, 0}.
NO_OFFLOAD = """
import array, fcntl, socket, struct, sys
asked = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for command in (0x1F, 0x24, 0x2C):
    value = array.array("B", struct.pack("II", command, 0))
    fcntl.ioctl(asked, 0x8946, struct.pack("16sP", sys.argv[1].encode(), value.buffer_info()[0]))
"""


def _segments(namespace: str) -> int:
    """TCP segments that a namespace has sent; the kernel counts here what offload makes of one buffer as several."""
    names, values = (line.split()[1:] for line in _in(namespace, "cat", "/proc/net/snmp").splitlines() if line.startswith("Tcp:"))
    counters = dict(zip(names, map(int, values), strict=True))
    return counters["OutSegs"] + counters["RetransSegs"]


@pytest.mark.parametrize("offload", [True, False])
def test_a_bulk_transfer_counts_the_packets_of_the_wire(pair: tuple[str, str], *, offload: bool) -> None:
    """A veth pair passes on, and counts as one packet, what TCP leaves for offload to cut; the stack's own counters know the segments."""
    left, right = pair
    for namespace, device in ((left, "v0"), (right, "v1")):
        if not offload:
            _in(namespace, sys.executable, "-c", NO_OFFLOAD, device)
    words = ["ip", "netns", "exec", right, sys.executable, "-c", SINK, "10.77.1.2", "8089"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as sink:
        try:
            assert sink.stdout is not None
            assert sink.stdout.readline() == "ready\n"
            capture = Capture(left, right, ring_mib=64)
            segments, packets, octets = (_segments(left), _segments(right)), _packets(left, "v0"), _counters(left, "v0")
            _in(left, sys.executable, "-c", BULK, "10.77.1.2", "8089", "20000000")
            time.sleep(0.1)
            segments = (_segments(left) - segments[0], _segments(right) - segments[1])
            packets, octets = _packets(left, "v0") - packets, _counters(left, "v0") - octets
            capture.until(lambda stats: stats["packets"] >= packets.total())
            dropped = capture.engine.stats()["kernel_drops"]
            capture.stop()
        finally:
            sink.kill()
    assert dropped == 0
    flows = [row for row in capture.rows("flow_log.l4_flow_log", "10.77.1.2") if row["protocol"] == 6]
    there, back = (sum(row[f"packet_{way}"] for row in flows) for way in ("tx", "rx"))
    assert (there, back) == segments
    assert (sum(row["byte_tx"] for row in flows), sum(row["byte_rx"] for row in flows)) == (octets["tx"], octets["rx"])
    assert there > 20_000_000 / 1460
    if offload:
        assert packets["tx"] < there / 4
    else:
        assert (packets["tx"], packets["rx"]) == segments


def test_two_readers_share_the_flows_and_the_rows_are_exact(pair: tuple[str, str]) -> None:
    """Each flow goes to one reader, both ways and in both namespaces: else there were more rows than connections, or packets counted twice."""
    left, right = pair
    with _server(right, "10.77.1.2", 8088):
        capture = Capture(left, right, fanout=2)
        before = _counters(left, "v0")
        log = _request(left, "10.77.1.2", 8088, count=1000, size=5_000)
        seen = _counters(left, "v0") - before
        capture.stop()
    flows = [row for row in capture.rows("flow_log.l4_flow_log", "10.77.1.2") if row["protocol"] == 6]
    for column in ("is_new_flow", "syn_count", "synack_count"):
        each: Counter[int] = Counter()
        for row in flows:  # a flow may have a row in each of two minutes
            each[row["flow_id"]] += row[column]
        assert list(each.values()) == [1] * 100
    assert (sum(row["byte_tx"] for row in flows), sum(row["byte_rx"] for row in flows)) == (seen["tx"], seen["rx"])
    requests = sorted(capture.rows("flow_log.l7_flow_log", "10.77.1.2"), key=lambda row: row["start_time"])
    assert [(row["request_resource"], row["response_code"]) for row in requests] == [(path, code) for path, code, _ in log]
    assert _total(capture.rows("flow_metrics.network_map.1m", "10.77.1.2"), "byte") == seen.total()
    assert {row["flow_id"] % 2 for row in flows} == {0, 1}  # each reader has numbers of its own


def test_each_of_two_readers_tells_what_the_kernel_dropped(pair: tuple[str, str]) -> None:
    left, right = pair
    capture = Capture(left, right, fanout=2)
    flood = "import socket\ns = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(16)]\nfor n in range(40000): s[n % 16].sendto(bytes(1400), ('10.77.1.2', 9))"
    before = _packets(left, "v0")
    _in(left, sys.executable, "-c", flood)
    sent = _packets(left, "v0") - before
    capture.until(lambda stats: stats["kernel_packets"] >= sent["tx"])
    time.sleep(1.5)
    stats = capture.engine.stats()
    capture.stop()
    # The kernel counts what it dropped among its packets; what others on this machine say meanwhile may still lie in a block.
    accounted = stats["kernel_drops"] + stats["packets"] + stats["duplicate_packets"] + _unparsed(stats)
    assert accounted <= stats["kernel_packets"] <= accounted + 1000
    counted = _total([row for row in capture.rows("flow_log.l4_flow_log", "10.77.1.2") if row["server_port"] == 9], "packet")
    assert max(1, 40_000 - stats["kernel_drops"]) <= counted <= 40_000


def test_loopback_is_seen_once_and_agrees_with_its_counters(make_namespace: MakeNamespace) -> None:
    namespace = make_namespace()
    _quiet(namespace)
    with _server(namespace, "127.77.1.1", 8081):
        capture = Capture(namespace)
        before = _counters(namespace, "lo")
        _request(namespace, "127.77.1.1", 8081, count=30, size=200_000)
        seen = _counters(namespace, "lo") - before
        capture.stop()
    flows = [row for row in capture.rows("flow_log.l4_flow_log", "127.77.1.1") if row["server_port"] == 8081]
    assert _total(flows, "byte") == seen["rx"]
    assert {(row["capture_nic"], row["capture_nic_type"], row["observation_point"]) for row in flows} == {("lo", 1, "local")}
    assert len([row for row in capture.rows("flow_log.l7_flow_log", "127.77.1.1") if row["server_port"] == 8081]) == 30


def test_a_path_over_a_bridge_made_later_is_counted_once(make_namespace: MakeNamespace) -> None:
    left, middle, right = (make_namespace() for _ in range(3))
    capture = Capture()
    for namespace in (left, middle, right):
        _quiet(namespace)
    _run("ip", "-n", middle, "link", "add", "br0", "type", "bridge")
    for namespace, name, address in ((left, "p0", "10.77.2.1/24"), (right, "p1", "10.77.2.2/24")):
        _link(namespace, middle, ("v0", name))
        _address(namespace, "v0", address)
        _run("ip", "-n", middle, "link", "set", name, "master", "br0", "up")
    capture.engine.set_netns([_path(name) for name in (left, middle, right)])
    capture.until(lambda stats: stats.get("netns", 0) == 4)
    _run("ip", "-n", middle, "link", "set", "br0", "up")
    with _server(right, "10.77.2.2", 8082):
        log = _request(left, "10.77.2.2", 8082, count=50)
        capture.stop()
    assert len(capture.rows("flow_log.l7_flow_log", "10.77.2.2")) == len(log) == 50
    flows = [row for row in capture.rows("flow_log.l4_flow_log", "10.77.2.2") if row["protocol"] == 6]
    assert [row["syn_count"] + row["synack_count"] + row["retrans_tx"] + row["retrans_rx"] for row in flows] == [2] * 5


def test_what_is_excluded_leaves_no_row(pair: tuple[str, str]) -> None:
    left, right = pair
    with _server(right, "10.77.1.2", 8083), _server(right, "10.77.1.2", 8084):
        capture = Capture(left, right, exclude=[("10.77.1.2", 8083), ("0.0.0.0", 9), ("::1", 8083)])
        _request(left, "10.77.1.2", 8083)
        _request(left, "10.77.1.2", 8084)
        capture.stop()
    ports = {row["server_port"] for row in capture.rows("flow_log.l4_flow_log", "10.77.1.2") if row["protocol"] == 6}
    assert ports == {8084}


def test_interfaces_are_looked_at_as_asked_and_asked_anew_while_it_runs(pair: tuple[str, str]) -> None:
    left, right = pair
    with _server(right, "10.77.1.2", 8086):
        capture = Capture(left, right, config={"interfaces": [f"{left}/v*", "no-such"], "exclude_interfaces": ["?1"]})
        before = _counters(left, "v0")
        _request(left, "10.77.1.2", 8086, count=10)
        seen = _counters(left, "v0") - before
        capture.until(lambda stats: stats["left_out_packets"] > 0)
        capture.engine.reconfigure({"interfaces": ["v1"], "exclude_interfaces": []})
        time.sleep(0.5)
        _request(left, "10.77.1.2", 8086, count=20)
        capture.until(lambda stats: stats["flows_made"] >= 3)
        capture.engine.reconfigure({"exclude_interfaces": ["*"]})
        time.sleep(0.5)
        _request(left, "10.77.1.2", 8086, count=10)
        capture.stop()
    flows = capture.rows("flow_log.l4_flow_log", "10.77.1.2")
    # A flow that lives while a minute ends has a row more.
    assert Counter(nic for _, nic in {(row["flow_id"], row["capture_nic"]) for row in flows}) == {"v0": 1, "v1": 2}
    assert _total([row for row in flows if row["capture_nic"] == "v0"], "byte") == seen.total()
    assert len(capture.rows("flow_log.l7_flow_log", "10.77.1.2")) == 30


def test_the_process_at_each_end_is_named(pair: tuple[str, str]) -> None:
    left, right = pair
    patient = CLIENT.replace("print(", "time.sleep(2.5); connection.request('GET', '/0/1'); connection.getresponse().read(); print(")
    with _server(right, "10.77.1.2", 8085) as server:
        capture = Capture(left, right)
        words = ["ip", "netns", "exec", left, sys.executable, "-c", patient, "10.77.1.2", "8085", "5", "10"]
        with subprocess.Popen(words, stdout=subprocess.PIPE) as client:
            client.communicate()
        capture.stop()
    requests = sorted(capture.rows("flow_log.l7_flow_log", "10.77.1.2"), key=lambda row: row["start_time"])
    assert [row["process_id_1"] for row in requests] == [server] * 6
    assert requests[-1]["process_id_0"] == client.pid
    [flow] = [row for row in capture.rows("flow_log.l4_flow_log", "10.77.1.2") if row["close_type"] != 5 or row["is_new_flow"]][-1:]
    assert (flow["process_id_0"], flow["process_id_1"]) == (client.pid, server)
    assert flow["process_kname_0"].startswith("python")
    assert flow["process_kname_1"].startswith("python")


def test_a_namespace_that_is_gone_is_counted_and_harms_nothing() -> None:
    capture = Capture()
    capture.engine.set_netns([_path("weir-no-such")])
    capture.until(lambda stats: stats.get("netns_failed") == 1)
    capture.stop()


IDLE = """
import time, weir_native
engine = weir_native.Engine()
engine.start(ring_mib=8)
time.sleep(0.5)
began, used = time.monotonic(), time.process_time()
while time.monotonic() - began < 4:
    engine.drain(500)
cpu = (time.process_time() - used) / (time.monotonic() - began)
# Not getrusage's ru_maxrss: that begins with what the parent had when it forked.
print(cpu, next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
engine.stop()
"""


def test_an_idle_capture_costs_next_to_nothing(make_namespace: MakeNamespace, tmp_path: Path) -> None:
    namespace = make_namespace()
    _quiet(namespace)
    script = tmp_path / "idle.py"
    script.write_text(IDLE)
    cpu, rss_kib = map(float, _in(namespace, sys.executable, str(script)).split())
    assert cpu < 0.01
    assert rss_kib < 80_000


def test_without_the_right_to_capture_it_says_so() -> None:
    words = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", sys.executable, "-c", "import weir_native; weir_native.Engine().start()"]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert "PermissionError: [Errno 1] cannot capture packets" in done.stderr
