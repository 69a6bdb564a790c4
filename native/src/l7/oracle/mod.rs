//! Oracle's network protocol: TNS packets, and of the calls inside them (TTC) what is plain to see.
//!
//! There is no public specification. What is read here is what descriptions of open drivers and dissectors agree on: packet headers, connect
//! descriptors, refusals, the codes of calls, statement texts with their lengths in front, ORA- messages at the end of an answer. The first
//! packet of an answer is the answer. Statements that are executed again by the number of their cursor have no text.

mod call;

use super::facts::{Facts, Slot};
use super::frame::{Framed, Frames, Front, Said};
use super::parser::{Guess, Input, Kind, Opening, Parser};
use super::{Status, sql};
use memchr::memmem;

const HEADER: usize = 8;
const CONNECT: u8 = 1;
const ACCEPT: u8 = 2;
const REFUSE: u8 = 4;
const REDIRECT: u8 = 5;
const DATA: u8 = 6;
const ABORT: u8 = 9;
const RESEND: u8 = 11;
const LAST_TYPE: u8 = 15;
/// Since this version lengths have four bytes once the connection is accepted.
const LARGE: u16 = 315;
const LARGEST: usize = 2 << 20;
/// The other side goes.
const END_OF_FILE: u16 = 0x40;

/// Reads one connection.
#[derive(Default)]
struct Oracle {
    large: bool,
    service: String,
    version: u16,
    /// Bytes of a packet that is full.
    unit: usize,
    /// The client's last packet was full: the next one goes on with the same call.
    continues: bool,
}

/// The parser for the table.
pub fn parser(_opening: &Opening<'_>) -> Box<dyn Parser> {
    Box::new(Frames::new(Oracle::default()))
}

/// Length and type of the packet at the front; `None` where it is no header.
fn header(bytes: &[u8], large: bool) -> Option<(usize, u8)> {
    let header = bytes.first_chunk::<HEADER>()?;
    let short = u16::from_be_bytes([header[0], header[1]]) as usize;
    let long = u32::from_be_bytes([header[0], header[1], header[2], header[3]]) as usize;
    // A length of two bytes is never 0, and has a checksum behind it that is.
    let size = if large || short == 0 { long } else { short };
    let is_sound = (HEADER..=LARGEST).contains(&size) && (1..=LAST_TYPE).contains(&header[4]) && header[6..] == [0, 0];
    is_sound.then_some((size, header[4]))
}

/// Asks for a service, or calls, in a packet that is just as long as it says.
pub fn guess(opening: &Opening<'_>) -> Guess {
    let bytes = opening.bytes;
    let (client, server) = match opening.from_client {
        true => (Guess::Yes, Guess::Reversed),
        false => (Guess::Reversed, Guess::Yes),
    };
    let Some((size, kind)) = header(bytes, false) else {
        let fits = |at: usize, test: fn(u8) -> bool| bytes.get(at).is_none_or(|byte| test(*byte));
        let is_zero = |at: usize| bytes.get(at).is_none_or(|byte| *byte == 0);
        let is_length = is_zero(0) && is_zero(1) || is_zero(2) && is_zero(3);
        let is_short = bytes.len() < HEADER && is_length && fits(4, |kind| matches!(kind, CONNECT | DATA));
        return if is_short { Guess::Maybe } else { Guess::No };
    };
    let is_whole = bytes.len() == size;
    match kind {
        CONNECT if bytes.len() < 28 => Guess::Maybe,
        CONNECT => {
            let two = |at: usize| usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]));
            let (version, compatible, offset) = (two(8), two(10), two(26));
            let is_sound = (300..400).contains(&version) && (200..=version).contains(&compatible) && (26..=128).contains(&offset);
            if is_sound { client } else { Guess::No }
        }
        REFUSE if is_whole && bytes.get(12..).is_some_and(|text| text.starts_with(b"(DESCRIPTION=")) => server,
        DATA if is_whole && bytes.len() > 12 && call::is_call(&bytes[10..]) && bytes[8] & 0xc0 == 0 => client,
        DATA if bytes.len() < size && (bytes.len() < 12 || call::is_call(&bytes[10..])) => Guess::Maybe,
        _ => Guess::No,
    }
}

impl Framed for Oracle {
    fn front(&self, bytes: &[u8], _from_client: bool) -> Front {
        match header(bytes, self.large) {
            Some((size, _)) => Front::whole(size as u64),
            None if bytes.len() < HEADER => Front::Short,
            None => Front::Wrong,
        }
    }

    fn read(&mut self, message: &[u8], size: u64, input: Input<'_>, facts: &mut Facts) -> Said {
        let Some((_, kind)) = header(message, self.large) else {
            return Said::Wrong;
        };
        facts.length = size as i64;
        let content = &message[HEADER..];
        let said = match (kind, input.from_client) {
            (CONNECT, true) => self.connect(message, facts),
            (ACCEPT, false) => self.accept(message, facts),
            (REFUSE, false) => refuse(content, facts),
            (REDIRECT | RESEND, false) => {
                facts.status = Status::Ok;
                facts.put(Slot::Result, if kind == RESEND { b"RESEND" } else { b"REDIRECT" });
                Said::Message(Kind::Response)
            }
            (DATA, true) => self.call(content, size, &input, facts),
            (DATA, false) if input.waiting.is_some() => answer(content, &input, facts),
            (ABORT, true) => Said::Message(Kind::Notice),
            // Markers interrupt and reset; what is behind the front of an answer is passed over.
            _ => return Said::Nothing,
        };
        if self.version > 0 {
            facts.put(Slot::Version, itoa::Buffer::new().format(self.version).as_bytes());
        }
        said
    }

    fn starts(&self, bytes: &[u8], from_client: bool) -> Guess {
        let Some((size, kind)) = header(bytes, self.large) else {
            return if bytes.len() < HEADER { Guess::Maybe } else { Guess::No };
        };
        let is_known = match (kind, from_client) {
            (DATA, true) => bytes.get(10..).is_some_and(call::is_call),
            (DATA, false) => bytes.get(10).is_some_and(|kind| *kind < 40),
            _ => size < 1024,
        };
        if is_known && size >= bytes.len() { Guess::Yes } else { Guess::No }
    }

    fn heap_bytes(&self) -> usize {
        self.service.capacity()
    }
}

impl Oracle {
    fn connect(&mut self, message: &[u8], facts: &mut Facts) -> Said {
        let two = |at: usize| {
            message
                .get(at..at + 2)
                .map_or(0, |two| usize::from(u16::from_be_bytes([two[0], two[1]])))
        };
        let descriptor = message.get(two(26)..).unwrap_or_default();
        let service = value(descriptor, b"SERVICE_NAME=")
            .or(value(descriptor, b"SID="))
            .unwrap_or_default();
        self.service = String::from_utf8_lossy(&service[..service.len().min(128)]).into_owned();
        facts.put(Slot::RequestType, b"CONNECT");
        facts.put(Slot::Resource, descriptor);
        facts.put(Slot::Domain, self.service.as_bytes());
        facts.put(Slot::UserAgent, value(descriptor, b"PROGRAM=").unwrap_or_default());
        Said::Message(Kind::Request)
    }

    fn serve(&mut self, descriptor: &[u8]) {
        let service = value(descriptor, b"SERVICE_NAME=")
            .or(value(descriptor, b"SID="))
            .unwrap_or_default();
        self.service = String::from_utf8_lossy(&service[..service.len().min(128)]).into_owned();
    }

    fn accept(&mut self, message: &[u8], facts: &mut Facts) -> Said {
        let two = |at: usize| message.get(at..at + 2).map_or(0, |two| u16::from_be_bytes([two[0], two[1]]));
        self.version = two(8);
        self.large = self.version >= LARGE;
        let long = message
            .get(32..36)
            .map_or(0, |four| u32::from_be_bytes([four[0], four[1], four[2], four[3]]));
        self.unit = if self.large { long as usize } else { usize::from(two(12)) };
        facts.status = Status::Ok;
        facts.put(Slot::Result, b"ACCEPT");
        Said::Message(Kind::Response)
    }

    fn call(&mut self, content: &[u8], size: u64, input: &Input<'_>, facts: &mut Facts) -> Said {
        let (flags, content) = content.split_at(content.len().min(2));
        let is_full = self.unit > 0 && size >= self.unit as u64;
        if std::mem::replace(&mut self.continues, is_full) {
            return Said::Nothing;
        }
        if content.starts_with(b"(DESCRIPTION") {
            // A long descriptor travels behind the packet that asks.
            self.serve(content);
            return Said::Nothing;
        }
        facts.put(Slot::Domain, self.service.as_bytes());
        if content.is_empty() {
            let is_end = flags.len() == 2 && u16::from_be_bytes([flags[0], flags[1]]) & END_OF_FILE != 0;
            facts.put(Slot::RequestType, b"END");
            return if is_end { Said::Message(Kind::Notice) } else { Said::Nothing };
        }
        let Some(name) = call::name(content) else { return Said::Nothing };
        facts.put(Slot::RequestType, name.as_bytes());
        if let Some(text) = call::statement(content) {
            sql::put(&text, facts, input.settings);
        }
        Said::Message(Kind::Request)
    }
}

/// The value behind a name of a connect descriptor.
fn value<'a>(descriptor: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let at = memmem::find(descriptor, name)? + name.len();
    let rest = &descriptor[at..];
    Some(&rest[..rest.iter().position(|byte| *byte == b')').unwrap_or(rest.len())])
}

fn refuse(content: &[u8], facts: &mut Facts) -> Said {
    let text = content.get(4..).unwrap_or_default();
    let code = value(text, b"ERR=").or(value(text, b"CODE="));
    facts.code = code.and_then(|code| std::str::from_utf8(code).ok()?.parse().ok()).unwrap_or(0);
    // The listener does not know the service or the instance, or what it was sent is no descriptor: the asker's error.
    facts.status = match facts.code {
        12_504 | 12_505 | 12_514 | 1_153 | 1_189 => Status::ClientError,
        _ => Status::ServerError,
    };
    facts.put(Slot::Exception, text);
    facts.put(Slot::Result, b"REFUSE");
    Said::Message(Kind::Response)
}

fn answer(content: &[u8], input: &Input<'_>, facts: &mut Facts) -> Said {
    facts.status = Status::Ok;
    if let Some((code, text)) = call::error(content) {
        facts.code = code;
        facts.status = call::blame(code);
        if input.settings.obfuscate {
            facts.put(Slot::Exception, &sql::without_literals(text));
        } else {
            facts.put(Slot::Exception, text);
        }
    }
    Said::Message(Kind::Response)
}
