//! RocketMQ's remoting protocol: a length, a header in JSON or in binary, a body that is not read.

mod code;
mod json;

use super::Status;
use super::context::Context;
use super::facts::{Facts, Slot};
use super::frame::{Bytes, Framed, Frames, Front, Said};
use super::parser::{Guess, Input, Kind, Opening, Parser};
use std::io::Write;

/// Brokers refuse messages of more than 4 MiB, and clients pull 32 at a time.
const MAX_SIZE: u32 = 256 << 20;
const MAX_HEADER: u32 = 8 << 20;
const PREFIX: usize = 8;
const JSON: u8 = 0;
const BINARY: u8 = 1;
const RESPONSE: i32 = 1;
const ONE_WAY: i32 = 2;

/// Sizes of the whole message and of its header, and how that is written.
fn look(bytes: &[u8]) -> Result<(u32, u32, u8), Guess> {
    let mut rest = Bytes(bytes);
    let (size, header) = match (rest.u32(), rest.u32()) {
        (Some(size), Some(header)) => (size, header),
        (None, _) if bytes.first().is_none_or(|byte| *byte < 0x10) => return Err(Guess::Maybe),
        (Some(size), None) if size <= MAX_SIZE && bytes.get(4).is_none_or(|kind| *kind <= BINARY) => return Err(Guess::Maybe),
        _ => return Err(Guess::No),
    };
    let (kind, header) = ((header >> 24) as u8, header & 0xff_ffff);
    let least = if kind == JSON { 20 } else { 21 };
    let fits = kind <= BINARY && (least..=MAX_HEADER).contains(&header) && header + 4 <= size && size <= MAX_SIZE;
    let starts = match (kind, rest.0.first()) {
        (JSON, Some(byte)) => *byte == b'{' && b"{\"".iter().zip(rest.0).all(|(one, other)| one == other),
        _ => true,
    };
    if fits && starts { Ok((size, header, kind)) } else { Err(Guess::No) }
}

/// What a header says besides its fields.
#[derive(Default)]
struct Head<'a> {
    code: i32,
    opaque: i32,
    flag: i32,
    version: i32,
    remark: &'a [u8],
}

impl Head<'_> {
    fn is_response(&self) -> bool {
        self.flag & RESPONSE != 0
    }
}

/// Reads a header; each of its further fields is handed on.
fn read<'a>(header: &'a [u8], kind: u8, field: &mut dyn FnMut(&'a [u8], &'a [u8])) -> Option<Head<'a>> {
    if kind == BINARY {
        read_binary(header, field)
    } else {
        json::read(header, field)
    }
}

fn read_binary<'a>(header: &'a [u8], field: &mut dyn FnMut(&'a [u8], &'a [u8])) -> Option<Head<'a>> {
    let mut rest = Bytes(header);
    let code = rest.u16()?;
    rest.u8().filter(|language| *language <= 13)?;
    let mut head = Head {
        code: i32::from(code),
        version: i32::from(rest.u16()?),
        opaque: rest.u32()? as i32,
        flag: rest.u32()? as i32,
        remark: &[],
    };
    head.remark = rest.text32()?;
    let mut fields = Bytes(rest.text32()?);
    while let Some(key) = fields.text16() {
        field(key, fields.text32()?);
    }
    (fields.0.is_empty() && (0..=3).contains(&head.flag)).then_some(head)
}

/// A header that can be read whole, or the first of one in JSON that names its code.
pub fn guess(opening: &Opening<'_>) -> Guess {
    let (size, header, kind) = match look(opening.bytes) {
        Ok(sizes) => sizes,
        Err(guess) => return guess,
    };
    let Some(told) = opening.bytes.get(PREFIX..PREFIX + header as usize) else {
        // What a packet can hold should be there.
        return if opening.bytes.len() < 2000 { Guess::Maybe } else { Guess::No };
    };
    match read(told, kind, &mut |_, _| {}) {
        Some(head) if head.is_response() != opening.from_client && size > 0 => Guess::Yes,
        // Brokers ask their clients too, but only those that have asked before.
        Some(_) => Guess::Reversed,
        None => Guess::No,
    }
}

/// The parser for the table.
pub fn parser(_: &Opening<'_>) -> Box<dyn Parser> {
    Box::new(Frames::new(RocketMq))
}

/// Each message tells everything itself.
#[derive(Debug)]
struct RocketMq;

impl Framed for RocketMq {
    fn front(&self, bytes: &[u8], _: bool) -> Front {
        match look(bytes) {
            Ok((size, header, _)) => Front::Frame {
                size: u64::from(size) + 4,
                told: PREFIX as u64 + u64::from(header),
            },
            Err(Guess::Maybe) => Front::Short,
            Err(_) => Front::Wrong,
        }
    }

    fn read(&mut self, message: &[u8], size: u64, input: Input<'_>, facts: &mut Facts) -> Said {
        let Ok((_, _, kind)) = look(message) else { return Said::Wrong };
        let mut fields = Fields::default();
        let Some(head) = read(&message[PREFIX..], kind, &mut |key, value| fields.take(key, value)) else {
            return Said::Wrong;
        };
        facts.request_id = u64::from(head.opaque as u32);
        // Both ends ask, each with numbers of its own.
        let by_client = input.from_client != head.is_response();
        facts.key = facts.request_id | u64::from(by_client) << 63;
        facts.length = size as i64 - 4;
        version(head.version, facts);
        if head.is_response() {
            response(&head, facts);
            return Said::Message(Kind::Response);
        }
        let named = code::name(&code::REQUESTS, head.code);
        match named {
            Some(name) => facts.put(Slot::RequestType, name.as_bytes()),
            None => facts.put(Slot::RequestType, head.code.to_string().as_bytes()),
        }
        fields.put(head.code, facts);
        let is_answered = head.flag & ONE_WAY == 0;
        Said::Message(if is_answered { Kind::Request } else { Kind::Notice })
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

/// Fields of a request that somebody reads.
#[derive(Default)]
struct Fields<'a> {
    topic: &'a [u8],
    group: &'a [u8],
    queue: &'a [u8],
    properties: &'a [u8],
    /// `SEND_MESSAGE_V2` calls them a, b, e and i; other requests may have such names too.
    short: [&'a [u8]; 4],
}

impl<'a> Fields<'a> {
    fn take(&mut self, key: &[u8], value: &'a [u8]) {
        match key {
            b"topic" => self.topic = value,
            b"consumerGroup" | b"producerGroup" | b"group" => self.group = value,
            b"queueId" => self.queue = value,
            b"properties" => self.properties = value,
            b"a" => self.short[0] = value,
            b"b" => self.short[1] = value,
            b"e" => self.short[2] = value,
            b"i" => self.short[3] = value,
            _ => {}
        }
    }

    fn put(mut self, code: i32, facts: &mut Facts) {
        if matches!(code, 310 | 320 | 325) {
            let [group, topic, queue, properties] = self.short;
            (self.group, self.topic, self.queue, self.properties) = (group, topic, queue, properties);
        }
        facts.put(Slot::Endpoint, self.topic);
        let size = facts.get(Slot::Endpoint).len();
        facts.put_front(Slot::Resource, Slot::Endpoint, size);
        if !self.queue.is_empty() && size > 0 {
            facts.extend(Slot::Endpoint, b"-");
            facts.extend(Slot::Endpoint, self.queue);
        }
        if !self.group.is_empty() {
            facts.attribute("rocketmq.group", self.group);
        }
        let mut context = Context::default();
        for (key, value) in json::properties(self.properties) {
            match key {
                b"UNIQ_KEY" => facts.attribute("rocketmq.message_key", value),
                b"TAGS" => facts.attribute("rocketmq.tags", value),
                _ => context.pair(key, value, facts),
            }
        }
    }
}

/// Versions are counted, a release behind its snapshot, as if each had ten releases; the earliest do not fit that.
fn version(number: i32, facts: &mut Facts) {
    const BEFORE_3: i32 = 588;
    let counted = number + BEFORE_3;
    let mut text = [0; 24];
    let (release, snapshot) = (counted / 2, if counted % 2 == 0 { "-SNAPSHOT" } else { "" });
    let written = {
        let mut rest = &mut text[..];
        let _ = write!(rest, "{}.{}.{}{snapshot}", release / 100, release / 10 % 10, release % 10);
        24 - rest.len()
    };
    if (15..2000).contains(&number) {
        facts.put(Slot::Version, &text[..written]);
    }
}

fn response(head: &Head<'_>, facts: &mut Facts) {
    (facts.code, facts.status) = (head.code, code::status(head.code));
    let name = code::name(&code::RESPONSES, head.code).unwrap_or_default();
    if facts.status == Status::Ok {
        return facts.put(Slot::Result, name.as_bytes());
    }
    let told = if head.remark.is_empty() { name.as_bytes() } else { head.remark };
    facts.put(Slot::Exception, told);
}
