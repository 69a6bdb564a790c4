//! LDAP 3 (RFC 4511): a row for each operation, whatever number of entries answer a search.

mod ber;
mod filter;
mod result;

use super::facts::{Facts, Slot};
use super::parser::{Body, Guess, Input, Kind, Opening, Parser, Resync, Step};
use super::table::TLS;
use ber::{Ber, Head};

const PORTS: [u16; 3] = [389, 3268, 3890];
const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 2;
/// Tags of operations.
const BIND: u8 = 0x60;
const BIND_RESPONSE: u8 = 0x61;
const UNBIND: u8 = 0x42;
const SEARCH: u8 = 0x63;
const ENTRY: u8 = 0x64;
const DONE: u8 = 0x65;
const MODIFY: u8 = 0x66;
const ADD: u8 = 0x68;
const DELETE: u8 = 0x4a;
const RENAME: u8 = 0x6c;
const COMPARE: u8 = 0x6e;
const ABANDON: u8 = 0x50;
const REFERENCE: u8 = 0x73;
const EXTENDED: u8 = 0x77;
const EXTENDED_RESPONSE: u8 = 0x78;
const INTERMEDIATE: u8 = 0x79;
const START_TLS: &[u8] = b"1.3.6.1.4.1.1466.20037";
/// Bytes of a message that are read; what is behind them (values, photographs) is only counted.
const MAX_READ: usize = 4 * 1024;
/// Bytes of a message whose shape is looked at before it is believed.
const MAX_SHAPE: usize = 400;
/// A message larger than this is none.
const MAX_MESSAGE: usize = 256 * 1024 * 1024;
/// Searches in progress whose entries are counted.
const MAX_SEARCHES: usize = 64;

/// Reads one LDAP connection.
#[derive(Debug, Default)]
pub struct Ldap {
    /// Searches of which an entry has come: message id, entries so far.
    searches: Vec<(u64, u64)>,
    /// Bytes of an entry still to come, and whose they are.
    left: usize,
    left_key: u64,
    /// The id of a request to go on with TLS.
    starts_tls: Option<u64>,
    encrypted: bool,
}

/// The parser for the table.
pub fn parser(_opening: &Opening<'_>) -> Box<dyn Parser> {
    Box::new(Ldap::default())
}

/// An envelope with an operation that this side sends; but on the usual ports it must be a bind, a search or an extended request of sound shape.
pub fn guess(opening: &Opening<'_>) -> Guess {
    let is_expected = PORTS.contains(&opening.server_port);
    let message = match Message::read(opening.bytes) {
        Ok(Some(message)) => message,
        Ok(None) if opening.bytes.first().is_some_and(|first| *first == SEQUENCE) => return Guess::Maybe,
        _ => return Guess::No,
    };
    if is_request(message.operation) != opening.from_client {
        return Guess::No;
    }
    if opening.bytes.len() < message.size.min(MAX_SHAPE) {
        return Guess::Maybe;
    }
    let mut content = Ber(message.content);
    let is_shaped = match message.operation {
        BIND => content.next() == Some((INTEGER, &[3])) && content.next().is_some_and(|(tag, _)| tag == 4),
        SEARCH => {
            content.next().is_some_and(|(tag, _)| tag == 4) && content.next().is_some_and(|(tag, scope)| tag == 10 && scope.len() == 1)
        }
        EXTENDED => content.next().is_some_and(|(tag, name)| tag == 0x80 && name.contains(&b'.')),
        _ => is_expected && message.operation != UNBIND,
    };
    if is_shaped { Guess::Yes } else { Guess::No }
}

fn is_request(operation: u8) -> bool {
    matches!(
        operation,
        BIND | UNBIND | SEARCH | MODIFY | ADD | DELETE | RENAME | COMPARE | ABANDON | EXTENDED
    )
}

fn is_response(operation: u8) -> bool {
    matches!(
        operation,
        BIND_RESPONSE | ENTRY | DONE | 0x67 | 0x69 | 0x6b | 0x6d | 0x6f | REFERENCE | EXTENDED_RESPONSE | INTERMEDIATE
    )
}

/// The front of a message.
struct Message<'a> {
    id: u64,
    operation: u8,
    /// What is there of the operation.
    content: &'a [u8],
    /// Bytes of the whole message.
    size: usize,
}

impl<'a> Message<'a> {
    /// `Ok(None)` where more bytes are needed, `Err` where no message begins.
    fn read(bytes: &'a [u8]) -> Result<Option<Message<'a>>, ()> {
        if bytes.first().is_some_and(|first| *first != SEQUENCE) {
            return Err(());
        }
        let Some(envelope) = Head::read(bytes)? else { return Ok(None) };
        let size = envelope.size + envelope.length;
        if !(5..=MAX_MESSAGE).contains(&envelope.length) {
            return Err(());
        }
        let inner = &bytes[envelope.size..bytes.len().min(size)];
        let [tag, length, ..] = *inner else { return Ok(None) };
        if tag != INTEGER || !(1..=5).contains(&length) {
            return Err(());
        }
        let Some(digits) = inner.get(2..2 + usize::from(length)) else {
            return Ok(None);
        };
        let id = digits.iter().fold(0, |id: u64, digit| id << 8 | u64::from(*digit));
        let rest = &inner[2 + usize::from(length)..];
        if rest.first().is_some_and(|tag| !is_request(*tag) && !is_response(*tag)) {
            return Err(());
        }
        let Some(operation) = Head::read(rest)? else { return Ok(None) };
        let is_fitting = envelope.size + 2 + usize::from(length) + operation.size + operation.length <= size;
        if !is_fitting || id > 0x7fff_ffff {
            return Err(());
        }
        let content = &rest[operation.size..];
        Ok(Some(Message {
            id,
            operation: operation.tag,
            content: &content[..content.len().min(operation.length)],
            size,
        }))
    }
}

impl Parser for Ldap {
    fn parse(&mut self, input: Input<'_>, facts: &mut Facts) -> Step {
        if self.encrypted {
            return Step::Switch {
                size: 0,
                protocol: TLS,
                key: 0,
            };
        }
        if self.left > 0 && !input.from_client {
            let size = self.left.min(input.bytes.len());
            self.left -= size;
            return part(size, self.left_key);
        }
        let message = match Message::read(input.bytes) {
            Ok(Some(message)) => message,
            Ok(None) => return Step::More,
            Err(()) => return Step::Lost { size: input.bytes.len() },
        };
        if is_request(message.operation) != input.from_client {
            return Step::Lost { size: input.bytes.len() };
        }
        if input.bytes.len() < message.size.min(MAX_READ) {
            return Step::More;
        }
        facts.key = message.id;
        facts.request_id = message.id;
        if input.from_client {
            self.request(&message, input, facts)
        } else {
            self.response(&message, input.bytes.len(), facts)
        }
    }

    fn resync(&mut self, from_client: bool, bytes: &[u8]) -> Resync {
        if !from_client {
            self.left = 0;
        }
        match Message::read(bytes) {
            Ok(Some(message)) if is_request(message.operation) == from_client => Resync::At(0),
            Ok(None) => Resync::Drop(0),
            // A message begins with a packet, or is not found.
            _ => Resync::Drop(bytes.len()),
        }
    }

    fn gap(&mut self, from_client: bool, missing: u64) -> bool {
        let fits = !from_client && missing <= self.left as u64;
        if fits {
            self.left -= missing as usize;
        }
        fits
    }

    fn heap_bytes(&self) -> usize {
        self.searches.capacity() * size_of::<(u64, u64)>()
    }
}

fn part(size: usize, key: u64) -> Step {
    Step::Part {
        size,
        content: size,
        key,
        end: false,
    }
}

impl Ldap {
    fn request(&mut self, message: &Message<'_>, input: Input<'_>, facts: &mut Facts) -> Step {
        let hide = input.settings.obfuscate;
        let mut content = Ber(message.content);
        let (name, is_answered): (&str, bool) = match message.operation {
            BIND => {
                if let Some(version) = content.number() {
                    facts.put(Slot::Version, itoa::Buffer::new().format(version).as_bytes());
                }
                put_name(content.next(), facts);
                let mechanism = match content.next() {
                    Some((0xa3, mechanism)) => Ber(mechanism).next().map_or(&b"sasl"[..], |(_, name)| name),
                    _ => b"simple",
                };
                facts.attribute("ldap.mechanism", mechanism);
                ("Bind", true)
            }
            SEARCH => {
                search(content, hide, facts);
                ("Search", true)
            }
            MODIFY => (named("Modify", content.next(), facts), true),
            ADD => (named("Add", content.next(), facts), true),
            DELETE => (named("Delete", Some((4, message.content)), facts), true),
            RENAME => (named("ModifyDN", content.next(), facts), true),
            COMPARE => (named("Compare", content.next(), facts), true),
            EXTENDED => {
                let name = content.next().map_or(&b""[..], |(_, name)| name);
                if name == START_TLS {
                    self.starts_tls = Some(message.id);
                }
                facts.put(Slot::Resource, result::extension(name).map_or(name, str::as_bytes));
                ("Extended", true)
            }
            ABANDON => ("Abandon", false),
            _ => ("Unbind", false),
        };
        facts.put(Slot::RequestType, name.as_bytes());
        facts.put_same(Slot::Endpoint, Slot::RequestType);
        let taken = message.size.min(input.bytes.len());
        facts.length = message.size as i64;
        Step::Message {
            size: taken,
            kind: if is_answered { Kind::Request } else { Kind::Notice },
            body: Body::Bytes((message.size - taken) as u64),
        }
    }

    fn response(&mut self, message: &Message<'_>, available: usize, facts: &mut Facts) -> Step {
        let taken = message.size.min(available);
        let at = self.searches.iter().position(|(id, _)| *id == message.id);
        if matches!(message.operation, ENTRY | REFERENCE | INTERMEDIATE) {
            self.left = message.size - taken;
            self.left_key = message.id;
            if let Some(at) = at {
                self.searches[at].1 += u64::from(message.operation == ENTRY);
                return part(taken, message.id);
            }
            if self.searches.len() >= MAX_SEARCHES {
                self.searches.remove(0);
            }
            self.searches.push((message.id, u64::from(message.operation == ENTRY)));
            // The length of a search's answer is that of its entries.
            facts.counted = taken as u64;
            return Step::Message {
                size: taken,
                kind: Kind::Response,
                body: Body::Parts,
            };
        }
        result::put(message.content, facts);
        if self.starts_tls == Some(message.id) && message.operation == EXTENDED_RESPONSE {
            self.encrypted = facts.code == 0;
            self.starts_tls = None;
        }
        if message.operation == DONE {
            let entries = at.map_or(0, |at| self.searches[at].1);
            facts.attribute("ldap.entries", itoa::Buffer::new().format(entries).as_bytes());
        }
        let Some(at) = at else {
            return Step::Message {
                size: taken,
                kind: Kind::Response,
                body: Body::Bytes((message.size - taken) as u64),
            };
        };
        self.searches.swap_remove(at);
        Step::Tail {
            size: taken,
            key: message.id,
        }
    }
}

fn put_name(name: Option<(u8, &[u8])>, facts: &mut Facts) {
    if let Some((_, name)) = name {
        facts.put(Slot::Resource, name);
    }
}

fn named(operation: &'static str, name: Option<(u8, &[u8])>, facts: &mut Facts) -> &'static str {
    put_name(name, facts);
    operation
}

/// Where it is looked, how deep, and for what.
fn search(mut content: Ber<'_>, hide: bool, facts: &mut Facts) {
    let base = content.next().map_or(&b""[..], |(_, base)| base);
    let scope = content.number().unwrap_or_default();
    // Aliases, limits of size and time, whether types only.
    for _ in 0..4 {
        content.next();
    }
    let mut text = base.to_vec();
    text.extend(match scope {
        0 => &b"?base?"[..],
        1 => b"?one?",
        _ => b"?sub?",
    });
    if let Some((tag, parts)) = content.next() {
        filter::write(tag, parts, hide, &mut text);
    }
    facts.put(Slot::Resource, &text);
}
