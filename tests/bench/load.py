"""An OTLP load generator: distinct batches of spans, many connections, every answer accounted for.

A batch is encoded once; before each send its trace ids, span ids and times are patched in place, which costs next to nothing beside
sending it. A trace id is run (4 bytes), batch (4 bytes), row (8 bytes), so that the store can be asked which batches it has, whole or not.
Batches that are refused or whose answer is lost are sent again byte for byte, as an exporter does.
"""

from __future__ import annotations

import argparse
import http.client
import json
import secrets
import select
import socket
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from typing import Final

import numpy as np
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

from tests.bench.otlp import collector_body

_TRACE: Final = b"TRACEIDTRACEIDTR"
_SPAN: Final = b"SPANIDSP"
_START: Final = 0x1122334455667788
_END: Final = 0x1122334455667799


@dataclass(slots=True)
class Template:
    """An encoded ExportTraceServiceRequest and where its variable fields are."""

    body: bytes
    spans: int
    trace_at: np.ndarray
    span_at: np.ndarray
    start_at: np.ndarray
    end_at: np.ndarray


@dataclass(slots=True)
class Tally:
    """What happened to the batches."""

    run: str
    batch_spans: int
    batch_bytes: int
    seconds: float = 0.0
    acknowledged: list[int] = field(default_factory=list)
    rejected_spans: int = 0
    attempts_in_time: int = 0
    in_time: int = 0
    """Batches acknowledged before the load was told to stop: only those make a rate."""
    unanswered: list[int] = field(default_factory=list)
    """Batches that were given up at the end: they may be stored or not."""
    answers: dict[str, int] = field(default_factory=dict)
    latency_ms: dict[str, float] = field(default_factory=dict)

    @property
    def offered_per_s(self) -> float:
        """Spans of every attempt, whatever the answer."""
        return self.attempts_in_time * self.batch_spans / self.seconds if self.seconds else 0.0

    @property
    def spans_per_s(self) -> float:
        return self.in_time * self.batch_spans / self.seconds if self.seconds else 0.0


def template(spans: int) -> Template:
    """The benchmarks' own payload, with marks where the variable fields are."""
    request = trace_service_pb2.ExportTraceServiceRequest.FromString(collector_body(spans, time.time_ns()))
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                span.trace_id, span.span_id, span.start_time_unix_nano, span.end_time_unix_nano = _TRACE, _SPAN, _START, _END
    body = bytes(request.SerializeToString())
    marks = (_TRACE, _SPAN, _START.to_bytes(8, "little"), _END.to_bytes(8, "little"))
    return Template(body, spans, *(_places(body, mark, spans) for mark in marks))


def _places(body: bytes, mark: bytes, count: int) -> np.ndarray:
    places, at = [], body.find(mark)
    while at >= 0:
        places.append(at)
        at = body.find(mark, at + len(mark))
    assert len(places) == count, f"{mark!r} is {len(places)} times in the template, not {count}"
    return np.asarray(places, dtype=np.int64)[:, None]


def batch(base: Template, run: bytes, number: int, now_ns: int | None = None) -> bytes:
    """Batch `number` of a run: the template with its own ids and with times of now."""
    now = time.time_ns() if now_ns is None else now_ns
    buffer = np.frombuffer(bytearray(base.body), dtype=np.uint8)
    rows = np.arange(base.spans, dtype=">u8")
    ids = np.zeros((base.spans, 16), dtype=np.uint8)
    ids[:, :4] = np.frombuffer(run, dtype=np.uint8)
    ids[:, 4:8] = np.frombuffer(number.to_bytes(4, "big"), dtype=np.uint8)
    ids[:, 8:] = rows.view(np.uint8).reshape(-1, 8)
    buffer[base.trace_at + np.arange(16)] = ids
    buffer[base.span_at + np.arange(8)] = (rows + np.uint64(number << 32)).astype(">u8").view(np.uint8).reshape(-1, 8)
    ends = (now - (base.spans - 1 - np.arange(base.spans)) * 20_000).astype("<u8")
    buffer[base.end_at + np.arange(8)] = ends.view(np.uint8).reshape(-1, 8)
    buffer[base.start_at + np.arange(8)] = (ends - 3_000_000 - (np.arange(base.spans) % 100) * 50_000).astype("<u8").view(np.uint8).reshape(-1, 8)
    return buffer.tobytes()


class Load:
    """N connections that send until told to stop: each as fast as it is answered, or all together `attempts_per_s` times a second."""

    def __init__(
        self,
        host: str,
        port: int,
        base: Template,
        *,
        connections: int,
        run: bytes | None = None,
        timeout_s: float = 30.0,
        attempts_per_s: float = 0.0,
    ) -> None:
        self.run = run or secrets.token_bytes(4)
        self.tally = Tally(self.run.hex(), base.spans, len(base.body))
        self._at = (host, port)
        self._base = base
        self._timeout_s = timeout_s
        self._next = 0
        self._pace_s = 1 / attempts_per_s if attempts_per_s else 0.0
        self._slot = 0.0
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._give_up = threading.Event()
        self._latencies: list[float] = []
        self._ready = threading.Barrier(connections + 1)
        self._threads = [threading.Thread(target=self._send_all, daemon=True) for _ in range(connections)]
        self._began = 0.0
        self._before = (0, 0)

    def start(self) -> None:
        """Begins to send, once every connection has something to send: making the first batches of many senders takes a while."""
        for thread in self._threads:
            thread.start()
        self._ready.wait()
        self.begin()

    def begin(self) -> None:
        """Rates are counted from now on: the crowd has come in."""
        with self._lock:
            self._began = time.monotonic()
            self._before = (len(self.tally.acknowledged), sum(self.tally.answers.values()))

    def stop(self, patience_s: float = 60.0) -> Tally:
        """No new batches; waits until those on their way are acknowledged, or for `patience_s`."""
        self._stop.set()
        with self._lock:
            self.tally.in_time = len(self.tally.acknowledged) - self._before[0]
            self.tally.attempts_in_time = sum(self.tally.answers.values()) - self._before[1]
            self.tally.seconds = time.monotonic() - self._began
        timer = threading.Timer(patience_s, self._give_up.set)
        timer.start()
        for thread in self._threads:
            thread.join()
        timer.cancel()
        if self._latencies:
            for name, quantile in (("p50", 0.5), ("p99", 0.99), ("max", 1.0)):
                self.tally.latency_ms[name] = round(float(np.quantile(self._latencies, quantile)) * 1000, 1)
        return self.tally

    def _count(self, answer: str) -> None:
        with self._lock:
            self.tally.answers[answer] = self.tally.answers.get(answer, 0) + 1

    def _wait_for_turn(self) -> None:
        """Paced: an attempt that comes too late does not make the next ones come faster."""
        if not self._pace_s:
            return
        with self._lock:
            self._slot = max(self._slot, time.monotonic()) + self._pace_s
            turn = self._slot
        self._give_up.wait(max(0.0, turn - self._pace_s - time.monotonic()))

    def _send_all(self) -> None:
        connection = _Connection(*self._at, self._timeout_s)
        number, body = self._make()
        self._ready.wait()
        while not self._stop.is_set():
            began = time.monotonic()
            while not self._give_up.is_set():
                self._wait_for_turn()
                status, answer, pause = connection.post(body)
                self._count(status)
                if status == "200":
                    with self._lock:
                        self.tally.acknowledged.append(number)
                        self._latencies.append(time.monotonic() - began)
                        if answer:
                            self.tally.rejected_spans += trace_service_pb2.ExportTraceServiceResponse.FromString(answer).partial_success.rejected_spans
                    break
                if status in ("400", "413", "415", "404"):
                    sys.exit(f"refused for good: {status} {answer!r}")
                self._give_up.wait(pause)
            else:
                with self._lock:
                    self.tally.unanswered.append(number)
            if not self._stop.is_set():
                number, body = self._make()
        connection.close()

    def _make(self) -> tuple[int, bytes]:
        with self._lock:
            number, self._next = self._next, self._next + 1
        return number, batch(self._base, self.run, number)


class _Connection:
    """One kept-alive connection, made again when it breaks. While it sends it looks out for an early answer, as good HTTP clients do."""

    def __init__(self, host: str, port: int, timeout_s: float) -> None:
        self._at = (host, port)
        self._timeout_s = timeout_s
        self._head = f"POST /v1/traces HTTP/1.1\r\nhost: {host}:{port}\r\ncontent-type: application/x-protobuf\r\ncontent-length: %d\r\n\r\n"
        self._socket: socket.socket | None = None

    def post(self, body: bytes) -> tuple[str, bytes, float]:
        """Status (or what broke), answer, seconds to wait before the next try."""
        try:
            connection = self._socket = self._socket or self._new()
            whole = self._send(connection, (self._head % len(body)).encode(), body)
            response = http.client.HTTPResponse(connection, method="POST")
            response.begin()
            answer = response.read()
            if response.will_close or not whole:
                self.close()
            return str(response.status), answer, float(response.getheader("retry-after") or 0.5)
        except (TimeoutError, OSError, http.client.HTTPException) as error:
            self.close()
            return type(error).__name__, b"", 0.2

    def _new(self) -> socket.socket:
        connection = socket.socket()
        connection.settimeout(self._timeout_s)
        connection.connect(self._at)
        return connection

    def _send(self, connection: socket.socket, head: bytes, body: bytes) -> bool:
        """Sends as much as is wanted; False where the answer came before the end."""
        # Small at first, so that what is refused was not copied into the kernel for nothing.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 128 << 10)
        connection.sendall(head)
        ready = select.poll()
        ready.register(connection, select.POLLIN | select.POLLOUT)
        left = memoryview(body)
        end = time.monotonic() + self._timeout_s
        while left:
            if time.monotonic() > end:
                raise TimeoutError
            for _, events in ready.poll(1000):
                if events & (select.POLLIN | select.POLLHUP | select.POLLERR):
                    return False
                left = left[connection.send(left, socket.MSG_DONTWAIT) :]
                if len(body) - len(left) > 512 << 10:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, len(body))
        return True

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def main() -> None:
    """Command line: prints the tally as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=20430)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--spans", type=int, default=10_000, help="spans a batch")
    parser.add_argument("--seconds", type=float, default=10.0)
    options = parser.parse_args()
    load = Load(options.host, options.port, template(options.spans), connections=options.connections)
    load.start()
    time.sleep(options.seconds)
    tally = load.stop()
    said = asdict(tally) | {"acknowledged": len(tally.acknowledged), "unanswered": len(tally.unanswered), "spans_per_s": round(tally.spans_per_s)}
    print(json.dumps(said))  # noqa: T201  a program


if __name__ == "__main__":
    main()
