//! OpenWire, as ActiveMQ and its clients speak it: versions 1 to 12, tight and loose.
//!
//! Source: activemq.apache.org, "OpenWire" and "Configuring Wire Formats", github apache/activemq. Both ends first say what they can; what both can is
//! how they go on. Where that was not seen, the first command that a form fits exactly tells it. Connections without sizes of frames are not read.

mod reader;
mod schema;

use super::Status;
use super::facts::{Facts, Slot};
use super::frame::{Bytes, Framed, Frames, Front, Said};
use super::parser::{Guess, Input, Kind, Opening, Parser};
use reader::{Cache, Format, Property, Reader, properties};
use schema::{End, Object};

const MAX_SIZE: u32 = 128 << 20;
/// A command that tells by itself alone that it is one.
const TELLING: std::ops::RangeInclusive<u32> = 10..=2048;
const MAX_DOMAIN: usize = 128;
const WIRE_FORMAT: u8 = 1;
const CONNECTION_ERROR: u8 = 16;
const KEEP_ALIVE: u8 = 10;
const PORT: u16 = 61616;
/// How the names of connections begin that clients make up, and with them those of all that belongs to them.
const NAME: &[u8] = b"ID:";
const MAGIC: &[u8; 9] = b"\x01ActiveMQ";
/// Not the answer to anything that was asked.
const NOBODY: u64 = u64::MAX;
const VERSIONS: [u8; 9] = [12, 11, 10, 9, 7, 6, 5, 3, 1];

/// Exceptions whose cause is what was asked for, and by whom.
const CLIENTS: [&str; 7] = [
    "SecurityException",
    "InvalidDestinationException",
    "DestinationDoesNotExistException",
    "InvalidClientIDException",
    "InvalidSelectorException",
    "CredentialException",
    "LoginException",
];

/// The size of a frame and the command in it.
fn look(bytes: &[u8]) -> Result<(u32, &'static Object), Guess> {
    let Some(size) = Bytes(bytes).u32() else {
        let plausible = bytes.first().is_none_or(|byte| *byte <= (MAX_SIZE >> 24) as u8);
        return Err(if plausible { Guess::Maybe } else { Guess::No });
    };
    if !(2..=MAX_SIZE).contains(&size) {
        return Err(Guess::No);
    }
    let kind = bytes.get(4).ok_or(Guess::Maybe)?;
    match schema::find(*kind) {
        Some(object) if object.is_command() => Ok((size, object)),
        _ => Err(Guess::No),
    }
}

/// Forms, each a bit: versions from the newest on, and of each whether it is tight, and whether objects are numbered.
type Forms = u64;
const ALL: Forms = (1 << (VERSIONS.len() * ENCODINGS.len())) - 1;
const ENCODINGS: [(bool, bool); 4] = [(true, true), (false, true), (false, false), (true, false)];

fn each(forms: Forms) -> impl Iterator<Item = (Forms, Format)> {
    let format = |at: usize| {
        let (tight, cached) = ENCODINGS[at % ENCODINGS.len()];
        Format {
            version: VERSIONS[at / ENCODINGS.len()],
            tight,
            cached,
            ..UNKNOWN
        }
    };
    (0..VERSIONS.len() * ENCODINGS.len())
        .filter(move |at| forms >> at & 1 == 1)
        .map(move |at| (1 << at, format(at)))
}

/// Whether a whole command fits a form to the last bit.
fn fits(bytes: &[u8], object: &Object, format: Format) -> bool {
    let (mut cache, mut facts) = (Cache::new(), Facts::default());
    let mut reader = Reader::new(bytes, format, &mut cache, &mut facts);
    reader.command(object).is_ok() && reader.is_exact()
}

/// Tries forms on what may be a command, and gives those that fit; with what was agreed on there is nothing to choose.
fn detect(bytes: &[u8], forms: Forms, agreed: Option<Format>) -> Result<Forms, Guess> {
    let (size, object) = look(bytes)?;
    if object.number == WIRE_FORMAT {
        let seen = &bytes[4..bytes.len().min(4 + MAGIC.len())];
        return match (MAGIC.starts_with(seen), seen.len() == MAGIC.len()) {
            (true, true) => Ok(forms),
            (true, false) => Err(Guess::Maybe),
            _ => Err(Guess::No),
        };
    }
    if !TELLING.contains(&size) {
        return Err(Guess::No);
    }
    let whole = bytes.get(5..size as usize + 4).ok_or(Guess::Maybe)?;
    let fitting = match agreed {
        Some(format) if fits(whole, object, format) => forms,
        Some(_) => 0,
        None => each(forms)
            .filter(|(_, format)| fits(whole, object, *format))
            .fold(0, |all, (form, _)| all | form),
    };
    if fitting == 0 { Err(Guess::No) } else { Ok(fitting) }
}

const UNKNOWN: Format = Format {
    version: 1,
    tight: false,
    cached: false,
    unsized_frames: false,
};

pub fn guess(opening: &Opening<'_>) -> Guess {
    if let Err(guess) = detect(opening.bytes, ALL, None) {
        return guess;
    }
    let Ok((size, object)) = look(opening.bytes) else {
        return Guess::No;
    };
    // Other protocols have sizes and kinds in front too, and some form fits many a short one.
    let is_expected = [opening.client_port, opening.server_port].contains(&PORT) || object.number == WIRE_FORMAT;
    if !is_expected && memchr::memmem::find(&opening.bytes[..opening.bytes.len().min(size as usize + 4)], NAME).is_none() {
        return Guess::No;
    }
    match (object.end, opening.from_client) {
        (End::Client, false) | (End::Broker, true) => Guess::Reversed,
        _ => Guess::Yes,
    }
}

/// The parser for the table.
pub fn parser(_: &Opening<'_>) -> Box<dyn Parser> {
    Box::new(Frames::new(OpenWire {
        forms: ALL,
        ..OpenWire::default()
    }))
}

/// Reads one connection.
#[derive(Debug, Default)]
struct OpenWire {
    /// What each end can.
    infos: [Option<Format>; 2],
    format: Option<Format>,
    /// Where not both said it: what fitted all that was seen.
    forms: Forms,
    caches: [Cache; 2],
    broker: Box<str>,
}

impl Framed for OpenWire {
    fn front(&self, bytes: &[u8], _: bool) -> Front {
        match look(bytes) {
            Ok((size, _)) => Front::whole(u64::from(size) + 4),
            Err(Guess::Maybe) => Front::Short,
            Err(_) => Front::Wrong,
        }
    }

    fn read(&mut self, message: &[u8], size: u64, input: Input<'_>, facts: &mut Facts) -> Said {
        let Ok((_, object)) = look(message) else { return Said::Wrong };
        facts.length = size as i64 - 4;
        if object.number == WIRE_FORMAT {
            return self.wire_format(message, input.from_client, facts);
        }
        if !self.is_agreed() && TELLING.contains(&((size - 4) as u32)) {
            self.choose(message);
        }
        if self.format.is_none() {
            // Its numbers could be anything.
            facts.put(Slot::RequestType, object.name.as_bytes());
            return if object.is_response() {
                Said::Nothing
            } else {
                Said::Message(Kind::Notice)
            };
        }
        let format = self.format.unwrap_or(UNKNOWN);
        let cache = &mut self.caches[usize::from(!input.from_client)];
        let mut reader = Reader::new(&message[5..], format, cache, facts);
        if reader.command(object) == Err(Guess::No) {
            return Said::Wrong;
        }
        let numbers = reader.numbers;
        self.tell(object, facts);
        let by = |client: bool| u64::from(client) << 63;
        if object.is_response() {
            facts.key = u64::from(numbers.correlation) | by(!input.from_client);
            facts.request_id = u64::from(numbers.correlation);
            outcome(facts);
            return Said::Message(Kind::Response);
        }
        if object.number == CONNECTION_ERROR {
            facts.key = NOBODY;
            outcome(facts);
            return Said::Message(Kind::Response);
        }
        facts.request_id = u64::from(numbers.command);
        facts.key = facts.request_id | by(input.from_client);
        // One that keeps alive is answered by another one.
        let is_asked = numbers.is_required && object.number != KEEP_ALIVE;
        Said::Message(if is_asked { Kind::Request } else { Kind::Notice })
    }

    fn starts(&self, bytes: &[u8], _: bool) -> Guess {
        let agreed = self.format.filter(|_| self.is_agreed());
        detect(bytes, self.possible(), agreed).map_or_else(|guess| guess, |_| Guess::Yes)
    }

    fn lost(&mut self, from_client: bool) {
        // What was numbered in between is not known.
        self.caches[usize::from(!from_client)].clear();
    }

    fn is_over(&self) -> bool {
        self.format.is_some_and(|format| format.unsized_frames)
    }

    fn heap_bytes(&self) -> usize {
        let names: usize = self
            .caches
            .iter()
            .flat_map(|cache| cache.values())
            .map(|(_, name)| name.len())
            .sum();
        let entries: usize = self.caches.iter().map(Cache::capacity).sum();
        self.broker.len() + names + entries * size_of::<(u16, (u8, Box<[u8]>))>()
    }
}

impl OpenWire {
    fn is_agreed(&self) -> bool {
        self.infos.iter().all(Option::is_some)
    }

    /// The forms that what one end said leaves.
    fn possible(&self) -> Forms {
        self.infos.iter().flatten().fold(ALL, |forms, info| {
            let can = |format: &Format| format.version <= info.version && (info.tight || !format.tight) && (info.cached || !format.cached);
            each(forms).filter(|(_, format)| can(format)).fold(0, |all, (form, _)| all | form)
        })
    }

    /// Nobody said how this is written: it is the first form that has fitted everything so far.
    #[cold]
    fn choose(&mut self, message: &[u8]) {
        let possible = self.possible();
        if let Ok(forms) = detect(message, self.forms & possible, None).or_else(|_| detect(message, possible, None)) {
            self.forms = forms;
            self.format = each(forms).next().map(|(_, format)| format);
        }
    }

    /// The version, where there is no doubt about it.
    fn version(&self) -> Option<u8> {
        let version = self.format?.version;
        let is_sure = self.is_agreed() || each(self.forms).all(|(_, format)| format.version == version);
        is_sure.then_some(version)
    }

    fn wire_format(&mut self, message: &[u8], from_client: bool, facts: &mut Facts) -> Said {
        let mut rest = Bytes(&message[4..]);
        let mut info = UNKNOWN;
        let version = rest.take(MAGIC.len()).filter(|magic| magic == MAGIC).and_then(|_| rest.u32());
        let Some(version) = version else { return Said::Wrong };
        info.version = version.clamp(1, 12) as u8;
        if rest.u8() == Some(1)
            && let Some(map) = rest.text32()
        {
            properties(map, &mut |key, value| match (key, value) {
                (b"TightEncodingEnabled", Property::Truth(truth)) => info.tight = truth,
                (b"CacheEnabled", Property::Truth(truth)) => info.cached = truth,
                (b"SizePrefixDisabled", Property::Truth(truth)) => info.unsized_frames = truth,
                (b"ProviderName", Property::Text(name)) => facts.put(Slot::UserAgent, name),
                _ => {}
            });
        }
        self.infos[usize::from(!from_client)] = Some(info);
        if let [Some(one), Some(other)] = self.infos {
            self.format = Some(Format {
                version: one.version.min(other.version),
                tight: one.tight && other.tight,
                cached: one.cached && other.cached,
                unsized_frames: one.unsized_frames && other.unsized_frames,
            });
        }
        if self.is_over() {
            return Said::Nothing;
        }
        facts.put(Slot::RequestType, b"WireFormatInfo");
        facts.put(Slot::Version, itoa::Buffer::new().format(version).as_bytes());
        Said::Message(Kind::Notice)
    }

    fn tell(&mut self, object: &Object, facts: &mut Facts) {
        if object.is_response() || object.number == CONNECTION_ERROR {
            return;
        }
        facts.put(Slot::RequestType, object.name.as_bytes());
        if let Some(version) = self.version() {
            facts.put(Slot::Version, itoa::Buffer::new().format(version).as_bytes());
        }
        let broker = facts.get(Slot::Domain);
        if !broker.is_empty() {
            self.broker = broker[..broker.floor_char_boundary(MAX_DOMAIN)].into();
        }
        facts.put_first(Slot::Domain, self.broker.as_bytes());
    }
}

/// An exception makes an error of an answer.
fn outcome(facts: &mut Facts) {
    if facts.get(Slot::Exception).is_empty() {
        facts.status = Status::Ok;
        return;
    }
    let class = facts
        .attributes()
        .find(|(key, _)| *key == "exception.type")
        .map_or("", |(_, class)| class);
    let is_clients = CLIENTS.iter().any(|name| class.ends_with(name));
    facts.status = if is_clients { Status::ClientError } else { Status::ServerError };
}
