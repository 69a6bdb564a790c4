//! The protocols, in the order in which they are tried: tight rules first.

use super::{Guess, Opening, Parser, dns, http1, memcached, mysql, redis};

/// How responses find their requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pairing {
    /// The oldest request is answered first.
    InOrder,
    /// `Facts::key` says which.
    ByKey,
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

pub const TCP: u8 = 6;
pub const UDP: u8 = 17;

/// Every protocol.
pub static PROTOCOLS: &[Protocol] = &[
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
        id: 60,
        name: "MySQL",
        folder: "mysql",
        transports: &[TCP],
        pairing: Pairing::InOrder,
        guess: mysql::guess,
        parser: mysql::parser,
    },
    Protocol {
        id: 120,
        name: "DNS",
        folder: "dns",
        transports: &[UDP, TCP],
        pairing: Pairing::ByKey,
        guess: dns::guess,
        parser: dns::parser,
    },
];
