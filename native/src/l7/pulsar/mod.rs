//! Apache Pulsar's binary protocol: a size, a command in protobuf, and with some a message.
//!
//! Source: pulsar.apache.org, "Pulsar binary protocol specification", and github apache/pulsar, `PulsarApi.proto`. A command's field in the envelope
//! has the command's own number, so that a dozen bytes tell one.

mod command;
mod message;

use super::Status;
use super::facts::{Facts, Slot};
use super::frame::{Bytes, Framed, Frames, Front, Said};
use super::parser::{Guess, Input, Kind, Opening, Parser};
use super::protobuf::{Fields, Value, varint};
use command::{Command, End, Role};

const MAX_SIZE: u32 = 128 << 20;
/// Bytes of what has a message that are read.
const MAX_TOLD: u64 = 2 * 1024;
/// Producers and consumers whose topics are remembered; the oldest is forgotten first.
const MAX_HANDLES: usize = 64;
const MAX_TOPIC: usize = 256;
/// Sizes, the command's number, and the front of its field.
const MAX_HEAD: usize = 17;
/// Keys of what has no number of a request.
const SENDING: u64 = 1 << 63;
const GREETING: u64 = 1 << 62;

/// The front of a frame.
struct Head {
    /// Bytes of the frame behind its size.
    size: u32,
    command: &'static Command,
    /// Where the command's fields begin, and how many bytes they are.
    start: usize,
    length: usize,
}

/// Reads the front of a frame, or tells whether more bytes may make one.
fn look(bytes: &[u8]) -> Result<Head, Guess> {
    let mut rest = Bytes(bytes);
    let short = if bytes.first().is_none_or(|byte| *byte < 8) && bytes.len() < MAX_HEAD {
        Guess::Maybe
    } else {
        Guess::No
    };
    let size = rest.u32().ok_or(short)?;
    let inner = rest.u32().ok_or(short)?;
    if !(9..=MAX_SIZE).contains(&size) || inner > size - 4 || inner < 4 {
        return Err(Guess::No);
    }
    if rest.u8().ok_or(short)? != 0x08 {
        return Err(Guess::No);
    }
    let number = rest.u8().ok_or(short)?;
    let command = command::find(number).ok_or(Guess::No)?;
    let before = rest.0.len();
    let tag = varint(&mut rest.0).ok_or(short)?;
    if tag != u64::from(number) << 3 | 2 {
        return Err(Guess::No);
    }
    let length = varint(&mut rest.0).ok_or(short)?;
    let front = 2 + before - rest.0.len();
    let has_message = matches!(number, command::SEND | command::MESSAGE);
    if front as u64 + length != u64::from(inner) || has_message != (inner + 4 < size) {
        return Err(Guess::No);
    }
    Ok(Head {
        size,
        command,
        start: bytes.len() - rest.0.len(),
        length: length as usize,
    })
}

pub fn guess(opening: &Opening<'_>) -> Guess {
    match look(opening.bytes) {
        Err(guess) => guess,
        Ok(head) => match (head.command.end, opening.from_client) {
            (End::Client, false) | (End::Broker, true) => Guess::Reversed,
            _ => Guess::Yes,
        },
    }
}

/// The parser for the table.
pub fn parser(_: &Opening<'_>) -> Box<dyn Parser> {
    Box::new(Frames::new(Pulsar::default()))
}

/// A producer's or a consumer's topic.
#[derive(Debug)]
struct Handle {
    number: u64,
    is_producer: bool,
    topic: Box<str>,
}

/// Reads one connection.
#[derive(Debug, Default)]
struct Pulsar {
    handles: Vec<Handle>,
    /// The broker behind a proxy.
    broker: Box<str>,
    /// `protocol_version` of the client.
    version: u64,
}

impl Framed for Pulsar {
    fn front(&self, bytes: &[u8], _: bool) -> Front {
        match look(bytes) {
            Ok(head) => {
                let size = u64::from(head.size) + 4;
                let has_message = matches!(head.command.number, command::SEND | command::MESSAGE);
                Front::Frame {
                    size,
                    told: if has_message { size.min(MAX_TOLD) } else { size },
                }
            }
            Err(Guess::Maybe) => Front::Short,
            Err(_) => Front::Wrong,
        }
    }

    fn read(&mut self, message: &[u8], size: u64, input: Input<'_>, facts: &mut Facts) -> Said {
        let Ok(head) = look(message) else { return Said::Wrong };
        let end = message.len().min(head.start + head.length);
        let fields = Fields::of(&message[head.start..end]);
        facts.length = size as i64 - 4;
        let kind = match head.command.role {
            Role::Answers(id, code, text) => {
                if head.command.number == command::PRODUCER_SUCCESS && number(&fields, 6) == Some(0) {
                    // It is to wait for its turn.
                    return Said::Nothing;
                }
                answer(&fields, head.command.number, code, text, facts);
                facts.request_id = number(&fields, id).unwrap_or(0);
                facts.key = facts.request_id;
                if facts.request_id == u64::MAX {
                    // A client that is not let in.
                    (facts.request_id, facts.key) = (0, greeting(command::CONNECT, true));
                }
                Kind::Response
            }
            Role::Sent => {
                sent(&fields, head.command.number, facts);
                Kind::Response
            }
            Role::Greeted => {
                facts.status = Status::Ok;
                if head.command.number == command::CONNECTED {
                    facts.put(Slot::Result, text(&fields, 1));
                }
                facts.key = greeting(head.command.number, !input.from_client);
                Kind::Response
            }
            Role::Asks(_) | Role::Sends | Role::Greets | Role::Tells => self.request(&head, &fields, input.from_client, facts),
        };
        if matches!(head.command.number, command::SEND | command::MESSAGE) {
            message::read(&message[end..], facts);
        }
        Said::Message(kind)
    }

    fn starts(&self, bytes: &[u8], _: bool) -> Guess {
        match look(bytes) {
            Ok(_) => Guess::Yes,
            Err(guess) => guess,
        }
    }

    fn heap_bytes(&self) -> usize {
        let topics: usize = self.handles.iter().map(|handle| handle.topic.len()).sum();
        self.broker.len() + topics + self.handles.capacity() * size_of::<Handle>()
    }
}

fn number(fields: &Fields<'_>, wanted: u32) -> Option<u64> {
    fields.clone().find_map(|(field, value)| match value {
        Value::Number(number) if field == wanted => Some(number),
        _ => None,
    })
}

fn text<'a>(fields: &Fields<'a>, wanted: u32) -> &'a [u8] {
    fields
        .clone()
        .find(|(field, _)| *field == wanted)
        .map_or(&[], |(_, value)| value.bytes())
}

/// Of a greeting there is one at a time, of each end.
fn greeting(command: u8, by_client: bool) -> u64 {
    command::greeting(command) | u64::from(by_client) << 61 | GREETING
}

/// A message is known by its producer and its sequence number.
fn sending(fields: &Fields<'_>) -> (u64, u64) {
    let (producer, sequence) = (number(fields, 1).unwrap_or(0), number(fields, 2).unwrap_or(0));
    (SENDING | producer.wrapping_shl(44) ^ sequence & !SENDING, sequence)
}

impl Pulsar {
    fn request(&mut self, head: &Head, fields: &Fields<'_>, from_client: bool, facts: &mut Facts) -> Kind {
        let command = head.command;
        facts.put(Slot::RequestType, command.name.as_bytes());
        if command.number == command::CONNECT {
            self.connect(fields, facts);
        }
        if self.version > 0 {
            facts.put(Slot::Version, itoa::Buffer::new().format(self.version).as_bytes());
        }
        facts.put(Slot::Domain, self.broker.as_bytes());
        self.topic(command, fields, facts);
        match command.role {
            Role::Asks(id) => {
                let number = number(fields, id);
                facts.request_id = number.filter(|_| from_client).unwrap_or(0);
                facts.key = facts.request_id;
                // Only what has a number is answered, and nothing that the broker orders.
                if from_client && number.is_some() {
                    Kind::Request
                } else {
                    Kind::Notice
                }
            }
            Role::Sends => {
                (facts.key, facts.request_id) = sending(fields);
                if let Some(messages) = number(fields, 3).filter(|messages| *messages > 1) {
                    facts.attribute("pulsar.messages", itoa::Buffer::new().format(messages).as_bytes());
                }
                Kind::Request
            }
            Role::Greets => {
                facts.key = greeting(command.number, from_client);
                Kind::Request
            }
            _ => Kind::Notice,
        }
    }

    fn connect(&mut self, fields: &Fields<'_>, facts: &mut Facts) {
        facts.put(Slot::UserAgent, text(fields, 1));
        self.version = number(fields, 4).unwrap_or(0);
        let broker = text(fields, 6);
        self.broker = String::from_utf8_lossy(&broker[..broker.len().min(MAX_TOPIC)]).into();
        let method = text(fields, 5);
        if !method.is_empty() && method != b"none" {
            facts.attribute("pulsar.auth_method", method);
        }
    }

    /// The topic that is named, or that of the producer or consumer.
    fn topic(&mut self, command: &Command, fields: &Fields<'_>, facts: &mut Facts) {
        let is_producer = matches!(
            command.number,
            command::PRODUCER | command::SEND | command::SEND_RECEIPT | command::CLOSE_PRODUCER
        );
        let handle = if command.handle == 0 {
            None
        } else {
            number(fields, command.handle)
        };
        if command.topic > 0 {
            let topic = text(fields, command.topic);
            place(topic, facts);
            if command.number == command::SUBSCRIBE {
                facts.attribute("pulsar.subscription", text(fields, 2));
            }
            if let Some(number) = handle {
                self.remember(number, is_producer, topic);
            }
        } else if let Some(at) = handle.and_then(|number| self.position(number, is_producer)) {
            place(self.handles[at].topic.as_bytes(), facts);
            if matches!(command.number, command::CLOSE_PRODUCER | command::CLOSE_CONSUMER) {
                self.handles.remove(at);
            }
        }
    }

    fn position(&self, number: u64, is_producer: bool) -> Option<usize> {
        self.handles
            .iter()
            .position(|handle| handle.number == number && handle.is_producer == is_producer)
    }

    fn remember(&mut self, number: u64, is_producer: bool, topic: &[u8]) {
        if let Some(at) = self.position(number, is_producer) {
            self.handles.remove(at);
        } else if self.handles.len() >= MAX_HANDLES {
            self.handles.remove(0);
        }
        self.handles.push(Handle {
            number,
            is_producer,
            topic: String::from_utf8_lossy(&topic[..topic.len().min(MAX_TOPIC)]).into(),
        });
    }
}

/// The topic, and without its scheme: tenant, namespace, topic.
fn place(topic: &[u8], facts: &mut Facts) {
    facts.put(Slot::Resource, topic);
    match topic.windows(3).position(|at| at == b"://") {
        Some(at) => facts.put(Slot::Endpoint, &topic[at + 3..]),
        None => facts.put_same(Slot::Endpoint, Slot::Resource),
    }
}

/// What went wrong.
fn failed(code: u64, told: &[u8], facts: &mut Facts) {
    let (name, status) = command::error(code);
    (facts.code, facts.status) = (i32::try_from(code).unwrap_or(-1), status);
    facts.put(Slot::Exception, if told.is_empty() { name.as_bytes() } else { told });
}

fn answer(fields: &Fields<'_>, command: u8, code: u32, told: u32, facts: &mut Facts) {
    facts.status = Status::Ok;
    match number(fields, code).filter(|_| code > 0) {
        Some(error) => failed(error, text(fields, told), facts),
        None if command == command::LOOKUP_RESPONSE => facts.put(Slot::Result, text(fields, 1)),
        None if command == command::PRODUCER_SUCCESS => facts.put(Slot::Result, text(fields, 2)),
        None => {}
    }
}

fn sent(fields: &Fields<'_>, command: u8, facts: &mut Facts) {
    (facts.key, facts.request_id) = sending(fields);
    if command != command::SEND_RECEIPT {
        return failed(number(fields, 3).unwrap_or(0), text(fields, 4), facts);
    }
    facts.status = Status::Ok;
    let stored = Fields::of(text(fields, 3));
    if let (Some(ledger), Some(entry)) = (number(&stored, 1), number(&stored, 2)) {
        facts.put(Slot::Result, itoa::Buffer::new().format(ledger).as_bytes());
        facts.extend(Slot::Result, b":");
        facts.extend(Slot::Result, itoa::Buffer::new().format(entry).as_bytes());
    }
}
