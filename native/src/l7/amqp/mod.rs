//! AMQP 0-9-1, as RabbitMQ speaks it; [`v1`] is 1.0.
//!
//! Source: the specification with RabbitMQ's extensions. Methods that ask are paired with what answers them on their channel; where a channel or the
//! connection is closed instead, that is the answer. A message is one row with its method, its header and its body.

mod confirm;
mod method;
mod opening;
mod table;
mod v1;

use super::Status;
use super::facts::{Facts, Slot};
use super::parser::{Body, Guess, Input, Kind, Opening, Parser, Resync, Step};
use super::rest::Rest;
use confirm::Confirms;
use method::Role;
use opening::{BODY, GREETING, HEADER, HEARTBEAT, METHOD, OVERHEAD};
use std::collections::VecDeque;
use table::Fields;

/// Bytes of a frame that are looked at.
const MAX_FRONT: usize = 4 * 1024;
/// Questions without an answer that are remembered; the oldest is forgotten first.
const MAX_ASKED: usize = 1024;
const MAX_HOST: usize = 128;
const NOBODY: u64 = u64::MAX;

/// A question that waits for its answer.
#[derive(Clone, Copy, Debug)]
struct Asked {
    key: u64,
    by_client: bool,
    channel: u16,
    class: u16,
    /// The method that answers, or the one in front of another that does.
    answer: u16,
}

/// A message that is being read.
#[derive(Clone, Copy, Debug)]
struct Content {
    channel: u16,
    kind: Kind,
    /// Bytes of the body still to come; nothing while the header is to come.
    left: Option<u64>,
}

/// One direction.
#[derive(Clone, Copy, Debug, Default)]
struct Side {
    rest: Rest,
    content: Option<Content>,
    /// The kind of the next frame was taken already.
    taken: Option<u8>,
}

/// Reads one connection.
#[derive(Debug, Default)]
pub struct Amqp {
    sides: [Side; 2],
    asked: VecDeque<Asked>,
    last_key: u64,
    confirms: Confirms,
    host: Box<str>,
}

/// Either version.
pub fn guess(opening: &Opening<'_>) -> Guess {
    match (opening::guess(opening), v1::opening::guess(opening)) {
        (Guess::No, guess) | (guess, Guess::No | Guess::Maybe) | (Guess::Maybe, guess) => guess,
        (guess, _) => guess,
    }
}

/// The parser for the table.
pub fn parser(opening: &Opening<'_>) -> Box<dyn Parser> {
    match v1::opening::guess(opening) {
        Guess::Yes | Guess::Reversed => Box::new(v1::Amqp1::default()),
        Guess::Maybe | Guess::No => Box::new(Amqp::default()),
    }
}

impl Parser for Amqp {
    fn parse(&mut self, input: Input<'_>, facts: &mut Facts) -> Step {
        let side = &mut self.sides[usize::from(!input.from_client)];
        if side.rest.is_open() {
            let step = side.rest.go_on(input.bytes.len());
            return self.gathered(step, input.from_client);
        }
        if input.bytes[0] == GREETING[0] && side.taken.is_none() {
            return match input.bytes.get(..8) {
                Some(greeting) if greeting.starts_with(b"AMQP") => Step::Skip { size: 8 },
                Some(_) => Step::Lost { size: 1 },
                None => Step::More,
            };
        }
        let (kind, rest) = match side.taken {
            Some(kind) => (kind, input.bytes),
            None => (input.bytes[0], &input.bytes[1..]),
        };
        let front = input.bytes.len() - rest.len();
        let Some(frame) = opening::frame(kind, rest) else {
            return if matches!(kind, METHOD | HEADER | BODY | HEARTBEAT) {
                Step::More
            } else {
                Step::Lost { size: 1 }
            };
        };
        if !frame.is_sound() {
            side.taken = None;
            return Step::Lost { size: 1 };
        }
        let belongs = side
            .content
            .is_some_and(|content| content.channel == frame.channel && (kind == BODY || kind == HEADER && content.left.is_none()));
        if let Some(content) = side.content.filter(|_| !belongs) {
            // Something else comes before the message is complete: it is told as far as it came, with the first byte of that.
            (side.content, side.taken) = (None, Some(kind));
            return Step::Message {
                size: 1,
                kind: content.kind,
                body: Body::Bytes(0),
            };
        }
        let payload = match kind {
            METHOD | HEADER => match rest.get(6..6 + frame.length.min(MAX_FRONT)) {
                Some(payload) => payload,
                None => return Step::More,
            },
            _ => &[],
        };
        let size = (front + OVERHEAD - 1 + frame.length) as u64;
        side.taken = None;
        let kind = match kind {
            METHOD => match self.method(frame.channel, payload, input.from_client, facts) {
                Ok(kind) => kind,
                Err(()) => return Step::Lost { size: 1 },
            },
            _ if !belongs => None,
            HEADER => self.header(payload, input.from_client, facts),
            _ => self.body(frame.length as u64, input.from_client),
        };
        if kind.is_some() {
            facts.length = facts.length.max(0) + size as i64;
        }
        let step = self.sides[usize::from(!input.from_client)]
            .rest
            .begin(size, input.bytes.len(), kind);
        self.gathered(step, input.from_client)
    }

    fn resync(&mut self, from_client: bool, bytes: &[u8]) -> Resync {
        self.sides[usize::from(!from_client)] = Side::default();
        if from_client {
            self.confirms.lose_count();
        }
        // What this side was asked it may have answered.
        self.asked.retain(|asked| asked.by_client == from_client);
        opening::resync(bytes)
    }

    fn gap(&mut self, from_client: bool, missing: u64) -> bool {
        self.sides[usize::from(!from_client)].rest.gap(missing)
    }

    fn cut(&mut self, from_client: bool, _facts: &mut Facts) -> Option<Kind> {
        let side = &mut self.sides[usize::from(!from_client)];
        let content = side.content.take().map(|content| content.kind);
        side.rest.cut().or(content)
    }

    fn heap_bytes(&self) -> usize {
        self.host.len() + self.asked.capacity() * size_of::<Asked>() + self.confirms.heap_bytes()
    }
}

impl Amqp {
    /// A frame of a message that is not complete yet ends no row.
    fn gathered(&self, step: Step, from_client: bool) -> Step {
        match step {
            Step::Message { size, .. } if self.sides[usize::from(!from_client)].content.is_some() => Step::Took { size },
            step => step,
        }
    }

    /// Reads a method; what of a row it makes.
    fn method(&mut self, channel: u16, payload: &[u8], from_client: bool, facts: &mut Facts) -> Result<Option<Kind>, ()> {
        let mut fields = Fields::new(payload);
        let (Some(class), Some(number)) = (fields.u16(), fields.u16()) else {
            return Err(());
        };
        let (name, role) = method::find(class, number).ok_or(())?;
        facts.put(Slot::RequestType, name.as_bytes());
        facts.request_id = u64::from(channel);
        let silent = method::arguments(class, number, &mut fields, facts).unwrap_or(false);
        if (class, number) == (method::CONNECTION, 40) {
            let host = facts.get(Slot::Domain);
            self.host = host[..host.floor_char_boundary(MAX_HOST)].into();
        }
        self.confirms.see(class, number, channel);
        facts.put(Slot::Version, b"0-9-1");
        facts.put(Slot::Domain, self.host.as_bytes());
        let kind = match role {
            Role::Asks(_) if silent => Kind::Notice,
            Role::Asks(answer) => {
                facts.key = self.ask(class, channel, answer, from_client);
                Kind::Request
            }
            Role::Answers => match self.answered(|asked| {
                asked.by_client != from_client
                    && (asked.channel, asked.class) == (channel, class)
                    && (asked.answer == number || asked.answer + 1 == number && class == method::BASIC)
            }) {
                Some(key) => {
                    facts.key = key;
                    facts.status = Status::Ok;
                    Kind::Response
                }
                // To a closing that was an answer itself.
                None if matches!(number, 41 | 51) && class <= method::CHANNEL => return Ok(None),
                None => {
                    facts.key = NOBODY;
                    facts.status = Status::Ok;
                    Kind::Response
                }
            },
            Role::Closes => self.closes(class, number, channel, from_client, facts),
            Role::Tells if number == 50 => {
                // Nobody wanted it: an error that answers nothing.
                facts.key = NOBODY;
                Kind::Response
            }
            Role::Tells if number == 40 && from_client => match self.confirms.publish(channel) {
                Some(key) => {
                    facts.key = key;
                    Kind::Request
                }
                None => Kind::Notice,
            },
            Role::Tells if matches!(number, 80 | 120) && !from_client && self.confirms.answer(channel, &mut fields, facts) => {
                facts.status = if number == 80 { Status::Ok } else { Status::ServerError };
                if number == 120 {
                    facts.put(Slot::Exception, b"not taken");
                }
                Kind::Response
            }
            Role::Tells if number == 120 && !from_client => {
                (facts.key, facts.status) = (NOBODY, Status::ServerError);
                facts.put(Slot::Exception, b"not taken");
                Kind::Response
            }
            Role::Tells => {
                facts.status = Status::Unknown;
                Kind::Notice
            }
        };
        if method::has_content(class, number) {
            self.sides[usize::from(!from_client)].content = Some(Content { channel, kind, left: None });
        }
        Ok(Some(kind))
    }

    fn ask(&mut self, class: u16, channel: u16, answer: u16, by_client: bool) -> u64 {
        self.last_key += 1;
        if self.asked.len() >= MAX_ASKED {
            self.asked.pop_front();
        }
        self.asked.push_back(Asked {
            key: self.last_key,
            by_client,
            channel,
            class,
            answer,
        });
        self.last_key
    }

    fn answered(&mut self, fits: impl Fn(&Asked) -> bool) -> Option<u64> {
        let at = self.asked.iter().position(fits)?;
        self.asked.remove(at).map(|asked| asked.key)
    }

    /// A closing in anger answers what waits on the channel, or stands alone; one in peace is a question.
    fn closes(&mut self, class: u16, number: u16, channel: u16, from_client: bool, facts: &mut Facts) -> Kind {
        let is_all = class == method::CONNECTION;
        if facts.status == Status::Ok {
            facts.status = Status::Unknown;
            facts.key = self.ask(class, channel, number + 1, from_client);
            return Kind::Request;
        }
        let key = self.answered(|asked| asked.by_client != from_client && (is_all || asked.channel == channel));
        facts.key = key.unwrap_or(NOBODY);
        if let (None, false, Some((first, last))) = (key, from_client, self.confirms.all(channel)) {
            (facts.first_key, facts.key, facts.is_last_word) = (Some(first), last, true);
        }
        Kind::Response
    }

    fn header(&mut self, payload: &[u8], from_client: bool, facts: &mut Facts) -> Option<Kind> {
        let side = &mut self.sides[usize::from(!from_client)];
        let content = side.content.as_mut()?;
        let left = table::properties(payload, facts).unwrap_or_default();
        let kind = content.kind;
        content.left = Some(left);
        if left == 0 {
            side.content = None;
        }
        Some(kind)
    }

    fn body(&mut self, length: u64, from_client: bool) -> Option<Kind> {
        let side = &mut self.sides[usize::from(!from_client)];
        let content = side.content.as_mut()?;
        let left = content.left.unwrap_or_default().saturating_sub(length);
        content.left = Some(left);
        let kind = content.kind;
        if left == 0 {
            side.content = None;
        }
        Some(kind)
    }
}
