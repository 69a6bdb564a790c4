"""Connections of real kernels, ended in every way there is; each end's view, and what the other end's kernel did."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.kernel.l4.line import ADDRESSES, Line, Watch, run
from tests.kernel.l4.relay import Impairment, Passing

if TYPE_CHECKING:
    from weir_native import EngineConfig

SYN, RST, FIN, ACK = 2, 4, 1, 16
SERVER, PORT = ADDRESSES[4][1], 7100

# `told` is what the server does with each connection.
SERVE = """
import socket, struct, sys, time
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
if sys.argv[4] != "0": listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, int(sys.argv[4]))
listener.bind((sys.argv[1], int(sys.argv[2])))
listener.listen(int(sys.argv[3]))
print("ready", flush=True)
NOW = struct.pack("ii", 1, 0)
def told(stream):
{body}
while True:
    told(listener.accept()[0])
"""

ASK = """
import socket, struct, sys, time
NOW = struct.pack("ii", 1, 0)
def connected():
    return socket.create_connection((sys.argv[1], int(sys.argv[2])), 8)
{body}
"""


def _python(template: str, body: str, *, indent: str = "") -> str:
    return template.replace("{body}", textwrap.indent(textwrap.dedent(body), indent))


@contextmanager
def _serving(line: Line, body: str, backlog: int = 16, buffer: int = 0) -> Iterator[None]:
    words = (sys.executable, "-c", _python(SERVE, body, indent="    "), SERVER, str(PORT), str(backlog), str(buffer))
    with line.start(line.right, *words) as server:
        try:
            assert server.stdout is not None
            assert server.stdout.readline() == "ready\n"
            yield
        finally:
            server.kill()


def _ask(line: Line, body: str) -> None:
    run(*line.inside(line.left), sys.executable, "-c", _python(ASK, body), SERVER, str(PORT))


HASTY: EngineConfig = {"timeouts": {"closed_s": 1, "reset_s": 1}}
CLOSED_S = 2.5
"""So much later it is known what has ended."""

# What the server does with a connection, what the client does, and the close_type that both watches see.
ENDINGS = {
    "both close": ("stream.recv(1); stream.close()", "s = connected(); s.send(b'x'); s.recv(1); s.close()", 1),
    "the server resets": (
        "stream.recv(1); stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NOW); stream.close()",
        "s = connected(); s.send(b'x')\ntry: s.recv(1)\nexcept ConnectionResetError: pass",
        2,
    ),
    "the client resets": (
        "stream.recv(1); stream.send(b'y'); time.sleep(1)",
        "s = connected(); s.send(b'x'); s.recv(1); s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NOW); s.close()",
        9,
    ),
    "the client closes, hears more, and resets": (
        "stream.recv(1); time.sleep(0.3); stream.send(b'late'); time.sleep(0.3)",
        "s = connected(); s.send(b'x'); s.close(); time.sleep(1)",
        20,
    ),
    "nobody listens": (None, "try: connected()\nexcept ConnectionRefusedError: pass", 15),
}


@pytest.mark.parametrize("name", ENDINGS)
def test_an_ending_has_its_close_type(line: Line, name: str) -> None:
    serves, asks, close_type = ENDINGS[name]
    with line.both(HASTY) as watches:
        if serves is None:
            _ask(line, asks)
        else:
            with _serving(line, serves):
                _ask(line, asks)
        time.sleep(CLOSED_S)
    for watch in watches:
        [flow] = watch.flows(PORT).values()
        assert flow["close_type"] == close_type


# Who is cut off when, what the client does, and the close_type at the left and at the right.
CUTS: dict[str, tuple[Callable[[Passing], bool], Callable[[Passing], bool], str, int | None, int | None]] = {
    # SYNs arrive nowhere: the client repeats them.
    "the server is not there": (lambda _: True, lambda _: False, "try: connected()\nexcept TimeoutError: pass", 7, None),
    # The SYN arrives, its answer does not.
    "the answer does not arrive": (lambda _: False, lambda _: True, "try: connected()\nexcept TimeoutError: pass", 7, 10),
    # The client's FIN is acknowledged, and the server never closes.
    "the server keeps its side": (lambda _: False, lambda _: False, "s = connected(); s.send(b'x'); s.shutdown(socket.SHUT_WR); time.sleep(9)", 8, 8),
    "the client keeps its side": (lambda _: False, lambda _: False, "s = connected(); s.send(b'close'); s.recv(1); time.sleep(9)", 11, 11),
}


@pytest.mark.parametrize("name", CUTS)
def test_silence_has_its_close_type(line: Line, name: str) -> None:
    there, back, asks, at_left, at_right = CUTS[name]
    line.relay.there.drops, line.relay.back.drops = there, back
    run(*line.inside(line.right), "sysctl", "-qw", "net.ipv4.tcp_synack_retries=2")
    serves = "if stream.recv(5) == b'close': stream.shutdown(socket.SHUT_WR)\ntime.sleep(9)"
    with line.both() as (left, right), _serving(line, serves):
        _ask(line, asks)
        time.sleep(7 if at_left == 7 else 0)
    for watch, close_type in ((left, at_left), (right, at_right)):
        # What is said when the programs end is another flow: this one was over.
        assert _endings(watch)[:1] == [close_type] * (close_type is not None)
    if at_left == 7:
        [flow] = left.flows(PORT).values()
        assert flow["retrans_syn"] == flow["syn_count"] - 1 >= 1


def _endings(watch: Watch) -> list[int]:
    rows = watch.rows("flow_log.l4_flow_log")
    return [row["close_type"] for row in rows if row["server_port"] == PORT and row["close_type"] != 5]


def test_a_full_accept_queue_is_told_from_a_slow_server(line: Line) -> None:
    """The server's kernel drops the ACK of the handshake, so that it repeats its SYN-ACK to a client that takes itself for connected."""
    # One is taken, two wait; of the next two, which asked at the same time, one finds the queue full when its handshake is over.
    asks = """
    import threading
    def one():
        s = connected(); s.send(b"x")
        try: s.recv(1)
        except OSError: pass
    held = [connected() for _ in range(3)]
    threads = [threading.Thread(target=one, daemon=True) for _ in range(2)]
    for thread in threads: thread.start()
    time.sleep(9)
    """
    line.relay.impair(Impairment(delay_s=0.15))
    run(*line.inside(line.right), "sysctl", "-qw", "net.ipv4.tcp_synack_retries=2", "net.ipv4.tcp_syncookies=0")
    with line.both(HASTY) as watches, _serving(line, "time.sleep(30)", backlog=2):
        _ask(line, asks)
        time.sleep(CLOSED_S)
    overflown = 0
    for watch in watches:
        types = [flow["close_type"] for flow in watch.flows(PORT).values()]
        overflown += 17 in types
        for flow in watch.flows(PORT).values():
            if flow["close_type"] == 17:
                assert flow["retrans_synack"] > 0
    assert overflown == 2


SIMULTANEOUS = """
import socket, sys, time
stream = socket.socket()
stream.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
stream.bind((sys.argv[1], 7200))
time.sleep(max(0, float(sys.argv[3]) - time.time()))
stream.connect((sys.argv[2], 7200))
stream.sendall(b"hello"); assert stream.recv(5) == b"hello"
stream.shutdown(socket.SHUT_WR); stream.recv(1)
"""


def test_two_kernels_that_open_at_once_have_one_connection(line: Line) -> None:
    line.relay.impair(Impairment(delay_s=0.3))
    with line.both(HASTY) as watches:
        moment = str(time.time() + 1)
        ends = [
            subprocess.Popen([*line.inside(namespace), sys.executable, "-c", SIMULTANEOUS, ADDRESSES[4][side], ADDRESSES[4][1 - side], moment])
            for side, namespace in enumerate((line.left, line.right))
        ]
        assert [end.wait(20) for end in ends] == [0, 0]
        time.sleep(CLOSED_S)
    for watch in watches:
        [flow] = watch.flows(7200).values()
        assert (flow["close_type"], flow["syn_count"], flow["is_new_flow"]) == (1, 2, 1)
        assert (flow["l4_byte_tx"], flow["l4_byte_rx"], flow["retrans_tx"], flow["retrans_rx"]) == (5, 5, 0, 0)


REUSED = """
for number in range(6):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("", 45000))
    s.connect((sys.argv[1], int(sys.argv[2])))
    s.send(b"x" * (number + 1))
    s.recv(1)
    if number % 2: s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NOW)
    else: s.recv(1)
    s.close()
    time.sleep(0.05)
"""


def test_ports_used_again_at_once_are_another_connection_each(line: Line) -> None:
    with line.both(HASTY) as watches, _serving(line, "stream.recv(9); stream.send(b'y'); time.sleep(0.02); stream.close()"):
        _ask(line, REUSED)
        time.sleep(CLOSED_S)
    for watch in watches:
        rows = [row for row in watch.rows("flow_log.l4_flow_log") if row["server_port"] == PORT]
        sizes: dict[int, int] = {}
        for row in rows:
            sizes[row["flow_id"]] = sizes.get(row["flow_id"], 0) + row["l4_byte_tx"]
        assert list(sizes.values()) == [1, 2, 3, 4, 5, 6]
        assert sum(row["is_new_flow"] for row in rows) == 6
        ends = [row["close_type"] for row in rows if row["close_type"] != 5]
        # Where the machine is busy the server's FIN comes before the client's reset now and then.
        assert [9 if end == 20 else end for end in ends] == [1, 9, 1, 9, 1, 9]


def test_keep_alives_are_not_repetitions_and_keep_the_flow(line: Line) -> None:
    asks = """
    s = connected()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL): s.setsockopt(socket.IPPROTO_TCP, option, 1)
    s.send(b"x"); s.recv(1); time.sleep(5.5); s.close()
    """
    timeouts: EngineConfig = {"timeouts": {"established_s": 3, "closed_s": 1}}
    with line.both(timeouts) as watches, _serving(line, "stream.recv(1); stream.send(b'y'); stream.recv(1); stream.close()"):
        _ask(line, asks)
        time.sleep(CLOSED_S)
    for watch in watches:
        [flow] = watch.flows(PORT).values()
        assert (flow["retrans_tx"], flow["retrans_rx"], flow["close_type"], flow["is_new_flow"]) == (0, 0, 1, 1)
        assert flow["packet_tx"] >= 4 + 4, "probes passed"


def _netstat(line: Line, namespace: str, name: str) -> int:
    lines = run(*line.inside(namespace), "cat", "/proc/net/netstat").splitlines()
    for names, values in zip(lines[::2], lines[1::2], strict=True):
        found = dict(zip(names.split(), values.split(), strict=True))
        if name in found:
            return int(found[name])
    raise AssertionError(name)


def test_zero_windows_are_those_of_a_reader_that_stops_reading(line: Line) -> None:
    serves = "time.sleep(2.5)\nwhile stream.recv(1 << 16): pass\nstream.close()"
    asks = "s = connected(); s.sendall(bytes(300_000)); s.shutdown(socket.SHUT_WR); s.recv(1)"
    before = _netstat(line, line.right, "TCPToZeroWindowAdv")
    with line.both(HASTY) as watches, _serving(line, serves, buffer=16_384):
        _ask(line, asks)
        time.sleep(CLOSED_S)
    advertised = _netstat(line, line.right, "TCPToZeroWindowAdv") - before
    assert advertised > 0
    for watch in watches:
        [flow] = watch.flows(PORT).values()
        # Each answer to a probe says it again, which the kernel counts as one.
        assert flow["zero_win_rx"] >= advertised
        assert flow["zero_win_tx"] == 0
        assert (flow["l4_byte_tx"] >= 300_000, flow["close_type"]) == (True, 1)


REPAIRED = """
import socket, struct, sys, time
TCP_REPAIR, TCP_REPAIR_QUEUE, TCP_QUEUE_SEQ, TCP_REPAIR_OPTIONS = 19, 20, 21, 22
side, mine, its = int(sys.argv[1]), sys.argv[2], sys.argv[3]
ports, begin = ((46000, 7300), (2**32 - 3000, 2**32 - 70_000)) if side == 0 else ((7300, 46000), (2**32 - 70_000, 2**32 - 3000))
stream = socket.socket()
stream.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
stream.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
stream.bind((mine, ports[0]))
for queue, seq in ((2, begin[0]), (1, begin[1])):
    stream.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR_QUEUE, queue)
    stream.setsockopt(socket.IPPROTO_TCP, TCP_QUEUE_SEQ, seq - 2**32)
stream.connect((its, ports[1]))
# What a handshake would have settled: MSS, window scales, SACK.
stream.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR_OPTIONS, struct.pack("IIIIII", 2, 1448, 3, 7 | 7 << 16, 4, 0))
print("ready", flush=True)
sys.stdin.readline()
stream.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 0)
if side == 0:
    stream.sendall(b"x" * 10_000)
    got = 0
    while got < 200_000: got += len(stream.recv(1 << 16))
    stream.shutdown(socket.SHUT_WR)
    while stream.recv(1): pass
else:
    got = 0
    while got < 10_000: got += len(stream.recv(1 << 16))
    stream.sendall(b"y" * 200_000)
    while stream.recv(1): pass
    stream.shutdown(socket.SHUT_WR)
time.sleep(0.5)
info = stream.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
print(int.from_bytes(info[100:104], sys.byteorder), flush=True)
"""


def test_sequence_numbers_wrap_around_in_a_connection_whose_beginning_nobody_saw(line: Line) -> None:
    """Two sockets that are told where they stand (TCP_REPAIR): no handshake passes, and both directions cross 2**32 on a line that loses packets."""
    line.relay.impair(Impairment(loss=0.05, delay_s=0.004))
    with line.both(HASTY) as watches:
        ends = [
            subprocess.Popen(
                [*line.inside(namespace), sys.executable, "-c", REPAIRED, str(side), ADDRESSES[4][side], ADDRESSES[4][1 - side]],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for side, namespace in enumerate((line.left, line.right))
        ]
        for end in ends:
            assert end.stdout is not None
            assert end.stdout.readline() == "ready\n"
        for end in ends:
            assert end.stdin is not None
            end.stdin.write("go\n")
            end.stdin.flush()
        said = [int(end.communicate(timeout=40)[0]) for end in ends]
        time.sleep(CLOSED_S)
    left, right = watches
    for watch in watches:
        [flow] = watch.flows(7300).values()
        assert (flow["syn_count"], flow["close_type"]) == (0, 1)
        assert 0 < flow["direction_score"] < 255
        assert (flow["l4_byte_tx"] >= 10_000, flow["l4_byte_rx"] >= 200_000) == (True, True)
    assert [flow["retrans_tx"] for flow in left.flows(7300).values()] == [said[0]]
    assert [flow["retrans_rx"] for flow in right.flows(7300).values()] == [said[1]]
    assert said[1] > 0


FRAGMENTS = """
import socket, sys
s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 47000))
for _ in range(10): s.sendto(b"f" * 4000, (sys.argv[1], 7400))
"""


@pytest.mark.parametrize("version", [4, 6])
def test_fragments_of_a_datagram_belong_to_its_flow(line: Line, version: int) -> None:
    with line.both() as watches:
        run(*line.inside(line.left), sys.executable, "-c", FRAGMENTS, ADDRESSES[version][1])
        time.sleep(0.3)
    for watch in watches:
        [(client, flow)] = watch.flows(7400).items()
        assert client == 47_000
        assert flow["l4_byte_tx"] == 40_000
        assert watch.stats["fragment_orphans"] == 0
        assert flow["packet_tx"] == 30


def _flows_of(watch: Watch, protocol: int) -> set[int]:
    """Ids of flows, of which a minute's end makes one more row."""
    return {row["flow_id"] for row in watch.rows("flow_log.l4_flow_log") if row["protocol"] == protocol}


def test_a_port_that_is_closed_to_datagrams_is_told_by_icmp(line: Line) -> None:
    with line.both() as watches:
        body = "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.connect((sys.argv[1], 7500))\ns.send(b'x')\ntime.sleep(0.3)"
        _ask(line, body)
    for watch in watches:
        [flow] = watch.flows(7500).values()
        assert (flow["icmp_unreachable"], flow["icmp_unreachable_code"], flow["packet_rx"]) == (1, 3, 0)
        assert len(_flows_of(watch, 1)) == 1
