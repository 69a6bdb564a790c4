//! The protocols, in the order in which they are tried: tight rules first.

use super::{
    Guess, L7Settings, Opening, Parser, amqp, brpc, cassandra, dhcp, dns, dubbo, fastcgi, ftp, http1, http2, kafka, ldap, memcached,
    mongodb, mqtt, mysql, nats, ntp, openwire, oracle, ping, postgresql, pulsar, quic, redis, rocketmq, sip, smtp, sofarpc, someip, ssh,
    tars, thrift, tls, zmtp,
};

/// How responses find their requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pairing {
    /// The oldest request is answered first.
    InOrder,
    /// `Facts::key` says which.
    ByKey,
    /// The same, and the next request may have the key again. Where both sides lost messages it proves nothing.
    ByReusedKey,
}

/// One protocol.
pub struct Protocol {
    /// `l7_protocol`; `libs.catalog` has the same number.
    pub id: u8,
    /// `l7_protocol_str`, as in `libs.catalog`.
    pub name: &'static str,
    /// Folder of recorded inputs under `tests/data/l7/`.
    pub folder: &'static str,
    /// IP protocols that carry it.
    pub transports: &'static [u8],
    pub pairing: Pairing,
    pub guess: fn(&Opening<'_>) -> Guess,
    pub parser: fn(&Opening<'_>) -> Box<dyn Parser>,
}

impl std::fmt::Debug for Protocol {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.name)
    }
}

/// What is spoken over a protocol of the table and has a name of its own: a message says so by `Facts::dialect`.
#[derive(Debug)]
pub struct Dialect {
    /// `l7_protocol`; `libs.catalog` has the same number.
    pub id: u8,
    /// `l7_protocol_str`
    pub name: &'static str,
}

pub static GRPC: Dialect = Dialect { id: 41, name: "gRPC" };
pub static TRIPLE: Dialect = Dialect { id: 49, name: "Triple" };
pub static WEBSOCKET: Dialect = Dialect { id: 22, name: "WebSocket" };
/// Every dialect.
pub static DIALECTS: &[&Dialect] = &[&GRPC, &TRIPLE, &WEBSOCKET];

/// `l7_protocol` of HTTP/2, to which an HTTP/1 connection can change.
pub const HTTP2: u8 = 21;

/// `l7_protocol` of TLS, to which other protocols change.
pub const TLS: u8 = 121;
const QUIC: u8 = 131;
const DNS: u8 = 120;

/// Whether a datagram of the client may begin anew what was read to its end: several QUIC connections can come from one port.
#[inline]
pub fn begins_again(protocol: u8, datagram: &[u8]) -> bool {
    protocol == QUIC && quic::may_begin(datagram)
}

pub const ICMP: u8 = 1;
pub const ICMP6: u8 = 58;
pub const TCP: u8 = 6;
pub const UDP: u8 = 17;

/// Every protocol.
pub static PROTOCOLS: &[Protocol] = &[
    Protocol {
        id: 106,
        name: "ZMTP",
        folder: "zmtp",
        transports: &[TCP],
        pairing: Pairing::InOrder,
        guess: zmtp::guess,
        parser: zmtp::parser,
    },
    Protocol {
        id: 107,
        name: "RocketMQ",
        folder: "rocketmq",
        transports: &[TCP],
        pairing: Pairing::ByKey,
        guess: rocketmq::guess,
        parser: rocketmq::parser,
    },
    Protocol {
        id: 105,
        name: "Pulsar",
        folder: "pulsar",
        transports: &[TCP],
        pairing: Pairing::ByReusedKey,
        guess: pulsar::guess,
        parser: pulsar::parser,
    },
    Protocol {
        id: 44,
        name: "FastCGI",
        folder: "fastcgi",
        transports: &[TCP],
        pairing: Pairing::ByReusedKey,
        guess: fastcgi::guess,
        parser: fastcgi::parser,
    },
    Protocol {
        id: 45,
        name: "bRPC",
        folder: "brpc",
        transports: &[TCP],
        pairing: Pairing::ByKey,
        guess: brpc::guess,
        parser: brpc::parser,
    },
    Protocol {
        id: 43,
        name: "SofaRPC",
        folder: "sofarpc",
        transports: &[TCP],
        pairing: Pairing::ByKey,
        guess: sofarpc::guess,
        parser: sofarpc::parser,
    },
    Protocol {
        id: 40,
        name: "Dubbo",
        folder: "dubbo",
        transports: &[TCP],
        pairing: Pairing::ByKey,
        guess: dubbo::guess,
        parser: dubbo::parser,
    },
    Protocol {
        id: TLS,
        name: "TLS",
        folder: "tls",
        transports: &[TCP, UDP],
        pairing: Pairing::InOrder,
        guess: tls::guess,
        parser: tls::parser,
    },
    Protocol {
        id: QUIC,
        name: "QUIC",
        folder: "quic",
        transports: &[UDP],
        pairing: Pairing::ByKey,
        guess: quic::guess,
        parser: quic::parser,
    },
    Protocol {
        id: 128,
        name: "SIP",
        folder: "sip",
        transports: &[UDP, TCP],
        pairing: Pairing::ByKey,
        guess: sip::guess,
        parser: sip::parser,
    },
    Protocol {
        id: 126,
        name: "SSH",
        folder: "ssh",
        transports: &[TCP],
        pairing: Pairing::InOrder,
        guess: ssh::guess,
        parser: ssh::parser,
    },
    Protocol {
        id: HTTP2,
        name: "HTTP2",
        folder: "http2",
        transports: &[TCP],
        pairing: Pairing::ByKey,
        guess: http2::guess,
        parser: http2::parser,
    },
    Protocol {
        id: 20,
        name: "HTTP",
        folder: "http1",
        transports: &[TCP],
        pairing: Pairing::InOrder,
        guess: http1::guess,
        parser: http1::parser,
    },
    Protocol {
        id: 100,
        name: "Kafka",
        folder: "kafka",
        transports: &[TCP],
        pairing: Pairing::ByKey,
        guess: kafka::guess,
        parser: kafka::parser,
    },
    Protocol {
        id: 102,
        name: "AMQP",
        folder: "amqp",
        transports: &[TCP],
        pairing: Pairing::ByReusedKey,
        guess: amqp::guess,
        parser: amqp::parser,
    },
    Protocol {
        id: 101,
        name: "MQTT",
        folder: "mqtt",
        transports: &[TCP],
        pairing: Pairing::ByReusedKey,
        guess: mqtt::guess,
        parser: mqtt::parser,
    },
    Protocol {
        id: 104,
        name: "NATS",
        folder: "nats",
        transports: &[TCP],
        pairing: Pairing::ByKey,
        guess: nats::guess,
        parser: nats::parser,
    },
    Protocol {
        id: 103,
        name: "OpenWire",
        folder: "openwire",
        transports: &[TCP],
        pairing: Pairing::ByKey,
        guess: openwire::guess,
        parser: openwire::parser,
    },
    Protocol {
        id: 62,
        name: "Oracle",
        folder: "oracle",
        transports: &[TCP],
        pairing: Pairing::InOrder,
        guess: oracle::guess,
        parser: oracle::parser,
    },
    Protocol {
        id: 83,
        name: "Cassandra",
        folder: "cassandra",
        transports: &[TCP],
        pairing: Pairing::ByReusedKey,
        guess: cassandra::guess,
        parser: cassandra::parser,
    },
    Protocol {
        id: 81,
        name: "MongoDB",
        folder: "mongodb",
        transports: &[TCP],
        pairing: Pairing::ByKey,
        guess: mongodb::guess,
        parser: mongodb::parser,
    },
    Protocol {
        id: 80,
        name: "Redis",
        folder: "redis",
        transports: &[TCP],
        pairing: Pairing::InOrder,
        guess: redis::guess,
        parser: redis::parser,
    },
    Protocol {
        id: 82,
        name: "Memcached",
        folder: "memcached",
        transports: &[TCP],
        pairing: Pairing::InOrder,
        guess: memcached::guess,
        parser: memcached::parser,
    },
    Protocol {
        id: 61,
        name: "PostgreSQL",
        folder: "postgresql",
        transports: &[TCP],
        pairing: Pairing::InOrder,
        guess: postgresql::guess,
        parser: postgresql::parser,
    },
    Protocol {
        id: 60,
        name: "MySQL",
        folder: "mysql",
        transports: &[TCP],
        pairing: Pairing::InOrder,
        guess: mysql::guess,
        parser: mysql::parser,
    },
    Protocol {
        id: 124,
        name: "LDAP",
        folder: "ldap",
        transports: &[TCP],
        pairing: Pairing::ByKey,
        guess: ldap::guess,
        parser: ldap::parser,
    },
    Protocol {
        id: 125,
        name: "SMTP",
        folder: "smtp",
        transports: &[TCP],
        pairing: Pairing::InOrder,
        guess: smtp::guess,
        parser: smtp::parser,
    },
    Protocol {
        id: 123,
        name: "FTP",
        folder: "ftp",
        transports: &[TCP],
        pairing: Pairing::InOrder,
        guess: ftp::guess,
        parser: ftp::parser,
    },
    Protocol {
        id: 46,
        name: "Tars",
        folder: "tars",
        transports: &[TCP],
        pairing: Pairing::ByKey,
        guess: tars::guess,
        parser: tars::parser,
    },
    Protocol {
        id: 42,
        name: "Thrift",
        folder: "thrift",
        transports: &[TCP],
        pairing: Pairing::ByReusedKey,
        guess: thrift::guess,
        parser: thrift::parser,
    },
    Protocol {
        id: 122,
        name: "Ping",
        folder: "ping",
        transports: &[ICMP, ICMP6],
        pairing: Pairing::ByKey,
        guess: ping::guess,
        parser: ping::parser,
    },
    Protocol {
        id: 47,
        name: "SOME/IP",
        folder: "someip",
        transports: &[UDP, TCP],
        pairing: Pairing::ByKey,
        guess: someip::guess,
        parser: someip::parser,
    },
    Protocol {
        id: DNS,
        name: "DNS",
        folder: "dns",
        transports: &[UDP, TCP],
        pairing: Pairing::ByKey,
        guess: dns::guess,
        parser: dns::parser,
    },
    Protocol {
        id: 130,
        name: "DHCP",
        folder: "dhcp",
        transports: &[UDP],
        pairing: Pairing::ByKey,
        guess: dhcp::guess,
        parser: dhcp::parser,
    },
    Protocol {
        id: 129,
        name: "NTP",
        folder: "ntp",
        transports: &[UDP],
        pairing: Pairing::ByKey,
        guess: ntp::guess,
        parser: ntp::parser,
    },
];

/// Name of a protocol or dialect of the table.
pub fn name_of(id: u8) -> Option<&'static str> {
    let protocol = PROTOCOLS.iter().find(|protocol| protocol.id == id).map(|protocol| protocol.name);
    protocol.or_else(|| DIALECTS.iter().find(|dialect| dialect.id == id).map(|dialect| dialect.name))
}

/// What the table says to the first bytes of a flow.
#[derive(Clone, Copy)]
pub enum Found {
    /// The protocol, and whether the end that the flow takes for the client is the one that answers.
    Known(&'static Protocol, bool),
    /// Too few bytes to tell.
    Undecided,
    Unknown,
}

/// Asks the protocols that are to be read, in their order.
#[inline]
pub fn find(opening: &Opening<'_>, settings: &L7Settings) -> Found {
    let mut found = Found::Unknown;
    let protocols = settings.only.map_or(PROTOCOLS, std::slice::from_ref);
    let is_netbios = settings.only.is_none() && dns::is_netbios(opening);
    for protocol in protocols {
        if is_netbios && protocol.id != DNS {
            continue;
        }
        if !protocol.transports.contains(&opening.transport) || !settings.reads(protocol) {
            continue;
        }
        match (protocol.guess)(opening) {
            Guess::No => {}
            Guess::Maybe => found = Found::Undecided,
            Guess::Yes => return Found::Known(protocol, false),
            Guess::Reversed => return Found::Known(protocol, true),
        }
    }
    found
}
