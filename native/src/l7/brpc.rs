//! bRPC's `baidu_std` (brpc.apache.org, "baidu_std"): `PRPC`, two lengths, a meta in protobuf, the body.

use super::Status;
use super::facts::{Facts, Slot};
use super::frame::{Bytes, Framed, Frames, Front, Said};
use super::parser::{Guess, Input, Kind, Opening, Parser};
use super::protobuf::{Fields, Value};
use super::rpc;

const MAGIC: &[u8; 4] = b"PRPC";
const HEADER: usize = 12;
/// Servers refuse more than 64 MiB unless told otherwise.
const MAX_BODY: u32 = 1 << 30;
const MAX_META: u32 = 1 << 20;

/// Bytes of the whole message and of its meta.
fn look(bytes: &[u8]) -> Result<(u32, u32), Guess> {
    if bytes.iter().zip(MAGIC).any(|(byte, magic)| byte != magic) {
        return Err(Guess::No);
    }
    let mut rest = Bytes(bytes.get(4..HEADER).ok_or(Guess::Maybe)?);
    match (rest.u32(), rest.u32()) {
        (Some(body), Some(meta)) if (2..=MAX_META).contains(&meta) && meta <= body && body <= MAX_BODY => Ok((body, meta)),
        _ => Err(Guess::No),
    }
}

/// What a meta says.
#[derive(Default)]
struct Meta<'a> {
    request: Option<&'a [u8]>,
    response: Option<&'a [u8]>,
    correlation: u64,
}

impl<'a> Meta<'a> {
    fn read(bytes: &'a [u8]) -> Meta<'a> {
        let mut meta = Meta::default();
        for field in Fields::of(bytes) {
            match field {
                (1, Value::Bytes(request)) => meta.request = Some(request),
                (2, Value::Bytes(response)) => meta.response = Some(response),
                (4, Value::Number(id)) => meta.correlation = id,
                _ => {}
            }
        }
        meta
    }
}

pub fn guess(opening: &Opening<'_>) -> Guess {
    let meta = match look(opening.bytes) {
        Ok((_, meta)) => meta as usize,
        Err(guess) => return guess,
    };
    let Some(meta) = opening.bytes.get(HEADER..HEADER + meta) else {
        return Guess::Maybe;
    };
    let meta = Meta::read(meta);
    match meta.request.is_some() {
        true if opening.from_client => Guess::Yes,
        true => Guess::Reversed,
        // Answers of success have a meta with nothing but the id.
        false if opening.from_client => Guess::Reversed,
        false => Guess::Yes,
    }
}

/// The parser for the table.
pub fn parser(_: &Opening<'_>) -> Box<dyn Parser> {
    Box::new(Frames::new(Brpc))
}

/// Each message tells everything itself.
#[derive(Debug)]
struct Brpc;

impl Framed for Brpc {
    fn front(&self, bytes: &[u8], _: bool) -> Front {
        match look(bytes) {
            Ok((body, meta)) => Front::Frame {
                size: HEADER as u64 + u64::from(body),
                told: HEADER as u64 + u64::from(meta),
            },
            Err(Guess::Maybe) => Front::Short,
            Err(_) => Front::Wrong,
        }
    }

    fn read(&mut self, message: &[u8], size: u64, _: Input<'_>, facts: &mut Facts) -> Said {
        let meta = Meta::read(&message[HEADER..]);
        (facts.request_id, facts.key) = (meta.correlation, meta.correlation);
        facts.length = size as i64;
        match meta.request {
            Some(asked) => {
                request(asked, facts);
                Said::Message(Kind::Request)
            }
            None => {
                response(meta.response.unwrap_or_default(), facts);
                Said::Message(Kind::Response)
            }
        }
    }

    fn starts(&self, bytes: &[u8], _: bool) -> Guess {
        match look(bytes) {
            Ok(_) => Guess::Yes,
            Err(guess) => guess,
        }
    }
}

fn request(meta: &[u8], facts: &mut Facts) {
    let (mut service, mut method) = (&[][..], &[][..]);
    for (number, value) in Fields::of(meta) {
        match number {
            1 => service = value.bytes(),
            2 => method = value.bytes(),
            3 if value.number() != 0 => decimal("brpc.log_id", value.number(), facts),
            4 => hex(Slot::TraceId, value.number(), facts),
            5 => hex(Slot::SpanId, value.number(), facts),
            6 => hex(Slot::ParentSpanId, value.number(), facts),
            7 if !value.bytes().is_empty() => facts.put(Slot::XRequestId, value.bytes()),
            _ => {}
        }
    }
    rpc::call(service, method, facts);
}

fn response(meta: &[u8], facts: &mut Facts) {
    let mut text = &[][..];
    for (number, value) in Fields::of(meta) {
        match number {
            1 => facts.code = value.number() as i32,
            2 => text = value.bytes(),
            _ => {}
        }
    }
    facts.status = status(facts.code);
    if facts.status != Status::Ok {
        facts.put(Slot::Exception, text);
    }
}

/// Numbers below 1000 are those of errno, 1000 and up are about the request, 2000 and up about the server.
fn status(code: i32) -> Status {
    match code {
        0 => Status::Ok,
        1001..=1007 | 1011 => Status::ClientError,
        _ => Status::ServerError,
    }
}

#[cold]
fn decimal(key: &str, number: u64, facts: &mut Facts) {
    facts.attribute(key, (number as i64).to_string().as_bytes());
}

#[cold]
fn hex(slot: Slot, number: u64, facts: &mut Facts) {
    if number != 0 {
        facts.put(slot, format!("{number:016x}").as_bytes());
    }
}
