//! Kafka: every request by its name; topics, partitions, offsets and groups of those that have them; flexible versions.
//!
//! Source: <https://kafka.apache.org/protocol.html> and the message definitions of the Kafka project. Brokers answer in order, but rows are paired by the
//! correlation id, which survives losses. Only the front of a message is looked at: the first topic and partition are told, and the first error there.

mod api;
mod record;
mod request;
mod response;
mod wire;

use super::facts::{Facts, Slot};
use super::parser::{Guess, Input, Kind, Opening, Parser, Resync, Step};
use super::rest::Rest;
use std::borrow::Cow;
use std::collections::VecDeque;
use wire::Wire;

const PORT: u16 = 9092;
/// Bytes of a message that are looked at.
const MAX_FRONT: usize = 4 * 1024;
/// Brokers take requests up to 100 MiB unless told otherwise; responses can be larger.
const MAX_REQUEST: usize = 1 << 27;
const MAX_RESPONSE: usize = 1 << 30;
/// Requests without their responses that are remembered; the oldest is forgotten first.
const MAX_ASKED: usize = 1024;
/// Topics by their identifiers; the oldest is forgotten first.
const MAX_TOPICS: usize = 128;
const MAX_CLIENT: usize = 255;

/// What a response answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Asked {
    correlation: u32,
    api: i16,
    version: i16,
}

/// The front of a request.
struct Header<'a> {
    /// Bytes of the whole request.
    size: usize,
    asked: Asked,
    client: &'a [u8],
    /// Where the body begins.
    body: usize,
}

/// Reads one connection.
#[derive(Debug, Default)]
pub struct Kafka {
    rest: [Rest; 2],
    asked: VecDeque<Asked>,
    topics: VecDeque<([u8; 16], Box<[u8]>)>,
    /// Words of a login go without headers.
    sasl: bool,
}

/// The parser for the table.
pub fn parser(_opening: &Opening<'_>) -> Box<dyn Parser> {
    Box::new(Kafka::default())
}

/// A message's size with that of the number itself.
fn size(bytes: &[u8]) -> Option<usize> {
    bytes.first_chunk().map(|size| 4 + u32::from_be_bytes(*size) as usize)
}

impl<'a> Header<'a> {
    /// Reads the front of a request: `Err(true)` where there is too little of it, `Err(false)` where it is none.
    fn read(bytes: &'a [u8]) -> Result<Header<'a>, bool> {
        let size = size(bytes).ok_or(bytes.first().is_none_or(|first| *first < 8))?;
        let fits = (14..=MAX_REQUEST).contains(&size);
        let [_, _, _, _, a, b, c, d, rest @ ..] = bytes else {
            return Err(fits && bytes.get(4).is_none_or(|first| *first == 0));
        };
        let (api, version) = (i16::from_be_bytes([*a, *b]), i16::from_be_bytes([*c, *d]));
        if !fits || api::name(api).is_none() || !(0..=api::MAX_VERSION).contains(&version) {
            return Err(false);
        }
        let [e, f, g, h, i, j, rest @ ..] = rest else { return Err(true) };
        let client = usize::from(u16::from_be_bytes([*i, *j]));
        let length = if client == usize::from(u16::MAX) { 0 } else { client };
        if length > MAX_CLIENT || 14 + length > size {
            return Err(false);
        }
        let seen = &rest[..rest.len().min(length)];
        if !seen.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ') {
            return Err(false);
        }
        if seen.len() < length {
            return Err(true);
        }
        let correlation = u32::from_be_bytes([*e, *f, *g, *h]);
        Ok(Header {
            size,
            asked: Asked { correlation, api, version },
            client: seen,
            body: 14 + length,
        })
    }
}

impl Parser for Kafka {
    #[inline]
    fn parse(&mut self, input: Input<'_>, facts: &mut Facts) -> Step {
        let rest = &mut self.rest[usize::from(!input.from_client)];
        if rest.is_open() {
            return rest.go_on(input.bytes.len());
        }
        let Some(size) = size(input.bytes) else { return Step::More };
        let limit = if input.from_client { MAX_REQUEST } else { MAX_RESPONSE };
        if size > limit || size < 8 && !self.sasl {
            return Step::Lost { size: 1 };
        }
        let Some(front) = input.bytes.get(..size.min(MAX_FRONT)) else {
            return Step::More;
        };
        facts.length = size as i64 - 4;
        let kind = if input.from_client {
            self.asks(front, facts)
        } else {
            self.answers(front, facts)
        };
        match kind {
            Err(()) => Step::Lost { size: 1 },
            Ok(kind) => self.rest[usize::from(!input.from_client)].begin(size as u64, input.bytes.len(), kind),
        }
    }

    fn resync(&mut self, from_client: bool, bytes: &[u8]) -> Resync {
        self.rest[usize::from(!from_client)] = Rest::default();
        for at in 0..bytes.len() {
            let found = if from_client {
                is_request(&bytes[at..])
            } else {
                self.is_response(&bytes[at..])
            };
            match found {
                Guess::No => {}
                Guess::Maybe => return Resync::Drop(at),
                _ => return Resync::At(at),
            }
        }
        Resync::Drop(bytes.len())
    }

    fn gap(&mut self, from_client: bool, missing: u64) -> bool {
        self.rest[usize::from(!from_client)].gap(missing)
    }

    fn cut(&mut self, from_client: bool, _facts: &mut Facts) -> Option<Kind> {
        self.rest[usize::from(!from_client)].cut()
    }

    fn heap_bytes(&self) -> usize {
        let topics: usize = self.topics.iter().map(|(_, name)| name.len()).sum();
        topics + self.topics.capacity() * size_of::<([u8; 16], Box<[u8]>)>() + self.asked.capacity() * size_of::<Asked>()
    }
}

impl Kafka {
    fn asks(&mut self, front: &[u8], facts: &mut Facts) -> Result<Option<Kind>, ()> {
        let header = match Header::read(front) {
            Ok(header) => header,
            Err(_) if self.sasl => return Ok(None),
            Err(_) => return Err(()),
        };
        let Asked { correlation, api, version } = header.asked;
        self.sasl = false;
        let mut wire = Wire::new(&front[header.body..], api::is_flexible(api, version));
        if wire.tags().is_none() {
            return Err(());
        }
        facts.put(Slot::RequestType, api::name(api).unwrap_or_default().as_bytes());
        facts.put(Slot::Version, itoa::Buffer::new().format(version).as_bytes());
        let answered = self.request(api, version, &mut wire, facts);
        if !header.client.is_empty() {
            facts.attribute("messaging.client.id", header.client);
        }
        facts.request_id = u64::from(correlation);
        facts.key = u64::from(correlation);
        if !answered {
            return Ok(Some(Kind::Notice));
        }
        if self.asked.len() >= MAX_ASKED {
            self.asked.pop_front();
        }
        self.asked.push_back(header.asked);
        Ok(Some(Kind::Request))
    }

    fn answers(&mut self, front: &[u8], facts: &mut Facts) -> Result<Option<Kind>, ()> {
        let Some(correlation) = front.get(4..8) else { return Ok(None) };
        let correlation = u32::from_be_bytes([correlation[0], correlation[1], correlation[2], correlation[3]]);
        let at = self.asked.iter().position(|asked| asked.correlation == correlation);
        let asked = at.and_then(|at| self.asked.remove(at));
        if asked.is_none() && self.sasl {
            return Ok(None);
        }
        facts.key = u64::from(correlation);
        facts.request_id = facts.key;
        if let Some(asked) = asked {
            let mut wire = Wire::new(&front[8..], api::is_flexible(asked.api, asked.version));
            // Clients that do not know yet which versions there are must be able to read this one.
            if asked.api == api::API_VERSIONS || wire.tags().is_some() {
                self.response(asked, &mut wire, facts);
            }
            self.sasl = asked.api == api::SASL_HANDSHAKE && asked.version == 0;
        }
        Ok(Some(Kind::Response))
    }

    /// Whether an awaited response begins here.
    fn is_response(&self, bytes: &[u8]) -> Guess {
        let Some(correlation) = bytes.get(4..8) else { return Guess::Maybe };
        let awaited = self.asked.iter().any(|asked| asked.correlation.to_be_bytes() == correlation);
        match size(bytes) {
            Some(8..MAX_RESPONSE) if awaited => Guess::Yes,
            _ => Guess::No,
        }
    }

    fn learn(&mut self, id: &[u8], name: &[u8]) {
        let Ok(id) = <[u8; 16]>::try_from(id) else { return };
        if id == [0; 16] || name.is_empty() || self.topics.iter().any(|(known, _)| *known == id) {
            return;
        }
        if self.topics.len() >= MAX_TOPICS {
            self.topics.pop_front();
        }
        self.topics.push_back((id, name[..name.len().min(MAX_CLIENT)].into()));
    }

    /// A topic's name where metadata told it, else its identifier as Kafka writes it.
    fn name_of(&self, id: &[u8]) -> Cow<'_, [u8]> {
        if let Some((_, name)) = self.topics.iter().find(|(known, _)| known == id) {
            return Cow::Borrowed(name);
        }
        const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let mut text = Vec::with_capacity(24);
        for chunk in id.chunks(3) {
            let bits = chunk.iter().fold(0, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
            text.extend((0..=chunk.len()).map(|at| DIGITS[(bits >> (18 - 6 * at) & 63) as usize]));
        }
        Cow::Owned(text)
    }
}

/// Whether a request with a client's name begins here.
fn is_request(bytes: &[u8]) -> Guess {
    match Header::read(bytes) {
        Ok(header) if !header.client.is_empty() => Guess::Yes,
        Err(true) => Guess::Maybe,
        _ => Guess::No,
    }
}

/// Clients count from 0 or 1; words of a login are counted from the other end.
fn is_usual(correlation: u32) -> bool {
    matches!(correlation, 0..0x0100_0000 | 0x7fff_fff0..=0x7fff_ffff)
}

/// Requests with a client's name say it all; those without are believed on the usual port only.
pub fn guess(opening: &Opening<'_>) -> Guess {
    let (yes, port) = match opening.from_client {
        true => (Guess::Yes, opening.server_port),
        false => (Guess::Reversed, opening.client_port),
    };
    match Header::read(opening.bytes) {
        Ok(header) if !header.client.is_empty() && (port == PORT || is_usual(header.asked.correlation)) => yes,
        Ok(header) if port == PORT && header.size == opening.bytes.len() => yes,
        Ok(_) => Guess::No,
        Err(true) => Guess::Maybe,
        Err(false) => Guess::No,
    }
}
