//! NATS: publications, deliveries, requests with their replies, JetStream's answers, headers.
//!
//! Source: <https://docs.nats.io/reference/reference-protocols/nats-protocol>. A message with a reply subject is a request, and what comes to that
//! subject its answer, from either end; any other message is a row of its own. An answer is owed by the server where the client is subscribed to that
//! subject, by the client where it has answered what came through the same subscription. The server answers `PING`, the greeting, and — where the client
//! wants it so (`verbose`) — everything.

mod content;
mod control;
mod subscription;

use super::Status;
use super::facts::{Facts, Slot};
use super::parser::{Input, Kind, Opening, Parser, Resync, Step};
use super::rest::Rest;
pub use control::guess;
use control::{Control, Line, Op};
use foldhash::fast::FixedState;
use std::collections::VecDeque;
use std::hash::BuildHasher;
use subscription::Subscriptions;

/// Bytes of headers that are looked at.
const MAX_HEADERS: u64 = 4 * 1024;
/// Bytes of an answer that are looked at.
const MAX_ANSWER: u64 = 1024;
/// Reply subjects that are remembered, each way; the oldest is forgotten first.
const MAX_ASKED: usize = 4096;
const MAX_EXPECTED: usize = 4096;
/// So many deliveries in a row that asked for a reply and got none: this client only listens.
const PATIENCE: u8 = 16;

/// Keys of the different kinds of exchange.
const FROM_CLIENT: u64 = 1 << 63;
const FROM_SERVER: u64 = 1 << 62;
const PINGED: u64 = 1 << 61;
const NOBODY: u64 = u64::MAX;

/// What the server owes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owed {
    /// `+OK`
    Ok,
    /// The same for a message that answered somebody.
    Silent,
    /// `PONG`
    Pong,
    /// The greeting is over when the next `PING` is answered.
    Greeting,
}

/// Reads one connection.
#[derive(Debug, Default)]
pub struct Nats {
    rest: [Rest; 2],
    version: Box<str>,
    server: Box<str>,
    verbose: bool,
    owed: VecDeque<(u64, Owed)>,
    next_key: u64,
    /// Hashes of reply subjects, by who asked (client first); with them those of the subscriptions that the client is asked through.
    asked: [VecDeque<(u64, u64)>; 2],
    subscriptions: Subscriptions,
    /// Deliveries that asked for a reply since the client last gave one.
    ignored: u8,
    /// `PING`s of the server, and how many the client answered.
    pinged: [u64; 2],
}

/// The parser for the table.
pub fn parser(_opening: &Opening<'_>) -> Box<dyn Parser> {
    Box::new(Nats::default())
}

impl Parser for Nats {
    fn parse(&mut self, input: Input<'_>, facts: &mut Facts) -> Step {
        let rest = &mut self.rest[usize::from(!input.from_client)];
        if rest.is_open() {
            return rest.go_on(input.bytes.len());
        }
        match input.bytes {
            // A handshake follows the greeting.
            [0x16, 0x03, ..] => return Step::Stop,
            [b'\r' | b'\n', ..] => return Step::Skip { size: 1 },
            _ => {}
        }
        let control = match control::read(input.bytes, input.from_client) {
            Line::Whole(control) => control,
            Line::More if input.bytes[0] == 0x16 || !input.full => return Step::More,
            Line::More => return Step::Lost { size: input.bytes.len() },
            Line::Bad if input.bytes == [0x16] => return Step::More,
            Line::Bad => return Step::Lost { size: 1 },
        };
        let key = self.answered(&control, input.from_client);
        let payload = control.payload.unwrap_or_default();
        let (headers, looked_at) = match (control.headers, key.is_some()) {
            (0, false) => (0, 0),
            (0, true) => (0, payload.min(MAX_ANSWER)),
            (headers, is_answer) => {
                let headers = headers.min(MAX_HEADERS);
                let behind = if is_answer {
                    (payload - control.headers).min(MAX_ANSWER)
                } else {
                    0
                };
                (headers, headers + behind * u64::from(headers == control.headers))
            }
        };
        let Some(content) = input.bytes.get(control.line..control.line + looked_at as usize) else {
            return Step::More;
        };
        let (headers, payload) = content.split_at(headers as usize);
        if !headers.is_empty() {
            content::headers(headers, key.is_some(), facts);
        }
        if key.is_some() && facts.code == 0 {
            match control.subject.starts_with(b"$JS.ACK.") {
                true => content::acknowledgement(payload, facts),
                false => content::answer(payload, facts),
            }
        }
        facts.length = control.size() as i64;
        let kind = if input.from_client {
            self.said_by_client(&control, key, facts)
        } else {
            self.said_by_server(&control, key, facts)
        };
        self.rest[usize::from(!input.from_client)].begin(control.size(), input.bytes.len(), kind)
    }

    fn resync(&mut self, from_client: bool, bytes: &[u8]) -> Resync {
        self.rest[usize::from(!from_client)] = Rest::default();
        if from_client {
            self.pinged[1] = self.pinged[0];
            self.subscriptions.lose_count();
        } else {
            self.owed.clear();
        }
        control::resync(bytes, from_client)
    }

    fn gap(&mut self, from_client: bool, missing: u64) -> bool {
        self.rest[usize::from(!from_client)].gap(missing)
    }

    fn cut(&mut self, from_client: bool, _facts: &mut Facts) -> Option<Kind> {
        self.rest[usize::from(!from_client)].cut()
    }

    fn heap_bytes(&self) -> usize {
        let asked: usize = self.asked.iter().map(|asked| asked.capacity() * size_of::<(u64, u64)>()).sum();
        asked + self.subscriptions.heap_bytes() + self.owed.capacity() * size_of::<(u64, Owed)>() + self.version.len() + self.server.len()
    }
}

fn hash(subject: &[u8]) -> u64 {
    FixedState::default().hash_one(subject)
}

impl Nats {
    /// The key of the request that this message answers by its subject.
    fn answered(&self, control: &Control<'_>, from_client: bool) -> Option<u64> {
        let asker = usize::from(from_client);
        control.payload.filter(|_| !self.asked[asker].is_empty())?;
        let hash = hash(control.subject);
        self.asked[asker].iter().any(|(asked, _)| *asked == hash).then_some(hash)
    }

    fn remember(&mut self, asker: usize, hash: u64, subscription: u64) {
        let asked = &mut self.asked[asker];
        if asked.len() >= MAX_ASKED {
            asked.pop_front();
        }
        asked.push_back((hash, subscription));
    }

    /// The subscription that it was asked through.
    fn forget(&mut self, asker: usize, hash: u64) -> Option<u64> {
        let at = self.asked[asker].iter().position(|(asked, _)| *asked == hash)?;
        self.asked[asker].remove(at).map(|(_, subscription)| subscription)
    }

    fn owe(&mut self, owed: Owed) -> u64 {
        self.next_key = (self.next_key + 1) % PINGED;
        if self.owed.len() >= MAX_EXPECTED {
            self.owed.pop_front();
        }
        self.owed.push_back((self.next_key, owed));
        self.next_key
    }

    /// Takes the first of these that is owed, and what is owed before it.
    fn paid(&mut self, kinds: &[Owed]) -> Option<(u64, Owed)> {
        let at = self.owed.iter().position(|(_, owed)| kinds.contains(owed))?;
        self.owed.drain(..=at).next_back()
    }

    /// What every row says.
    fn put(&self, control: &Control<'_>, facts: &mut Facts) {
        facts.put(Slot::Version, self.version.as_bytes());
        facts.put(Slot::Domain, self.server.as_bytes());
        facts.put(Slot::RequestType, control.name.as_bytes());
        if !control.subject.is_empty() {
            facts.put(Slot::Resource, control.subject);
            if facts.get(Slot::Resource).len() == control.subject.len() {
                facts.put_front(Slot::Endpoint, Slot::Resource, endpoint(control.subject));
            }
        }
        for (key, value) in [
            ("nats.reply_to", control.reply),
            ("nats.queue_group", if control.op == Op::Sub { control.extra } else { b"" }),
        ] {
            if !value.is_empty() {
                facts.attribute(key, value);
            }
        }
    }

    fn said_by_client(&mut self, control: &Control<'_>, key: Option<u64>, facts: &mut Facts) -> Option<Kind> {
        match control.op {
            Op::Ping if self.owed.back().is_some_and(|(_, owed)| *owed == Owed::Greeting) => return None,
            Op::Pong => {
                facts.key = NOBODY;
                if self.pinged[1] < self.pinged[0] {
                    self.pinged[1] += 1;
                    facts.key = PINGED | self.pinged[1];
                }
                facts.put(Slot::RequestType, b"PONG");
                facts.status = Status::Ok;
                return Some(Kind::Response);
            }
            _ => self.put(control, facts),
        }
        if let Some(hash) = key {
            if let Some(subscription) = self.forget(1, hash) {
                self.subscriptions.answered(subscription);
            }
            self.ignored = 0;
            if self.verbose {
                self.owe(Owed::Silent);
            }
            facts.key = FROM_SERVER | hash & !FROM_CLIENT;
            return Some(answer(facts));
        }
        self.subscriptions.see(control);
        let owed = match control.op {
            Op::Ping => Owed::Pong,
            Op::Connect => {
                self.verbose = content::is_true(control.text, b"\"verbose\":").unwrap_or(true);
                connect(control.text, facts);
                if self.verbose { Owed::Ok } else { Owed::Greeting }
            }
            _ if self.verbose => Owed::Ok,
            Op::Unsub => {
                facts.put(Slot::Resource, control.sid);
                return Some(Kind::Notice);
            }
            // Each message that this asks for comes with a subject of its own.
            _ if control.reply.is_empty() || control.subject.starts_with(b"$JS.API.CONSUMER.MSG.NEXT.") => return Some(Kind::Notice),
            // The answer goes to somebody else.
            _ if !self.subscriptions.gets(control.reply) => return Some(Kind::Notice),
            _ => {
                let hash = hash(control.reply);
                self.remember(0, hash, 0);
                facts.key = FROM_CLIENT | hash;
                return Some(Kind::Request);
            }
        };
        if control.op == Op::Unsub {
            facts.put(Slot::Resource, control.sid);
        }
        facts.key = self.owe(owed);
        Some(Kind::Request)
    }

    fn said_by_server(&mut self, control: &Control<'_>, key: Option<u64>, facts: &mut Facts) -> Option<Kind> {
        match control.op {
            Op::Ok => self.verbose = true,
            Op::Info => {
                self.greeted(control.text);
                let id = content::text(control.text, b"\"server_id\":").unwrap_or_default();
                facts.put(Slot::Resource, id);
            }
            _ => {}
        }
        let paid = match control.op {
            Op::Ok => self.paid(&[Owed::Ok, Owed::Silent]),
            Op::Pong => self.paid(&[Owed::Pong, Owed::Greeting]),
            Op::Err => {
                put_error(control.text, facts);
                let is_owed = self.owed.front().is_some_and(|(_, owed)| *owed != Owed::Pong);
                if is_owed { self.owed.pop_front() } else { None }
            }
            _ => {
                self.put(control, facts);
                return Some(self.delivered(control, key, facts));
            }
        };
        if paid.is_some_and(|(_, owed)| owed == Owed::Silent) {
            return None;
        }
        facts.key = paid.map_or(NOBODY, |(key, _)| key);
        if paid.is_none() {
            self.put(control, facts);
        }
        Some(answer(facts))
    }

    /// A message for the client, or a question of the server.
    fn delivered(&mut self, control: &Control<'_>, key: Option<u64>, facts: &mut Facts) -> Kind {
        if let Some(hash) = key {
            self.forget(0, hash);
            facts.key = FROM_CLIENT | hash;
            return answer(facts);
        }
        if control.op == Op::Ping {
            self.pinged[0] += 1;
            facts.key = PINGED | self.pinged[0];
            return Kind::Request;
        }
        if control.reply.is_empty() {
            return Kind::Notice;
        }
        let (hash, subscription) = (hash(control.reply), hash(control.sid));
        if self.ignored >= PATIENCE {
            // Remembered all the same: an answer would show that this one is no mere listener.
            self.remember(1, hash, subscription);
            return Kind::Notice;
        }
        self.remember(1, hash, subscription);
        self.ignored += 1;
        // Who listens beside a service gets its questions too; and consumers may acknowledge many messages with the last of them.
        facts.is_optional = control.reply.starts_with(b"$JS.ACK.") || !self.subscriptions.answers(subscription);
        facts.key = FROM_SERVER | hash & !FROM_CLIENT;
        Kind::Request
    }

    fn greeted(&mut self, text: &[u8]) {
        let said = |key: &[u8]| {
            let text = content::text(text, key).unwrap_or_default();
            String::from_utf8_lossy(&text[..text.len().min(128)]).into_owned().into_boxed_str()
        };
        self.version = said(b"\"version\":");
        self.server = said(b"\"server_name\":");
    }
}

fn answer(facts: &mut Facts) -> Kind {
    if facts.status == Status::Unknown {
        facts.status = Status::Ok;
    }
    Kind::Response
}

/// What a client says of itself, but for its secrets.
fn connect(text: &[u8], facts: &mut Facts) {
    facts.put(Slot::Resource, content::text(text, b"\"name\":").unwrap_or_default());
    if let Some(language) = content::text(text, b"\"lang\":") {
        facts.put(Slot::UserAgent, language);
        if let Some(version) = content::text(text, b"\"version\":") {
            facts.extend(Slot::UserAgent, b"/");
            facts.extend(Slot::UserAgent, version);
        }
    }
}

fn put_error(text: &[u8], facts: &mut Facts) {
    let text = text.strip_prefix(b"'").unwrap_or(text);
    let text = text.strip_suffix(b"'").unwrap_or(text);
    facts.put(Slot::Exception, text);
    facts.status = content::error_status(text);
}

/// How much of a subject groups: its first token; of JetStream's own subjects the operation.
fn endpoint(subject: &[u8]) -> usize {
    let is = |front: &[u8]| subject.starts_with(front);
    let words = match subject {
        [b'$', b'J', b'S', b'.', ..] if !is(b"$JS.API.") => 2,
        [b'$', b'J', b'S', b'.', ..] if is(b"$JS.API.CONSUMER.MSG.") || is(b"$JS.API.CONSUMER.DURABLE.") || is(b"$JS.API.STREAM.MSG.") => 5,
        [b'$', b'J', b'S', b'.', ..] if is(b"$JS.API.INFO") => 3,
        [b'$', b'J', b'S', b'.', ..] => 4,
        _ => 1,
    };
    let dots = memchr::memchr_iter(b'.', subject);
    dots.take(words).nth(words - 1).unwrap_or(subject.len())
}
