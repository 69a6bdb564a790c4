"""Weir's per-record and per-packet work, in Rust. Bytes become columns here, once; the GIL is released while they do."""

from collections.abc import Mapping
from os import PathLike
from typing import Literal, TypedDict, final

from typing_extensions import Buffer

class Malformed(ValueError):
    """The bytes are not what they claim to be; nothing of them was taken. The message names the offset and what is wrong there."""

class TooLarge(ValueError):
    """Decompressed, the body is larger than allowed; nothing of it was taken."""

@final
class Batch:
    """Finished rows of one declared table."""

    @property
    def table(self) -> str:
        """`database.name`, for example `flow_log.l7_flow_log`."""
    @property
    def rows(self) -> int: ...
    @property
    def nbytes(self) -> int:
        """Bytes held in columns."""
    def __len__(self) -> int: ...
    def shares(self) -> list[tuple[int, int, int, int, int]]:
        """(batch id, day since 1970, rows, oldest second, newest second) of each request and UTC day in it, in order of their first row."""
    def without(self, shares: list[tuple[int, int]]) -> Batch:
        """The rows that belong to none of `shares`, given as (batch id, day)."""
    def slice(self, start: int, rows: int) -> Batch:
        """`rows` rows from `start` on; fewer where the batch ends before."""
    def __arrow_c_schema__(self) -> object: ...
    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]:
        """The Arrow PyCapsule interface: `pyarrow.record_batch(batch)` shares memory where the layouts agree."""
    def to_native(self, compression: Literal["none", "lz4"] = "none") -> Block:
        """One ClickHouse Native block; columns that are default in every row are left out. `lz4` is ClickHouse's own framing."""
    def native_columns(self) -> list[str]:
        """Names of the columns that `to_native` writes, in order."""
    def to_json_lines(self) -> bytes:
        """One JSON object per row, each with its newline: `table` first, then every column; addresses and times as text."""
    def to_otlp(self, resource: Mapping[str, str | int], encoding: Literal["identity", "gzip", "zstd"] = "identity") -> bytes:
        """An ExportTraceServiceRequest (l7_flow_log) or ExportLogsServiceRequest (every other table).

        Decoding it gives the same rows where `resource` has `service.name` = `weir-agent`; `batch_id` belongs to the receiver.
        """

@final
class Block(Buffer):
    """Bytes that the engine made, readable in place: `memoryview(block)`, `bytes(block)`."""

    def __len__(self) -> int: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...

@final
class RequestBody:
    """A request body on its way in. `Gather.append` and `batch_hash` read it without a copy."""

    def __init__(self, capacity: int = 0) -> None:
        """`capacity`: bytes that are expected."""
    def push(self, piece: bytes) -> None:
        """Appends."""
    def __len__(self) -> int: ...

@final
class IpfixExporter:
    """Flows as IPFIX messages (RFC 7011) of one observation domain: a record for each direction that sent something."""

    def __init__(self, domain: int = 0) -> None: ...
    def messages(self, batch: Batch, *, now_s: int, max_bytes: int = 1400) -> list[bytes]:
        """Messages of at most `max_bytes`, the first with the templates; none for tables other than `flow_log.l4_flow_log`."""
    @property
    def records(self) -> int:
        """Records made so far."""

@final
class LogWriter:
    """A capture's rows as lines of another program's logs: `zeek` (conn.log, http.log, dns.log …) or `eve` (Suricata's eve.json).

    Each row of `flow_log.l4_flow_log` becomes a record: use it with `minute_rows` off. Raises ValueError for another dialect.
    """

    def __init__(self, dialect: Literal["zeek", "eve"], *, now_s: int) -> None: ...
    def lines(self, batch: Batch) -> list[tuple[str, bytes, int]]:
        """(file, text to append to it, records in that) of each log that `batch` has something for."""
    def end(self, *, now_s: int) -> list[tuple[str, bytes, int]]:
        """What closes the files."""
    @property
    def left_out(self) -> int:
        """Requests so far that these logs have no place for."""

@final
class TagTable:
    """Addresses, MACs, prefixes, processes and services → ids. One per process; shared by every Gather."""

    def __init__(self) -> None: ...
    @property
    def version(self) -> int:
        """Version of the snapshot in use, 0 for none."""
    def load(self, snapshot: Buffer) -> None:
        """Replaces the table by a `weir.v1.PlatformTable`; rows decoded from now on see it. Raises ValueError and keeps the old one where malformed."""

@final
class Appended:
    """What became of one body."""

    @property
    def rows(self) -> int:
        """Rows appended."""
    @property
    def rejected(self) -> int:
        """Rows left out; the sum of `reasons`."""
    @property
    def reasons(self) -> dict[str, int]:
        """Reason → rows left out for it."""

@final
class Gather:
    """An open block per table. Thread-safe: bodies are decompressed in parallel and appended one after the other, without the GIL."""

    def __init__(self, decoder: Literal["flow_log", "flow_metrics"], tags: TagTable | None = None) -> None: ...
    def append(
        self,
        body: Buffer | RequestBody,
        *,
        signal: Literal["traces", "logs"],
        content_type: Literal["protobuf", "json"],
        encoding: Literal["identity", "gzip", "zstd"],
        batch_id: int,
        now_us: int,
        max_bytes: int,
    ) -> Appended:
        """Decodes, tags and appends one export request.

        `now_us` is µs since 1970 and decides which times are believable; `batch_id` is written into every row; `max_bytes` bounds the
        decompressed body. Raises Malformed (HTTP 400) or TooLarge (413), and then nothing of the body is kept.
        """
    @property
    def rows(self) -> int: ...
    @property
    def nbytes(self) -> int: ...
    def take(self) -> list[Batch]:
        """Everything appended so far, one Batch per table that has rows; the Gather is empty after."""

class EngineTimeouts(TypedDict, total=False):
    """Seconds of silence after which a flow is over."""

    established_s: int
    opening_s: int
    closing_s: int
    one_way_s: int
    reset_s: int
    opening_reset_s: int
    closed_s: int
    datagram_s: int

class L7Config(TypedDict, total=False):
    """How application protocols are read."""

    tcp_request_timeout_us: int
    udp_request_timeout_us: int
    http_endpoint_segments: int
    obfuscate: bool
    dns_expected_nxdomain_suffixes: list[str]
    max_pending_requests: int
    max_guesses: int
    protocols: list[str]
    """Names of those that are to be read; all where this was never said."""

class EngineConfig(TypedDict, total=False):
    """What can be set on an Engine; what is not named keeps its value."""

    agent_id: int
    l7: bool
    """Read application protocols."""
    l4_log: bool
    """Make rows of flow_log.l4_flow_log."""
    l7_log: bool
    """Make rows of flow_log.l7_flow_log; documents do not depend on it."""
    documents: bool
    """Make the 1 s and 1 m documents of flow_metrics."""
    minute_rows: bool
    """Make a row of flow_log.l4_flow_log each minute that a flow lives, besides the one at its end."""
    merge_health_checks: bool
    """Connections that were opened and closed without a word become one row of flow_log.l4_flow_log a minute, with the number in `merged_flow`."""
    l4_rows_per_s: int
    """Rows of flow_log.l4_flow_log in a second, 0 for no limit: of more, a uniform sample is made; the rest counts in `l4_rows_over_limit`."""
    l7_rows_per_s: int
    """The same for flow_log.l7_flow_log."""
    interfaces: list[str]
    """Live: interfaces to look at, all where it is empty: `interface` or `namespace/interface` with `*` and `?`; the own namespace has the empty name."""
    exclude_interfaces: list[str]
    """Live: interfaces not to look at."""
    max_flows: int
    """Flows kept; beyond that the one silent for longest is reported early."""
    batch_rows: int
    """Rows that make a batch."""
    max_ready_bytes: int
    """Live: bytes of finished batches kept; beyond that the oldest is dropped and counted."""
    timeouts: EngineTimeouts
    l7_settings: L7Config

@final
class Replay:
    """The batches of one capture file, made as they are asked for."""

    def __iter__(self) -> Replay: ...
    def __next__(self) -> Batch: ...
    def protocol_health(self) -> list[tuple[int, Literal["starting", "running", "gone", "stuck", "nonsense"]]]:
        """How the processes are that read protocols, by place."""
    def stats(self) -> dict[str, int]:
        """Counters so far, among them `capture_cut` and `capture_corrupt`: what a damaged file lacks."""

@final
class Engine:
    """Packets in, batches out. Raises ValueError for a setting that does not exist."""

    def __init__(self, config: EngineConfig | None = None) -> None: ...
    def replay(self, path: str | PathLike[str]) -> Replay:
        """A capture file (pcap, pcapng, either gzipped) as rows; time is that of its packets, and at its end every flow is closed.

        Raises OSError where it cannot be read, ValueError where it is no capture.
        """
    def start(
        self,
        *,
        ring_mib: int = 8,
        fanout: int = 1,
        exclude: list[tuple[str, int]] = ...,
        netns: list[tuple[str, str]] = ...,
    ) -> None:
        """Captures on every interface of this network namespace and of those at `netns` (name, path), from `fanout` threads of its own.

        Each thread has a ring of `ring_mib` MiB in each namespace; the kernel gives both directions of a flow to the same thread, and puts fragments of
        IPv4 together before (they count as the one packet they make). Each thread writes documents of its own; limits are for all of them together. Packets from or to an address and port in `exclude` are left out by the
        kernel; 0.0.0.0 and :: stand for every address of their family. Raises OSError without CAP_NET_RAW, RuntimeError where it runs.
        """
    def connect_protocol(self, place: int, ports: list[tuple[int, int]], sockets: list[int]) -> None:
        """Has the flows at these ports (either end's; without any: what no protocol knows) read by the process at the other end of the sockets.

        One for each thread while it runs, one for a capture or replay to come; the descriptors are the engine's from now on. `place`: any number of the
        caller's; a lower one is asked first; what had it before is forgotten. Raises ValueError for another number of sockets.
        """
    def disconnect_protocol(self, place: int) -> None:
        """Closes its sockets; its flows are left to the other protocols."""
    def protocol_health(self) -> list[tuple[int, Literal["starting", "running", "gone", "stuck", "nonsense"]]]:
        """How the processes are that read protocols, by place, as of the last second."""
    def set_netns(self, netns: list[tuple[str, str]]) -> None:
        """The network namespaces (name, path) to capture in besides the own one; one that cannot be entered counts in `netns_failed`."""
    def reconfigure(self, config: EngineConfig) -> None:
        """Changes what is named, while it runs. Raises ValueError for a setting that does not exist, and then changes nothing."""
    def drain(self, timeout_ms: int = 0) -> list[Batch]:
        """Finished batches, about once a second; waits up to `timeout_ms` for the first. Raises RuntimeError where the engine does not run."""
    def stats(self) -> dict[str, int]:
        """Counters as of the last second: packets, bytes, drops by reason, flows, memory."""
    def stop(self) -> list[Batch]:
        """Reports every flow that is alive, ends the thread, and gives what was not drained. Nothing where it does not run."""

@final
class ProtocolInput:
    """What the `parse` of a protocol in Python is given: agent.custom.contract says more."""

    data: bytes
    from_client: bool
    datagram: bool
    full: bool
    waiting: tuple[str, int] | None
    obfuscate: bool

@final
class ProtocolOpening:
    """What its `guess` is given."""

    data: bytes
    from_client: bool
    client_port: int
    server_port: int
    is_tcp: bool

def serve_protocol(protocol: type, sockets: list[int]) -> None:
    """Reads the protocol of this class (agent.custom.Protocol) for the engine at the other end of each socket, until all are closed.

    Once in a process. Raises ValueError, TypeError or AttributeError for a class that is no protocol, OSError where an engine speaks nonsense.
    """

def batch_hash(body: Buffer | RequestBody) -> int:
    """A 64-bit hash of a request body, the same in every run and on every machine."""

def encode_frames(data: Buffer, method: Literal["none", "lz4", "zstd"]) -> bytes:
    """ClickHouse's compressed frames (CityHash128, method, sizes, data) of up to 1 MiB each."""

def decode_frames(data: Buffer, limit: int) -> tuple[bytes, int]:
    """The content of the whole frames at the start of `data`, and how many bytes they take.

    Raises Malformed (checksum, method, data) or TooLarge (a frame that claims more than `limit` bytes or more than ClickHouse takes).
    """

@final
class NativeUpgrade:
    """ClickHouse Native blocks whose types are in binary form → the blocks a client of a protocol revision (`client_protocol_version`) expects."""

    def __init__(self, revision: int) -> None: ...
    def feed(self, data: Buffer) -> bytes:
        """Every block that is complete now. Raises Malformed, and NotImplementedError for values whose end cannot be known (AggregateFunction)."""
    def finish(self) -> bytes:
        """The rest. Raises Malformed where a block is not complete."""
