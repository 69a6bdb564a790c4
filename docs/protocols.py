"""How each application protocol was proved: the rows of `docs/reference/protocols.md`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Proof:
    """What stands behind one protocol."""

    protocol: str
    """Its name in `l7_protocol_str`."""
    told: str
    """What rows say, where that needs words."""
    recorded: str
    """The programs of `tests/data/l7/`."""
    live: str
    """The programs of the kernel tests."""
    shared: str
    """Captures that nobody here made: how many agree, and why others do not."""


PROOFS: Final = (
    Proof(
        "Dubbo",
        "The 16-byte header of every message; bodies of Hessian 2 and Fastjson: version, service, method, attachments (group, application, traceparent, sw8, "
        "b3, uber-trace-id, x-request-id). Bodies of other serializations are not read: such rows have id, status and lengths. A call that came through but "
        "threw is a server error with status 20 and class and message of the exception. Heartbeats of either end are rows. Timeouts: 30 is the client's error, 31 the server's.",
        "Dubbo 2.7.23 (Java), consumer and provider, Hessian 2 and Fastjson",
        "not yet",
        "1 of 1; `dubbo_hessian2`, which has no `.result`, gives the call and its answer",
    ),
    Proof(
        "Memcached",
        "Text with meta commands, and binary; the line without its data is the resource. ERROR and CLIENT_ERROR are the asker's errors, SERVER_ERROR the server's; "
        "a missing key is none. Quiet commands are rows without an answer, whatever is said to them. Attribute `memcached.hits` counts what a get found.",
        "memcached 1.6.18",
        "not yet",
        "1 of 1: data in a packet of its own, and quit, are errors of the other reader",
    ),
    Proof(
        "MySQL",
        "MySQL and MariaDB, from the greeting or the middle; compressed by zlib or zstd too; behind a request for TLS nothing is read. A statement is "
        "known by its id when it is executed; several results are one answer, and what they changed adds up. Codes that blame statement, data or "
        "login are the asker's errors, all others the server's. Attributes `db.response.returned_rows`, `db.response.sqlstate`.",
        "mariadb 10.11.19 and its client, mysql-connector-python; zstd by hand only",
        "not yet",
        "10 of 10; the other reader counts answers to 1 024 bytes only",
    ),
    Proof(
        "PostgreSQL",
        "Simple and extended protocol, COPY, cancellation, notifications; behind a request for TLS that is granted nothing is read. An execution is a "
        "row, with the preparation in front of it and from the binding on; what stands behind an error in its batch is a row without an answer. The "
        "class of the SQLSTATE sorts errors; a state that is a number is the code.",
        "postgresql 15 and psql, asyncpg",
        "not yet",
        "2 of 2",
    ),
    Proof(
        "Redis",
        "RESP2, RESP3, typed lines; endpoint is the command in capitals. Every error answer, redirections too, is a server error, its first word is "
        "attribute `redis.error`; an error inside an answer (EXEC) counts. Messages and monitored commands that the server sends unasked are rows without an "
        "answer. Passwords of AUTH and HELLO are never told, values not with `obfuscate`. Behind PSYNC nothing is read.",
        "redis-server and redis-cli 7.0.15",
        "redis-server, redis-benchmark, a client of ours that times itself",
        "2 of 2",
    ),
    Proof(
        "NATS",
        "A message with a reply subject is a request, what comes to that subject its answer, from either end: services, JetStream's acknowledgements and its "
        "API. Other messages are rows without an answer, unless the client is verbose. The greeting is one row (CONNECT), refused or not. Endpoint is the "
        "subject's first token, of `$JS.API` the operation. No responders and codes from 500 are server errors; what a client may not do is its own. A client "
        "that ignores 16 deliveries with a reply subject is taken for a listener, who owes none. Not read: routes, leaf nodes, WebSocket.",
        "nats-server 2.9.10 with JetStream, nats-py 2.16.0, bytes of our own",
        "not yet",
        "3 of 3 in operations, subjects, endpoints, lengths; INFO answered by CONNECT, and +OK as a row, are the other reader's",
    ),
)
