//! Packets: their fixed headers, and what MQTT looks like from the outside.

use crate::l7::parser::{Guess, Opening, Resync};

const PORT: u16 = 1883;

/// Kinds of packets, by the upper half of their first byte.
pub const NAMES: [&str; 16] = [
    "",
    "CONNECT",
    "CONNACK",
    "PUBLISH",
    "PUBACK",
    "PUBREC",
    "PUBREL",
    "PUBCOMP",
    "SUBSCRIBE",
    "SUBACK",
    "UNSUBSCRIBE",
    "UNSUBACK",
    "PINGREQ",
    "PINGRESP",
    "DISCONNECT",
    "AUTH",
];
pub const CONNECT: u8 = 1;
pub const CONNACK: u8 = 2;
pub const PUBLISH: u8 = 3;
pub const PUBACK: u8 = 4;
pub const PUBREC: u8 = 5;
pub const PUBREL: u8 = 6;
pub const PUBCOMP: u8 = 7;
pub const SUBSCRIBE: u8 = 8;
pub const SUBACK: u8 = 9;
pub const UNSUBSCRIBE: u8 = 10;
pub const UNSUBACK: u8 = 11;
pub const PINGREQ: u8 = 12;
pub const PINGRESP: u8 = 13;
pub const DISCONNECT: u8 = 14;

/// The front of a packet.
#[derive(Clone, Copy, Debug)]
pub struct Header {
    pub kind: u8,
    pub flags: u8,
    /// Bytes of the header itself.
    pub size: usize,
    /// Bytes behind it.
    pub length: usize,
}

/// What is at the front.
pub enum Front {
    Header(Header),
    More,
    Bad,
}

impl Header {
    /// Reads the header at the front; `Bad` where this end cannot have sent it.
    pub fn read(bytes: &[u8], from_client: bool) -> Front {
        let [first, rest @ ..] = bytes else { return Front::More };
        let (kind, flags) = (first >> 4, first & 15);
        let of_client = matches!(kind, CONNECT | SUBSCRIBE | UNSUBSCRIBE | PINGREQ);
        let of_server = matches!(kind, CONNACK | SUBACK | UNSUBACK | PINGRESP);
        let flags_fit = match kind {
            PUBLISH => flags & 6 != 6,
            PUBREL | SUBSCRIBE | UNSUBSCRIBE => flags == 2,
            _ => flags == 0,
        };
        if kind == 0 || !flags_fit || if from_client { of_server } else { of_client } {
            return Front::Bad;
        }
        let Some((length, size)) = varint(rest) else {
            return if rest.len() < 4 { Front::More } else { Front::Bad };
        };
        let header = Header {
            kind,
            flags,
            size: 1 + size,
            length: length as usize,
        };
        let fits = match kind {
            CONNECT => header.length >= 10,
            PUBLISH => header.length >= 2 + if flags & 6 == 0 { 0 } else { 2 },
            SUBSCRIBE => header.length >= 5,
            UNSUBSCRIBE => header.length >= 4,
            SUBACK => header.length >= 3,
            CONNACK | PUBACK | PUBREC | PUBREL | PUBCOMP | UNSUBACK => header.length >= 2,
            PINGREQ | PINGRESP => header.length == 0,
            _ => true,
        };
        if fits { Front::Header(header) } else { Front::Bad }
    }
}

/// A number of one to four bytes, seven bits each, and how many bytes it takes.
pub fn varint(bytes: &[u8]) -> Option<(u32, usize)> {
    let mut value = 0;
    for (at, byte) in bytes.iter().take(4).enumerate() {
        value |= u32::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((value, at + 1));
        }
    }
    None
}

/// The protocol's name and level behind the header of a connection's first packet: `Err(true)` where it may still be one.
fn greeting(content: &[u8]) -> Guess {
    const NAMES: [(&[u8], [u8; 3]); 2] = [(b"\0\x04MQTT", [3, 4, 5]), (b"\0\x06MQIsdp", [3, 3, 3])];
    for (name, levels) in NAMES {
        let seen = content.len().min(name.len());
        if content[..seen] != name[..seen] {
            continue;
        }
        return match content.get(name.len()) {
            // Bridges set the uppermost bit.
            Some(level) if levels.contains(&(level & 0x7f)) => Guess::Yes,
            Some(_) => Guess::No,
            None => Guess::Maybe,
        };
    }
    Guess::No
}

/// The first packet of a connection says it all; others are believed on the usual port only.
pub fn guess(opening: &Opening<'_>) -> Guess {
    let turned = opening.client_port == PORT && opening.server_port != PORT;
    if opening.bytes.first() == Some(&(CONNECT << 4)) {
        let yes = if opening.from_client { Guess::Yes } else { Guess::Reversed };
        return match Header::read(opening.bytes, true) {
            Front::Header(header) => match greeting(&opening.bytes[header.size..]) {
                Guess::Yes => yes,
                other => other,
            },
            Front::More => Guess::Maybe,
            Front::Bad => Guess::No,
        };
    }
    if ![opening.client_port, opening.server_port].contains(&PORT) {
        return Guess::No;
    }
    match plausible(opening.bytes, opening.from_client != turned) {
        Guess::Yes if turned => Guess::Reversed,
        guess => guess,
    }
}

/// Whether packets follow each other from here on.
fn plausible(bytes: &[u8], from_client: bool) -> Guess {
    let header = match Header::read(bytes, from_client) {
        Front::Header(header) => header,
        Front::More => return Guess::Maybe,
        Front::Bad => return Guess::No,
    };
    let content = &bytes[header.size..bytes.len().min(header.size + header.length)];
    let fits = match header.kind {
        CONNECT => greeting(content),
        PUBLISH => topic(content, header.length),
        // Longer ones exist, with properties; here they are rather chance.
        PUBACK | PUBREC | PUBREL | PUBCOMP if header.length > 4 => Guess::No,
        _ if content.len() < header.length => Guess::Maybe,
        _ => Guess::Yes,
    };
    let next = bytes.get(header.size + header.length..).unwrap_or_default();
    match fits {
        Guess::Yes if !next.is_empty() && matches!(Header::read(next, from_client), Front::Bad) => Guess::No,
        // Longer than any but a publication.
        Guess::Maybe if header.length > 4096 && header.kind != PUBLISH => Guess::No,
        fits => fits,
    }
}

/// Whether a publication's topic begins here.
fn topic(content: &[u8], length: usize) -> Guess {
    let [high, low, rest @ ..] = content else { return Guess::Maybe };
    let size = usize::from(u16::from_be_bytes([*high, *low]));
    let seen = &rest[..rest.len().min(size)];
    if size + 2 > length || seen.iter().any(|byte| byte.is_ascii_control() || matches!(byte, b'#' | b'+')) {
        return Guess::No;
    }
    match std::str::from_utf8(seen) {
        Err(error) if error.error_len().is_some() || seen.len() == size => Guess::No,
        _ if seen.len() < size => Guess::Maybe,
        _ => Guess::Yes,
    }
}

/// Where a packet begins after a loss.
pub fn resync(bytes: &[u8], from_client: bool) -> Resync {
    for at in 0..bytes.len() {
        match plausible(&bytes[at..], from_client) {
            Guess::No => {}
            Guess::Maybe => return Resync::Drop(at),
            _ => return Resync::At(at),
        }
    }
    Resync::Drop(bytes.len())
}
