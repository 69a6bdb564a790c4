"""`python -m tests.opinions.tshark FOLDER …`: what Weir reads of the captures below, value by value beside tshark, wherever they are from.

Agreement is a number here and no verdict: tshark reads the ports it knows, tells repeated packets again, and takes a datagram's fragments together.
`-v` shows for each capture what one side has alone.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.progress import track
from rich.table import Table

from tests.opinions.compare import rows_of

Values = list[str]
_ALL: Final = "\x01"
"""Between the values of a field that a packet has several times."""
_ENDINGS: Final = (".pcap", ".pcapng", ".cap", ".pcap.gz", ".pcapng.gz")
_DNS_TYPES: Final = {
    1: "A",
    2: "NS",
    5: "CNAME",
    6: "SOA",
    10: "NULL",
    12: "PTR",
    15: "MX",
    16: "TXT",
    28: "AAAA",
    33: "SRV",
    43: "DS",
    48: "DNSKEY",
    65: "HTTPS",
    255: "ANY",
}
_ANSWER_ALONE: Final = 1
_REQUEST_ALONE: Final = 0
_TCP: Final = 6
_UDP: Final = 17


@dataclass(frozen=True, slots=True)
class Question:
    """Something that both can say of a capture: tshark by `fields` of packets that `only` lets through, Weir by rows of `table`."""

    protocol: str
    what: str
    only: str
    fields: tuple[str, ...]
    theirs: Callable[[list[Values]], Iterator[tuple[str, ...]]]
    ours: Callable[[dict[str, Any]], tuple[str, ...] | None]
    table: str = "flow_log.l7_flow_log"
    weight: Callable[[dict[str, Any]], int] = lambda _: 1
    occurrence: str = "a"


@dataclass(slots=True)
class Answer:
    """Values that both have, and those of one alone; by capture where they differ."""

    agreed: int = 0
    theirs: int = 0
    ours: int = 0
    captures: int = 0
    differing: dict[str, tuple[Counter[tuple[str, ...]], Counter[tuple[str, ...]]]] = field(default_factory=dict)

    def add(self, capture: str, theirs: Counter[tuple[str, ...]], ours: Counter[tuple[str, ...]]) -> None:
        """Counts one capture."""
        alone = theirs - ours, ours - theirs
        self.captures += 1
        self.agreed += (theirs & ours).total()
        self.theirs += alone[0].total()
        self.ours += alone[1].total()
        if any(alone):
            self.differing[capture] = alone


def _path(target: str) -> str:
    """What a proxy is asked for, without its scheme and host."""
    return f"/{target.partition('://')[2].partition('/')[2]}" if "://" in target[:16] else target


def _requests(values: list[Values]) -> Iterator[tuple[str, ...]]:
    return ((method, _path(target)) for method, target in zip(*values, strict=False))


def _codes(values: list[Values]) -> Iterator[tuple[str, ...]]:
    return ((code,) for code in values[0] if not code.startswith("1") or code == "101")


def _names(values: list[Values]) -> Iterator[tuple[str, ...]]:
    name, kind, code = (found[0] for found in values)
    number = int(kind, 0)
    yield name.replace("<Root>", "."), _DNS_TYPES.get(number, f"TYPE{number}"), str(int(code, 0))


def _first(values: list[Values]) -> Iterator[tuple[str, ...]]:
    yield (values[0][0],)


def _packets(values: list[Values]) -> Iterator[tuple[str, ...]]:
    """The two ends in order, and the protocol; of a packet in a tunnel those inside."""
    protocols, src, dst, src6, dst6, *ports = ([*found, ""][0] for found in values)
    layers = protocols.split(":")
    last = {name: at for at, name in enumerate(layers)}
    is_tcp, is_6 = last.get("tcp", -1) > last.get("udp", -1), last.get("ipv6", -1) > last.get("ip", -1)
    from_port, to_port = ports[:2] if is_tcp else ports[2:]
    ends = sorted(((src6 if is_6 else src, from_port), (dst6 if is_6 else dst, to_port)))
    yield (*ends[0], *ends[1], str(_TCP if is_tcp else _UDP))


def _pair(row: dict[str, Any]) -> tuple[str, ...] | None:
    if row["protocol"] not in (_TCP, _UDP):
        return None
    version = 4 if row["is_ipv4"] else 6
    ends = sorted(((row[f"ip{version}_0"], str(row["client_port"])), (row[f"ip{version}_1"], str(row["server_port"]))))
    return (*ends[0], *ends[1], str(row["protocol"]))


def _of(protocol: str, without: int, *columns: str) -> Callable[[dict[str, Any]], tuple[str, ...] | None]:
    """Columns of the rows of a protocol, but of those of one type."""

    def told(row: dict[str, Any]) -> tuple[str, ...] | None:
        if row["l7_protocol_str"] != protocol or row["type"] == without:
            return None
        values = tuple(str(row[column] if column in row else row["attributes"].get(column, "")) for column in columns)
        return values if values != ("",) else None

    return told


_HELLO: Final = "tls.handshake.type == 1 && tcp"
QUESTIONS: Final = (
    Question(
        "TCP, UDP",
        "packets of each pair of ends",
        "(tcp || udp) && !icmp && !icmpv6",
        ("frame.protocols", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "tcp.srcport", "tcp.dstport", "udp.srcport", "udp.dstport"),
        _packets,
        _pair,
        "flow_log.l4_flow_log",
        lambda row: int(row["packet_tx"]) + int(row["packet_rx"]),
        "l",
    ),
    Question(
        "HTTP",
        "method and path",
        "http.request && tcp && !tls",
        ("http.request.method", "http.request.uri"),
        _requests,
        _of("HTTP", _ANSWER_ALONE, "request_type", "request_resource"),
    ),
    Question("HTTP", "status", "http.response && tcp && !tls", ("http.response.code",), _codes, _of("HTTP", _REQUEST_ALONE, "response_code")),
    Question(
        "DNS",
        "name, type and code of answers",
        "dns.flags.response == 1 && dns.qry.name && udp && !icmp && !nbns && !llmnr && !mdns",
        ("dns.qry.name", "dns.qry.type", "dns.flags.rcode"),
        _names,
        _of("DNS", _REQUEST_ALONE, "request_resource", "request_type", "response_code"),
    ),
    Question(
        "TLS",
        "name of the server",
        f"{_HELLO} && tls.handshake.extensions_server_name",
        ("tls.handshake.extensions_server_name",),
        _first,
        _of("TLS", _ANSWER_ALONE, "request_domain"),
    ),
    Question("TLS", "JA3", _HELLO, ("tls.handshake.ja3",), _first, _of("TLS", _ANSWER_ALONE, "tls.client.ja3")),
)


def theirs(capture: Path, question: Question) -> Counter[tuple[str, ...]]:
    """What tshark says. Raises RuntimeError where it cannot be asked."""
    words = ["tshark", "-n", "-r", str(capture), "-Y", question.only, "-T", "fields", "-E", f"occurrence={question.occurrence}", "-E", f"aggregator={_ALL}"]
    for name in question.fields:
        words += ["-e", name]
    done = subprocess.run(words, capture_output=True, text=True, check=False, errors="replace")
    if done.returncode and not done.stdout:
        message = f"tshark did not read {capture}: {done.stderr.strip().splitlines()[-1:]}"
        raise RuntimeError(message)
    lines = ([values.split(_ALL) for values in line.split("\t")] for line in done.stdout.splitlines())
    return Counter(said for values in lines if len(values) == len(question.fields) for said in question.theirs(values))


def compare(captures: Sequence[Path], console: Console) -> list[Answer]:
    """Asks both about each capture; one answer for each of [`QUESTIONS`]."""
    answers = [Answer() for _ in QUESTIONS]
    for capture in track(captures, "reading", console=console, transient=True):
        rows = {table: rows_of(capture, table) for table in {question.table for question in QUESTIONS}}
        for question, answer in zip(QUESTIONS, answers, strict=True):
            said: Counter[tuple[str, ...]] = Counter()
            for row in rows[question.table]:
                if (value := question.ours(row)) is not None:
                    said[value] += question.weight(row)
            if found := theirs(capture, question):
                answer.add(capture.name, found, said)
    return answers


def main() -> int:
    """2 where there is nothing to compare, or nobody to compare with."""
    parser = argparse.ArgumentParser(prog="python -m tests.opinions.tshark", description=__doc__.partition("\n")[0])
    parser.add_argument("folders", nargs="+", type=Path, help="captures, or folders of them")
    parser.add_argument("-v", "--verbose", action="store_true", help="what one side has alone, by capture")
    told = parser.parse_args()
    console = Console()
    captures = sorted({path for folder in told.folders for path in ([folder] if folder.is_file() else folder.rglob("*")) if path.name.endswith(_ENDINGS)})
    if shutil.which("tshark") is None or not captures:
        console.print("There is no tshark: `make peers` brings it." if captures else "There are no captures in these folders.")
        return 2
    table = Table("protocol", "what", "captures", "agreed", "tshark's alone", "ours alone", title="What Weir reads, beside tshark")
    answers = compare(captures, console)
    for question, answer in zip(QUESTIONS, answers, strict=True):
        table.add_row(question.protocol, question.what, *(f"{count:,}" for count in (answer.captures, answer.agreed, answer.theirs, answer.ours)))
    console.print(table)
    for question, answer in zip(QUESTIONS, answers, strict=True) if told.verbose else ():
        for capture, (one, other) in answer.differing.items():
            console.print(f"[bold]{capture}[/] {question.protocol}, {question.what}")
            console.print(f"   tshark's alone {one.most_common(3)}\n   ours alone     {other.most_common(3)}", markup=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
