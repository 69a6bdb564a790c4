//! A message: nine bytes of header, and a body that can be compressed.

use super::{Cql, long, short};
use crate::l7::facts::{Facts, Slot};
use crate::l7::frame::{Bytes, Framed, Front, Said};
use crate::l7::layer::{self, Codec};
use crate::l7::parser::{Guess, Input};

pub const HEADER: usize = 9;
/// Servers take 256 MiB unless told otherwise.
const LARGEST: u32 = 256 << 20;
/// Bytes of a compressed body that are read.
const UNPACKED: usize = 16 * 1024;

const COMPRESSED: u8 = 1;
pub const TRACED: u8 = 2;
pub const PAYLOAD: u8 = 4;
pub const WARNED: u8 = 8;

pub const ERROR: u8 = 0;
pub const STARTUP: u8 = 1;
pub const READY: u8 = 2;
pub const AUTHENTICATE: u8 = 3;
pub const OPTIONS: u8 = 5;
pub const SUPPORTED: u8 = 6;
pub const QUERY: u8 = 7;
pub const RESULT: u8 = 8;
pub const PREPARE: u8 = 9;
pub const EXECUTE: u8 = 10;
pub const REGISTER: u8 = 11;
pub const EVENT: u8 = 12;
pub const BATCH: u8 = 13;

const NAMES: [&str; 17] = [
    "ERROR",
    "STARTUP",
    "READY",
    "AUTHENTICATE",
    "",
    "OPTIONS",
    "SUPPORTED",
    "QUERY",
    "RESULT",
    "PREPARE",
    "EXECUTE",
    "REGISTER",
    "EVENT",
    "BATCH",
    "AUTH_CHALLENGE",
    "AUTH_RESPONSE",
    "AUTH_SUCCESS",
];

/// What a header says.
#[derive(Clone, Copy, Debug)]
pub struct Header {
    pub version: u8,
    pub is_response: bool,
    pub flags: u8,
    pub stream: u16,
    pub opcode: u8,
    pub body: u32,
}

impl Header {
    #[inline]
    pub fn read(bytes: &[u8]) -> Option<Header> {
        let header = bytes.first_chunk::<HEADER>()?;
        let body = u32::from_be_bytes([header[5], header[6], header[7], header[8]]);
        let (version, is_response) = (header[0] & 0x7f, header[0] & 0x80 != 0);
        let is_answer = matches!(header[4], ERROR | READY | AUTHENTICATE | SUPPORTED | RESULT | EVENT | 14 | 16);
        let is_known = NAMES.get(usize::from(header[4])).is_some_and(|name| !name.is_empty());
        let is_sound = (3..=5).contains(&version) && header[1] < 32 && is_known && is_answer == is_response && body <= LARGEST;
        is_sound.then_some(Header {
            version,
            is_response,
            flags: header[1],
            stream: u16::from_be_bytes([header[2], header[3]]),
            opcode: header[4],
            body,
        })
    }

    pub fn name(&self) -> &'static str {
        NAMES[usize::from(self.opcode)]
    }
}

/// The header of a message that makes sense.
pub fn guess(bytes: &[u8]) -> Result<Header, Guess> {
    let Some(header) = Header::read(bytes) else {
        let fits = |at: usize, test: fn(u8) -> bool| bytes.get(at).is_none_or(|byte| test(*byte));
        let is_short = bytes.len() < HEADER
            && fits(0, |byte| (3..=5).contains(&(byte & 0x7f)))
            && fits(1, |flags| flags < 32)
            && fits(4, |op| op < 17);
        return Err(if is_short { Guess::Maybe } else { Guess::No });
    };
    let body = &bytes[HEADER..bytes.len().min(HEADER + header.body as usize)];
    let is_whole = body.len() == header.body as usize;
    // Streams of clients are not negative; servers tell events on one that is.
    if (header.stream >> 15 == 1) != (header.opcode == EVENT) && header.stream != 0xffff {
        return Err(Guess::No);
    }
    let mut rest = Bytes(body);
    let is_text = |text: &[u8]| {
        !text.is_empty()
            && text
                .iter()
                .take(64)
                .all(|byte| matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n' | 0x80..))
    };
    let sound = match header.opcode {
        _ if header.flags & COMPRESSED != 0 => Some(is_whole && body.len() > 8 && bytes.len() == HEADER + body.len()),
        READY | OPTIONS => Some(header.body == 0 && bytes.len() == HEADER),
        _ if header.flags & (TRACED | PAYLOAD | WARNED) != 0 => Some(is_whole && bytes.len() == HEADER + body.len()),
        STARTUP | SUPPORTED => rest
            .u16()
            .filter(|count| (1..64).contains(count))
            .and_then(|_| short(&mut rest))
            .map(is_text),
        QUERY | PREPARE => {
            let size = rest.u32().filter(|size| *size > 2 && *size < header.body);
            size.map(|_| rest.0.len() >= 4 && is_text(&rest.0[..rest.0.len().min(3)]) && is_text(&body[4..body.len().min(12)]))
        }
        EXECUTE => rest.u16().map(|size| size == 16),
        BATCH => rest
            .u8()
            .filter(|kind| *kind < 3)
            .and_then(|_| rest.u16())
            .and_then(|_| rest.u8())
            .map(|kind| kind < 2),
        ERROR => rest.u32().map(|code| super::response::blame(code).is_some()),
        RESULT => rest.u32().map(|kind| (1..=5).contains(&kind) && (kind != 1 || header.body == 4)),
        _ => short(&mut rest).map(is_text),
    };
    match sound {
        Some(true) => Ok(header),
        None if !is_whole && body.len() < 64 => Err(Guess::Maybe),
        _ => Err(Guess::No),
    }
}

impl Framed for Cql {
    fn front(&self, bytes: &[u8], from_client: bool) -> Front {
        match Header::read(bytes) {
            Some(header) if header.is_response != from_client => Front::whole(HEADER as u64 + u64::from(header.body)),
            None if bytes.len() < HEADER => Front::Short,
            _ => Front::Wrong,
        }
    }

    fn read(&mut self, message: &[u8], size: u64, input: Input<'_>, facts: &mut Facts) -> Said {
        let Some(header) = Header::read(message) else { return Said::Wrong };
        self.version = header.version;
        facts.length = size as i64;
        (facts.key, facts.request_id) = (u64::from(header.stream), u64::from(header.stream));
        facts.put(Slot::Version, &[b'0' + header.version]);
        let body = &message[HEADER..];
        let unpacked;
        let body = if header.flags & COMPRESSED != 0 {
            unpacked = self.unpack(body).unwrap_or_default();
            &unpacked
        } else {
            body
        };
        if input.from_client {
            self.request(&header, Bytes(body), input.settings, facts)
        } else {
            self.response(&header, Bytes(body), input.settings, facts)
        }
    }

    fn starts(&self, bytes: &[u8], from_client: bool) -> Guess {
        match guess(bytes) {
            Ok(header) if header.is_response != from_client => Guess::Yes,
            Ok(_) => Guess::No,
            Err(guess) => guess,
        }
    }

    fn heap_bytes(&self) -> usize {
        let preparing: usize = self.preparing.iter().map(|(_, text)| text.len()).sum();
        self.statements.heap_bytes() + self.keyspace.capacity() + preparing + self.preparing.capacity() * size_of::<(u16, Box<str>)>()
    }
}

impl Cql {
    /// A compressed body. LZ4 has its length in front; where the connection's start was not seen, one that cannot be is Snappy's.
    fn unpack(&self, body: &[u8]) -> Option<Vec<u8>> {
        let mut rest = Bytes(body);
        let size = rest
            .u32()
            .filter(|size| !self.snappy && *size <= LARGEST && *size as usize + 16 > body.len().min(1 << 16));
        match size.and_then(|size| layer::front(Codec::Lz4(size), rest.0, UNPACKED)) {
            Some(plain) => Some(plain),
            None => layer::front(Codec::Snappy, body, UNPACKED),
        }
    }

    /// The statement, keyed by what its server calls it.
    pub(super) fn remembered<'a>(&'a self, rest: &mut Bytes<'_>) -> Option<&'a str> {
        short(rest).map(|id| self.statements.text(super::hash(id)))
    }

    pub(super) fn text<'a>(rest: &mut Bytes<'a>) -> Option<&'a [u8]> {
        long(rest)
    }
}
