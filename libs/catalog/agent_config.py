"""What an agent can be told: the schema of `agent_config`, written in YAML by people, checked by trisolaris, obeyed by the agent.

Both sides share this module, so a default is the same number in both.
"""

from __future__ import annotations

import difflib
import reprlib
from typing import Annotated, Any, ClassVar, Final, Literal, get_args

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

MAX_YAML_BYTES: Final = 256 * 1024

MIB: Final = 1 << 20
MAX_PORT: Final = 65_535


class AgentConfigError(ValueError):
    """A configuration that cannot be used; the message names the key and the remedy in one sentence each."""


def _ordered(text: str) -> str:
    first, _, last = text.partition("-")
    if not int(first) <= int(last) <= MAX_PORT:
        message = "a range of ports goes from a lower port to a higher one, 65535 at most"
        raise ValueError(message)
    return text


PortNumber = Annotated[int, Field(ge=1, le=65535)]
PortRange = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,4}-[1-9][0-9]{0,4}$"), AfterValidator(_ordered)]
InterfacePattern = Annotated[str, Field(pattern=r"^([^/\s]*/)?[^/\s]{1,64}$", max_length=256)]
"""`interface` or `namespace/interface`, both with `*` and `?`."""
L7Protocol = Literal[
    "HTTP",
    "HTTP2",
    "MySQL",
    "PostgreSQL",
    "Oracle",
    "Redis",
    "MongoDB",
    "Cassandra",
    "Memcached",
    "DNS",
    "Dubbo",
    "NATS",
    "TLS",
    "SIP",
    "SSH",
    "LDAP",
    "SMTP",
    "FTP",
    "DHCP",
    "NTP",
    "SofaRPC",
    "bRPC",
    "Tars",
    "Thrift",
    "MQTT",
    "QUIC",
    "Ping",
    "FastCGI",
    "RocketMQ",
    "Pulsar",
    "SOME/IP",
    "ZMTP",
    "Kafka",
    "AMQP",
    "OpenWire",
]
"""What the native engine can read; a test compares."""
L7_PROTOCOLS: Final[tuple[L7Protocol, ...]] = get_args(L7Protocol)


class _Section(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)


class Capture(_Section):
    """Which packets are looked at."""

    enabled: bool = Field(True, description="Look at packets at all.")
    network_namespaces: bool = Field(True, description="Look into every network namespace of the machine, not only its own.")
    interfaces: tuple[InterfacePattern, ...] = Field(
        (),
        max_length=256,
        description=(
            "Interfaces that are looked at, all where none is named: names or globs (`eth*`, `veth?`), meant in every network namespace, or in those "
            "before a slash (`blue/eth*`; `/eth0` in the agent's own). What passes the others counts as fate `left_out` in weir_packets."
        ),
    )
    exclude_interfaces: tuple[InterfacePattern, ...] = Field((), max_length=256, description="Interfaces that are not looked at, said like `interfaces`.")
    exclude_ports: tuple[PortNumber, ...] = Field((), max_length=256, description="Ports whose packets are not looked at, either end.")
    ring_mib: int = Field(8, ge=1, le=1024, description="Size of the ring shared with the kernel, per thread and namespace.")
    fanout: int = Field(
        1,
        ge=1,
        le=64,
        description="Threads that read packets, each with a ring per namespace and flows of its own; more than one where one core is not enough.",
    )


class FlowTimeouts(_Section):
    """When a flow without packets is over, in seconds, by its TCP state."""

    established: float = Field(300.0, gt=0, le=86_400, description="Open TCP connection.")
    opening: float = Field(5.0, gt=0, le=3600, description="TCP handshake not finished.")
    closing: float = Field(5.0, gt=0, le=3600, description="One side has closed.")
    closed: float = Field(2.0, gt=0, le=3600, description="Both sides have closed, or it was reset: how long stragglers are waited for.")
    others: float = Field(60.0, gt=0, le=86_400, description="UDP, ICMP and everything without a state.")


class Flow(_Section):
    """L4 flows and the documents made of them."""

    enabled: bool = Field(True, description="Write a row per flow (flow_log.l4_flow_log).")
    metrics: bool = Field(True, description="Write documents per second and minute (flow_metrics).")
    max_flows: int = Field(200_000, ge=1000, le=20_000_000, description="Flows held at once; the one idle longest goes when there are more, and is counted.")
    rows_per_s: int = Field(
        0,
        ge=0,
        le=10_000_000,
        description="Rows written in a second at most, 0 for no limit; of more, a uniform sample is written and the rest counted (row_limit). Documents count every flow all the same.",
    )
    merge_health_checks: bool = Field(
        False,
        description=(
            "Connections that were opened and closed without a word, as load balancers and probes make them, become one row a minute for each client, "
            "server, port and way of ending; its merged_flow says how many more it tells of. Documents count every one of them all the same."
        ),
    )
    timeouts_s: FlowTimeouts = Field(default_factory=FlowTimeouts, description="When a flow without packets is over.")


class CustomProtocol(_Section):
    """A protocol that somebody wrote in Python for this fleet."""

    parser: str = Field(
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*:[A-Za-z_][A-Za-z0-9_]*$",
        max_length=200,
        description="`module:Class`: the class in `module.py` of the agent's folder for protocols (WEIR_AGENT_PROTOCOLS_DIR).",
    )
    ports: tuple[PortNumber | PortRange, ...] = Field(
        (),
        max_length=64,
        description='Ports of either end (7000, or "7000-7099") whose flows it is asked about first; without any it is asked about what no other protocol knows.',
    )

    @property
    def ranges(self) -> tuple[tuple[int, int], ...]:
        """First and last port of each range."""
        texts = [str(port).partition("-") for port in self.ports]
        return tuple((int(first), int(last or first)) for first, _, last in texts)


class L7(_Section):
    """Application protocols."""

    enabled: bool = Field(True, description="Look for application protocols, write a row per request (flow_log.l7_flow_log).")
    protocols: tuple[L7Protocol, ...] = Field(L7_PROTOCOLS, description="Which protocols are looked for.")
    custom: tuple[CustomProtocol, ...] = Field((), max_length=16, description="Protocols written in Python, each read in a process of its own.")
    rows_per_s: int = Field(
        0,
        ge=0,
        le=10_000_000,
        description="Rows written in a second at most, 0 for no limit; of more, a uniform sample is written and the rest counted (row_limit). Documents count every request all the same.",
    )
    session_timeout_s: float = Field(120.0, gt=0, le=3600, description="A request without a response for so long is a timeout.")
    dns_session_timeout_s: float = Field(15.0, gt=0, le=3600, description="The same for DNS.")
    http_endpoint_segments: int = Field(2, ge=1, le=16, description="How many segments of a path make its endpoint: 2 makes /shop/cart of /shop/cart/7.")
    obfuscate: bool = Field(False, description="Tell values in statements and commands as `?`.")
    dns_expected_nxdomain_suffixes: tuple[str, ...] = Field(
        (".cluster.local",), max_length=64, description="Names with these endings may not exist without that being an error: search domains try them."
    )


class Send(_Section):
    """How rows leave for the ingesters."""

    batch_rows: int = Field(10_000, ge=1, le=1_000_000, description="A batch goes when it has so many rows.")
    batch_interval_s: float = Field(1.0, gt=0, le=60, description="A batch goes at the latest so long after its first row.")
    compression: Literal["zstd", "gzip", "none"] = Field("zstd", description="How bodies are compressed.")
    timeout_s: float = Field(10.0, gt=0, le=300, description="How long one request may take.")
    spool_bytes: int = Field(256 * MIB, ge=MIB, description="Unsent batches kept on disk at most; the oldest go first and are counted.")


class Limits(_Section):
    """What the agent may use. Near a limit it sheds L7 first, then flow rows, and says so."""

    cpu_percent: float = Field(100.0, gt=0, le=6400, description="Of one core.")
    memory_mib: int = Field(512, ge=64, le=65_536, description="Resident memory.")


class Sync(_Section):
    """How it talks to the control plane."""

    interval_s: int = Field(60, ge=5, le=3600, description="Time between two Syncs; changes come at once by Push in between.")
    platform_interval_s: int = Field(60, ge=5, le=120, description="Time between two reports to genesis when nothing has changed.")
    processes: bool = Field(True, description="Report processes with listening sockets.")


class AgentConfig(_Section):
    """The whole configuration; every key has a default, so `{}` is a configuration."""

    capture: Capture = Field(default_factory=Capture, description="Which packets are looked at.")
    flow: Flow = Field(default_factory=Flow, description="L4 flows and the documents made of them.")
    l7: L7 = Field(default_factory=L7, description="Application protocols.")
    send: Send = Field(default_factory=Send, description="How rows leave for the ingesters.")
    limits: Limits = Field(default_factory=Limits, description="What the agent may use.")
    sync: Sync = Field(default_factory=Sync, description="How it talks to the control plane.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least severe log line that is written.")


def parse_agent_config(text: str) -> AgentConfig:
    """The configuration a YAML text says, with defaults for what it leaves out. Raises AgentConfigError for a text no agent could obey."""
    if len(text.encode()) > MAX_YAML_BYTES:
        message = f"A configuration has at most {MAX_YAML_BYTES // 1024} KiB."
        raise AgentConfigError(message)
    try:
        found = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        message = f"This is not YAML{where}: {getattr(error, 'problem', None) or error}."
        raise AgentConfigError(message) from error
    if found is None:
        found = {}
    if not isinstance(found, dict):
        message = f"A configuration is a mapping of sections ({', '.join(AgentConfig.model_fields)}), not a {type(found).__name__}."
        raise AgentConfigError(message)
    try:
        return AgentConfig.model_validate(found)
    except (ValidationError, RecursionError) as error:
        raise AgentConfigError(_explain(error)) from error


def _explain(error: ValidationError | RecursionError) -> str:
    if isinstance(error, RecursionError):
        return "A configuration is not nested that deeply."
    return " ".join(_sentence(problem) for problem in error.errors(include_url=False)[:10])


def _sentence(problem: Any) -> str:  # noqa: ANN401  pydantic's ErrorDetails
    path = tuple(problem["loc"])
    name = ".".join(str(part) for part in path)
    if problem["type"] == "extra_forbidden":
        known = _known_keys()
        near = _nearest(name, known)
        return f"There is no key {name!r}: {f'did you mean {near!r}?' if near else 'the keys are ' + ', '.join(sorted(known)) + '.'}"
    return f"{name}: {problem['msg']} (it is {reprlib.repr(problem['input'])})."


def _nearest(name: str, known: tuple[str, ...]) -> str:
    """The known key that is spelt most alike; a right last word in the wrong section counts as near."""
    last = name.rpartition(".")[2]
    same_word = [key for key in known if key.rpartition(".")[2] == last]
    return next(iter(same_word or difflib.get_close_matches(name, known, n=1, cutoff=0.5)), "")


def _known_keys(section: type[BaseModel] = AgentConfig, prefix: str = "") -> tuple[str, ...]:
    keys: list[str] = []
    for name, field in section.model_fields.items():
        keys.append(prefix + name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            keys += _known_keys(field.annotation, f"{prefix}{name}.")
    return tuple(keys)
