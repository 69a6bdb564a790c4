//! NTP (RFC 5905): the question for the time and its answer; broadcasts and control messages are rows without an answer.

use super::Status;
use super::facts::{Facts, Slot};
use super::parser::{Body, Guess, Input, Kind, Opening, Parser, Resync, Step};
use std::net::Ipv4Addr;

const PORT: u16 = 123;
const HEADER: usize = 48;
const CONTROL_HEADER: usize = 12;
/// Modes.
const SYMMETRIC_ACTIVE: u8 = 1;
const SYMMETRIC_PASSIVE: u8 = 2;
const CLIENT: u8 = 3;
const SERVER: u8 = 4;
const BROADCAST: u8 = 5;
const CONTROL: u8 = 6;
/// Leap indicator, and stratum, of a clock that is not set.
const NOT_SET: u8 = 3;
const UNREACHABLE: u8 = 16;

/// Reads one NTP flow.
#[derive(Debug)]
pub struct Ntp;

/// The parser for the table.
pub fn parser(_opening: &Opening<'_>) -> Box<dyn Parser> {
    Box::new(Ntp)
}

/// Only the port can tell: four bits of a header prove nothing.
pub fn guess(opening: &Opening<'_>) -> Guess {
    if opening.client_port != PORT && opening.server_port != PORT {
        return Guess::No;
    }
    match Mode::of(opening.bytes) {
        Some(mode) if mode.is_answer() == opening.from_client && mode.has_sides() => Guess::Reversed,
        Some(_) => Guess::Yes,
        None => Guess::No,
    }
}

/// Mode, and for control messages whether it is an answer.
#[derive(Clone, Copy)]
struct Mode(u8, bool);

impl Mode {
    fn of(bytes: &[u8]) -> Option<Mode> {
        let [first, second, ..] = *bytes else { return None };
        let (version, mode) = (first >> 3 & 7, first & 7);
        let fits = match mode {
            SYMMETRIC_ACTIVE..=BROADCAST => bytes.len() >= HEADER,
            CONTROL => bytes.len() >= CONTROL_HEADER,
            _ => false,
        };
        (fits && (1..=4).contains(&version)).then_some(Mode(mode, mode == CONTROL && second & 0x80 != 0))
    }

    fn is_answer(self) -> bool {
        self.0 == SERVER || self.1
    }

    fn has_sides(self) -> bool {
        matches!(self.0, CLIENT | SERVER | CONTROL)
    }

    fn name(self) -> &'static str {
        match self.0 {
            SYMMETRIC_ACTIVE | SYMMETRIC_PASSIVE => "Symmetric",
            BROADCAST => "Broadcast",
            CONTROL => "Control",
            _ => "Client",
        }
    }
}

impl Parser for Ntp {
    fn parse(&mut self, input: Input<'_>, facts: &mut Facts) -> Step {
        let (bytes, size) = (input.bytes, input.bytes.len());
        let Some(mode) = Mode::of(bytes) else {
            return Step::Lost { size };
        };
        let mut version = itoa::Buffer::new();
        facts.put(Slot::Version, version.format(bytes[0] >> 3 & 7).as_bytes());
        facts.put(Slot::RequestType, mode.name().as_bytes());
        facts.put_same(Slot::Endpoint, Slot::RequestType);
        let stamp = |at: usize| {
            bytes
                .get(at..at + 8)
                .map_or(0, |stamp| u64::from_be_bytes(stamp.try_into().unwrap_or_default()))
        };
        let kind = match mode.0 {
            // A client's transmit time comes back as the origin of the answer.
            CLIENT => {
                facts.key = stamp(40);
                Kind::Request
            }
            SERVER => {
                facts.key = stamp(24);
                answer(bytes, facts);
                Kind::Response
            }
            CONTROL => {
                facts.key = u64::from(bytes[2]) << 8 | u64::from(bytes[3]);
                facts.request_id = facts.key;
                facts.status = if bytes[1] & 0x40 == 0 { Status::Ok } else { Status::ClientError };
                if mode.1 { Kind::Response } else { Kind::Request }
            }
            // Peers tell each other the time; each message answers the one before, and is one.
            _ => {
                answer(bytes, facts);
                Kind::Notice
            }
        };
        Step::Message {
            size,
            kind,
            body: Body::Bytes(0),
        }
    }

    fn resync(&mut self, _from_client: bool, bytes: &[u8]) -> Resync {
        Resync::Drop(bytes.len())
    }
}

/// What one who has the time says of it.
fn answer(bytes: &[u8], facts: &mut Facts) {
    let (leap, stratum) = (bytes[0] >> 6, bytes[1]);
    let reference = [bytes[12], bytes[13], bytes[14], bytes[15]];
    let mut number = itoa::Buffer::new();
    facts.attribute("ntp.stratum", number.format(stratum).as_bytes());
    let word = || {
        let end = reference.iter().position(|byte| *byte == 0).unwrap_or(4);
        let word = &reference[..end];
        (end > 0 && word.iter().all(u8::is_ascii_graphic)).then_some(word)
    };
    // The word of a clock, or of a complaint; an address, or a hash of one; behind a stratum of 1 nobody can tell which.
    let name = if stratum <= 1 { word() } else { None };
    match name {
        None if stratum == 0 => {}
        Some(name) => facts.attribute("ntp.reference_id", name),
        None => facts.attribute("ntp.reference_id", Ipv4Addr::from(reference).to_string().as_bytes()),
    }
    if let (0, Some(name)) = (stratum, name) {
        // A kiss of death (RFC 5905, 7.4): these complain of the asker.
        facts.status = match name {
            b"RATE" | b"DENY" | b"RSTR" | b"AUTH" | b"CRYP" | b"NKEY" | b"NTSN" => Status::ClientError,
            _ => Status::ServerError,
        };
        facts.put(Slot::Exception, name);
    } else if leap == NOT_SET || stratum == 0 || stratum >= UNREACHABLE {
        facts.status = Status::ServerError;
        facts.put(Slot::Exception, b"unsynchronized");
    } else {
        facts.status = Status::Ok;
    }
}
