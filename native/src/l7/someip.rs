//! SOME/IP and its service discovery (AUTOSAR "SOME/IP Protocol Specification", "SOME/IP Service Discovery Protocol Specification").

use super::Status;
use super::facts::{Facts, Slot};
use super::frame::{Bytes, Framed, Frames, Front, Said};
use super::parser::{Guess, Input, Kind, Opening, Parser};
use std::io::Write;

const HEADER: usize = 16;
const MAX_SIZE: u32 = 16 << 20;
/// A long message that travels in pieces.
const TP: u8 = 0x20;
const DISCOVERY: (u16, u16) = (0xffff, 0x8100);
/// What TCP streams have in between, to find back to a message.
const COOKIE: u32 = 0xdead_beef;

/// Names of the codes, and whose error each is.
const CODES: [(&str, Status); 11] = [
    ("No error occurred", Status::Ok),
    ("Not OK", Status::ServerError),
    ("Unknown service", Status::ClientError),
    ("Unknown method", Status::ClientError),
    ("Not ready", Status::ServerError),
    ("Not reachable", Status::ServerError),
    ("Timeout", Status::ServerError),
    ("Wrong protocol version", Status::ClientError),
    ("Wrong interface version", Status::ClientError),
    ("Malformed message", Status::ClientError),
    ("Wrong message type", Status::ClientError),
];

struct Header {
    service: u16,
    method: u16,
    length: u32,
    /// Client and session.
    id: u32,
    interface: u8,
    kind: u8,
    code: u8,
}

impl Header {
    /// `None` where it is not sound.
    fn read(bytes: &[u8]) -> Option<Header> {
        let mut rest = Bytes(bytes);
        let (service, method, length, id) = (rest.u16()?, rest.u16()?, rest.u32()?, rest.u32()?);
        rest.u8().filter(|version| *version == 1)?;
        let header = Header {
            service,
            method,
            length,
            id,
            interface: rest.u8()?,
            kind: rest.u8()?,
            code: rest.u8()?,
        };
        let codes = match header.kind & !TP {
            0..=2 => 0..=0,
            0x80 | 0x81 => 0..=0x5e,
            _ => return None,
        };
        let sound = header.service != 0 && (8..=MAX_SIZE).contains(&header.length) && codes.contains(&header.code);
        sound.then_some(header)
    }

    fn size(&self) -> usize {
        self.length as usize + 8
    }

    fn is_discovery(&self) -> bool {
        (self.service, self.method) == DISCOVERY
    }
}

/// Messages that fill the bytes to their end: one header alone has too few bits that must be so.
pub fn guess(opening: &Opening<'_>) -> Guess {
    let mut rest = opening.bytes;
    let mut first = None;
    while !rest.is_empty() {
        if rest.len() < HEADER {
            // Version and type are near the end; the length's highest byte is not.
            let fits =
                opening.transport == 6 && rest.get(4).is_none_or(|high| *high == 0) && rest.get(12).is_none_or(|version| *version == 1);
            return if fits { Guess::Maybe } else { Guess::No };
        }
        let Some(header) = Header::read(rest) else { return Guess::No };
        let is_whole = header.size() <= rest.len();
        rest = rest.get(header.size()..).unwrap_or_default();
        if !is_whole && opening.transport != 6 {
            return Guess::No;
        }
        if !is_whole {
            return Guess::Maybe;
        }
        first = first.or(Some(header));
    }
    match first {
        None => Guess::No,
        Some(header) if header.is_discovery() || header.kind & !TP == 2 => Guess::Yes,
        Some(header) if (header.kind & 0x80 == 0) == opening.from_client => Guess::Yes,
        Some(_) => Guess::Reversed,
    }
}

/// The parser for the table.
pub fn parser(_: &Opening<'_>) -> Box<dyn Parser> {
    Box::new(Frames::new(SomeIp))
}

/// Each message tells everything itself.
#[derive(Debug)]
struct SomeIp;

impl Framed for SomeIp {
    fn front(&self, bytes: &[u8], _: bool) -> Front {
        if bytes.len() < HEADER {
            return Front::Short;
        }
        match Header::read(bytes) {
            Some(header) => {
                let size = header.size() as u64;
                // Of discovery everything is read, of pieces where they belong.
                let told = if header.is_discovery() { size } else { HEADER as u64 + 4 };
                Front::Frame { size, told }
            }
            None => Front::Wrong,
        }
    }

    fn read(&mut self, message: &[u8], size: u64, _: Input<'_>, facts: &mut Facts) -> Said {
        let Some(header) = Header::read(message) else { return Said::Wrong };
        if header.id == COOKIE && header.service == 0xffff && header.method & 0x7fff == 0 {
            return Said::Nothing;
        }
        let is_later_piece = header.kind & TP != 0 && Bytes(&message[HEADER..]).u32().is_none_or(|place| place >> 4 != 0);
        if is_later_piece {
            return Said::Nothing;
        }
        facts.request_id = u64::from(header.id);
        facts.key = u64::from(header.service) << 48 | u64::from(header.method) << 32 | u64::from(header.id);
        facts.length = size as i64 - 8;
        if header.is_discovery() {
            discovery(&message[HEADER..], facts);
            return Said::Message(Kind::Notice);
        }
        write(Slot::Version, format_args!("Protocol 1 Interface {}", header.interface), facts);
        if header.kind & 0x80 != 0 {
            response(&header, facts);
            return Said::Message(Kind::Response);
        }
        let kind = ["Request", "Request no return", "Notification"][usize::from(header.kind & !TP)];
        facts.put(Slot::RequestType, kind.as_bytes());
        write(
            Slot::Endpoint,
            format_args!("0x{:04x}/0x{:04x}", header.service, header.method),
            facts,
        );
        facts.put_front(Slot::Resource, Slot::Endpoint, 6);
        Said::Message(if header.kind & !TP == 0 { Kind::Request } else { Kind::Notice })
    }

    fn starts(&self, bytes: &[u8], from_client: bool) -> Guess {
        let opening = Opening {
            bytes,
            from_client,
            client_port: 0,
            server_port: 0,
            transport: 6,
        };
        guess(&opening)
    }
}

fn response(header: &Header, facts: &mut Facts) {
    let (name, status) = CODES
        .get(usize::from(header.code))
        .copied()
        .unwrap_or(("Error of the service", Status::ServerError));
    facts.code = i32::from(header.code);
    facts.status = if header.kind & !TP == 0x81 && status == Status::Ok {
        Status::ServerError
    } else {
        status
    };
    facts.put(
        if facts.status == Status::Ok {
            Slot::Result
        } else {
            Slot::Exception
        },
        name.as_bytes(),
    );
}

/// What the first entry is about; how many there are.
fn discovery(payload: &[u8], facts: &mut Facts) {
    facts.put(Slot::Version, b"SD");
    let mut rest = Bytes(payload);
    let size = rest.u32().and_then(|_| rest.u32()).unwrap_or(0) as usize;
    let entries = &rest.0[..rest.0.len().min(size)];
    let Some(entry) = entries.first_chunk::<16>() else { return };
    let lives = entry[9..12] != [0, 0, 0];
    let name = match (entry[0], lives) {
        (0, _) => "FindService",
        (1, true) => "OfferService",
        (1, false) => "StopOfferService",
        (6, true) => "SubscribeEventgroup",
        (6, false) => "StopSubscribeEventgroup",
        (7, true) => "SubscribeEventgroupAck",
        (7, false) => "SubscribeEventgroupNack",
        _ => "Unknown",
    };
    facts.put(Slot::RequestType, name.as_bytes());
    let [service, instance] = [4, 6].map(|at| u16::from_be_bytes([entry[at], entry[at + 1]]));
    write(Slot::Resource, format_args!("0x{service:04x}"), facts);
    facts.put_same(Slot::Endpoint, Slot::Resource);
    let mut text = [0; 32];
    let size = print(&mut text, format_args!("0x{instance:04x}"));
    facts.attribute("someip.instance", &text[..size]);
    if size_of_entries(entries) > 1 {
        let size = print(&mut text, format_args!("{}", size_of_entries(entries)));
        facts.attribute("someip.entries", &text[..size]);
    }
}

fn size_of_entries(entries: &[u8]) -> usize {
    entries.len() / 16
}

fn write(slot: Slot, what: std::fmt::Arguments<'_>, facts: &mut Facts) {
    let mut text = [0; 32];
    let size = print(&mut text, what);
    facts.put(slot, &text[..size]);
}

fn print(text: &mut [u8; 32], what: std::fmt::Arguments<'_>) -> usize {
    let mut rest = &mut text[..];
    let _ = rest.write_fmt(what);
    32 - rest.len()
}
