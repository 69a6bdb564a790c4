"""Rows that do not come from the live agent: spans of stock OpenTelemetry exporters, and capture files."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import SpanKind

from tests.e2e.load import steady
from tests.e2e.machine import ROOT, Machine
from tests.e2e.stage import Stage
from tests.unit.native.conftest import Conversation, pcap

AGENT: Final = str(Path(sys.executable).parent / "weir-agent")
CASES: Final = ROOT.parent / "shared" / "cases" / "pcap"
PORT = 8093


def replay(machine: Machine, *words: str | Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([AGENT, "--pcap", *map(str, words)], env=machine.environment, cwd=ROOT, capture_output=True, timeout=100, check=False)


def test_spans_of_stock_exporters_land_beside_the_agents_requests(machine: Machine, wire: Stage, tmp_path: Path) -> None:
    exporters: dict[str, SpanExporter] = {
        "shop-http": HttpExporter(endpoint="http://127.0.0.1:20430/v1/traces"),
        "shop-grpc": GrpcExporter(endpoint="127.0.0.1:20431", insecure=True),
    }
    with steady(machine, wire, PORT, tmp_path) as load:
        for name, exporter in exporters.items():
            provider = TracerProvider(resource=Resource.create({"service.name": name}))
            provider.add_span_processor(BatchSpanProcessor(exporter))
            tracer = provider.get_tracer("test")
            for number in range(200):
                attributes: dict[str, str | int] = {
                    "http.request.method": "GET",
                    "url.path": f"/orders/{number}",
                    "http.response.status_code": 200,
                    "server.port": PORT,
                }
                with tracer.start_as_current_span("GET /orders/{id}", kind=SpanKind.CLIENT, attributes=attributes):
                    pass
            assert provider.force_flush()
            provider.shutdown()
        asked = len(load.requests())
        load.settled()
    sql = f"SELECT app_service, signal_source, Count(row) AS n FROM l7_flow_log WHERE server_port = {PORT} GROUP BY app_service, signal_source"
    found = {row["app_service"]: (row["signal_source"], row["n"]) for row in machine.query(sql)}
    assert {name: found[name][1] for name in exporters} == dict.fromkeys(exporters, 200)
    assert len({source for source, _ in found.values()}) == 2, found
    assert found[""][1] >= asked


def recorded(path: Path, requests: int) -> Path:
    """A capture, made now, of a conversation with `requests` requests."""
    talk = Conversation(client="198.51.100.7", server="198.51.100.8", ports=(40_007, 8094), now_us=int((time.time() - 30) * 1e6)).opened()
    asked, answered = 1, 1
    for number in range(requests):
        question = f"GET /replayed/{number} HTTP/1.1\r\nHost: replayed.example\r\n\r\n".encode()
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        talk.c("PA", seq=asked, ack=answered, payload=question)
        asked += len(question)
        talk.s("PA", seq=answered, ack=asked, payload=answer)
        answered += len(answer)
    talk.c("FA", seq=asked, ack=answered).s("FA", seq=answered, ack=asked + 1).c("A", seq=asked + 1, ack=answered + 1)
    path.write_bytes(pcap(talk.records))
    return path


def test_a_replayed_capture_is_stored_once_as_this_machines_agent(machine: Machine, tmp_path: Path) -> None:
    file = recorded(tmp_path / "trace.pcap", 50)
    before = machine.agent_ids()
    for _ in range(2):
        done = replay(machine, file)
        assert done.returncode == 0, done.stderr.decode()
        assert done.stdout == b""
        assert b" 0 not." in done.stderr
    rows = machine.query("SELECT request_resource, vtap_id FROM l7_flow_log WHERE server_port = 8094 LIMIT 1000")
    assert Counter(row["request_resource"] for row in rows) == {f"/replayed/{number}": 1 for number in range(50)}
    assert machine.query("SELECT Count(row) AS n FROM l4_flow_log WHERE server_port = 8094") == [{"n": 1}]
    assert machine.agent_ids() == before


def test_rows_of_an_old_capture_are_refused_and_counted(machine: Machine, tmp_path: Path) -> None:
    talk = Conversation(client="198.51.100.7", server="198.51.100.8", ports=(40_008, 8095), now_us=1_000_000_000_000_000).opened()
    file = tmp_path / "old.pcap"
    file.write_bytes(pcap(talk.records))
    done = replay(machine, file)
    assert done.returncode == 4
    assert b"0 stored" in done.stderr
    assert b"Traceback" not in done.stderr


def objects(output: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


@pytest.mark.parametrize(("folder", "table"), [("l4", "flow_log.l4_flow_log"), ("http", "flow_log.l7_flow_log"), ("dns", "flow_log.l7_flow_log")])
def test_a_capture_is_printed_as_json_without_a_server(machine: Machine, folder: str, table: str) -> None:
    files = sorted((CASES / folder).glob("*.pcap"))
    if not files:
        pytest.skip("the recorded captures are not beside this checkout")
    alone = {key: value for key, value in machine.environment.items() if not key.startswith("WEIR_")} | {"WEIR_AGENT_CONTROLLER": "127.0.0.1:9"}
    tables: Counter[str] = Counter()
    for file in files[:4]:
        done = subprocess.run([AGENT, "--pcap", str(file), "--print", "json"], env=alone, capture_output=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr.decode()
        tables.update(row["table"] for row in objects(done.stdout))
    assert tables[table] > 0
    assert all("." in name for name in tables)


@pytest.mark.parametrize("content", ["nothing", "noise", "text", "cut", "folder", "absent"])
def test_what_is_no_capture_is_told_in_a_sentence(machine: Machine, tmp_path: Path, content: str) -> None:
    file = tmp_path / "bad.pcap"
    whole = recorded(tmp_path / "good.pcap", 5).read_bytes()
    bodies = {"nothing": b"", "noise": random.Random(1).randbytes(5000), "text": b"GET / HTTP/1.1\r\n" * 100, "cut": whole[:-9]}
    if content == "folder":
        file.mkdir()
    elif content != "absent":
        file.write_bytes(bodies[content])
    done = replay(machine, file, "--print", "json")
    assert b"Traceback" not in done.stderr
    assert b"panicked" not in done.stderr
    if content == "cut":  # what was whole is printed, and the rest is told
        assert (done.returncode, len(done.stderr.splitlines())) == (0, 1)
        assert [row["request_resource"] for row in objects(done.stdout) if row["table"] == "flow_log.l7_flow_log"] == [f"/replayed/{n}" for n in range(5)]
        return
    assert (done.returncode, done.stdout) == (2, b"")
    assert len(done.stderr.splitlines()) == 1
    assert b"bad.pcap" in done.stderr
