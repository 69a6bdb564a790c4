//! Dubbo's own protocol (dubbo.apache.org, "Dubbo protocol reference"): a header of 16 bytes, bodies of Hessian 2 or Fastjson.
//!
//! Bodies of other serializations are not read: such rows have status, id and lengths. Triple is HTTP/2's.

mod fastjson;
mod hessian;

use super::Status;
use super::context::Context;
use super::facts::{Facts, Slot};
use super::frame::{Bytes, Framed, Frames, Front, Said};
use super::parser::{Guess, Input, Kind, Opening, Parser};
use super::rpc;
use hessian::Hessian;

const MAGIC: [u8; 2] = [0xda, 0xbb];
const HEADER: usize = 16;
const REQUEST: u8 = 0x80;
const TWO_WAY: u8 = 0x40;
const EVENT: u8 = 0x20;
/// Servers refuse more than 8 MiB unless told otherwise.
const MAX_BODY: u32 = 256 << 20;
const HESSIAN2: u8 = 2;
const FASTJSON: u8 = 6;
const OK: u8 = 20;

/// Status of a response: (number, name, whose error).
const STATUSES: [(u8, &str, Status); 12] = [
    (OK, "OK", Status::Ok),
    (25, "SERIALIZATION_ERROR", Status::ServerError),
    (30, "CLIENT_TIMEOUT", Status::ClientError),
    (31, "SERVER_TIMEOUT", Status::ServerError),
    (35, "CHANNEL_INACTIVE", Status::ServerError),
    (40, "BAD_REQUEST", Status::ClientError),
    (50, "BAD_RESPONSE", Status::ServerError),
    (60, "SERVICE_NOT_FOUND", Status::ServerError),
    (70, "SERVICE_ERROR", Status::ServerError),
    (80, "SERVER_ERROR", Status::ServerError),
    (90, "CLIENT_ERROR", Status::ClientError),
    (100, "SERVER_THREADPOOL_EXHAUSTED_ERROR", Status::ServerError),
];

struct Header {
    flags: u8,
    status: u8,
    id: u64,
    body: u32,
}

impl Header {
    /// `None` where it is not sound.
    fn read(bytes: &[u8; HEADER]) -> Option<Header> {
        let mut rest = Bytes(&bytes[2..]);
        let header = Header {
            flags: rest.u8()?,
            status: rest.u8()?,
            id: rest.u64()?,
            body: rest.u32()?,
        };
        let serialization = header.flags & 0x1f;
        let status = header.is_request() || STATUSES.iter().any(|(status, ..)| *status == header.status);
        (bytes[..2] == MAGIC && serialization > 0 && status && header.body <= MAX_BODY).then_some(header)
    }

    fn is_request(&self) -> bool {
        self.flags & REQUEST != 0
    }

    fn is_event(&self) -> bool {
        self.flags & EVENT != 0
    }
}

/// Whether a header comes.
fn look(bytes: &[u8]) -> Result<Header, Guess> {
    match bytes.first_chunk() {
        Some(header) => Header::read(header).ok_or(Guess::No),
        None if bytes.iter().zip(MAGIC).all(|(byte, magic)| *byte == magic) => Err(Guess::Maybe),
        None => Err(Guess::No),
    }
}

/// The magic, flags and status that go together. Both ends send heartbeats, so those do not tell which one is the server.
pub fn guess(opening: &Opening<'_>) -> Guess {
    match look(opening.bytes) {
        Err(guess) => guess,
        Ok(header) if header.is_event() || header.is_request() == opening.from_client => Guess::Yes,
        Ok(_) => Guess::Reversed,
    }
}

/// The parser for the table.
pub fn parser(_: &Opening<'_>) -> Box<dyn Parser> {
    Box::new(Frames::new(Dubbo))
}

/// Each message tells everything itself.
#[derive(Debug)]
struct Dubbo;

impl Framed for Dubbo {
    fn front(&self, bytes: &[u8], _: bool) -> Front {
        match look(bytes) {
            Ok(header) => Front::whole(HEADER as u64 + u64::from(header.body)),
            Err(Guess::Maybe) => Front::Short,
            Err(_) => Front::Wrong,
        }
    }

    fn read(&mut self, message: &[u8], _: u64, input: Input<'_>, facts: &mut Facts) -> Said {
        let Ok(header) = look(message) else { return Said::Wrong };
        let body = &message[HEADER..];
        let by_client = header.is_request() == input.from_client;
        facts.request_id = header.id;
        // Both ends count their requests from the same number.
        facts.key = header.id ^ u64::from(by_client) << 63;
        facts.length = i64::from(header.body);
        if !header.is_request() {
            response(&header, body, facts);
            return Said::Message(Kind::Response);
        }
        if header.is_event() {
            // Those that nobody answers say that the server is going away.
            let is_answered = header.flags & TWO_WAY != 0;
            facts.put(Slot::RequestType, if is_answered { b"heartbeat" } else { b"event" });
        } else {
            match header.flags & 0x1f {
                HESSIAN2 => drop(hessian_request(body, facts)),
                FASTJSON => drop(fastjson_request(body, facts)),
                _ => {}
            }
        }
        let is_answered = header.flags & TWO_WAY != 0;
        Said::Message(if is_answered { Kind::Request } else { Kind::Notice })
    }

    fn starts(&self, bytes: &[u8], _: bool) -> Guess {
        match look(bytes) {
            Ok(_) => Guess::Yes,
            Err(guess) => guess,
        }
    }
}

fn head(texts: [&[u8]; 4], facts: &mut Facts) {
    let [version, service, service_version, method] = texts;
    facts.put(Slot::Version, version);
    rpc::call(service, method, facts);
    if !service_version.is_empty() {
        facts.attribute("dubbo.service_version", service_version);
    }
}

fn hessian_request(body: &[u8], facts: &mut Facts) -> Option<()> {
    let mut values = Hessian::new(body);
    head([values.text()?, values.text()?, values.text()?, values.text()?], facts);
    let arguments = values.text()?;
    (0..arguments_in(arguments)).try_for_each(|_| values.skip())?;
    values.map()?;
    let mut context = Context::default();
    while let Some((key, value)) = values.pair() {
        attachment(key, value, &mut context, facts);
    }
    Some(())
}

fn fastjson_request(body: &[u8], facts: &mut Facts) -> Option<()> {
    let mut lines = fastjson::lines(body);
    let mut text = || lines.next().and_then(fastjson::text);
    head([text()?, text()?, text().unwrap_or_default(), text()?], facts);
    let arguments = text()?;
    let attachments = lines.nth(arguments_in(arguments))?;
    let mut context = Context::default();
    for (key, value) in fastjson::pairs(attachments) {
        attachment(key, value, &mut context, facts);
    }
    Some(())
}

fn attachment(key: &[u8], value: &[u8], context: &mut Context, facts: &mut Facts) {
    match key {
        b"group" if !value.is_empty() => facts.attribute("dubbo.group", value),
        b"remote.application" if !value.is_empty() => facts.attribute("dubbo.application", value),
        _ => context.pair(key, value, facts),
    }
}

/// How many arguments types like `Ljava/lang/String;[I` stand for.
fn arguments_in(types: &[u8]) -> usize {
    let (mut count, mut rest) = (0, types);
    while let Some((first, left)) = rest.split_first() {
        rest = left;
        match first {
            b'[' => continue,
            b'L' => rest = memchr::memchr(b';', left).map_or(&[][..], |end| &left[end + 1..]),
            _ => {}
        }
        count += 1;
    }
    count
}

fn response(header: &Header, body: &[u8], facts: &mut Facts) {
    let known = STATUSES.iter().find(|(status, ..)| *status == header.status);
    let (_, name, status) = known.copied().unwrap_or((0, "", Status::Unknown));
    (facts.code, facts.status) = (i32::from(header.status), status);
    let serialization = header.flags & 0x1f;
    if header.status == OK {
        if !header.is_event() && !told_exception(serialization, body, facts).unwrap_or(false) {
            facts.put(Slot::Result, name.as_bytes());
        }
        return;
    }
    let message = match serialization {
        HESSIAN2 => Hessian::new(body).text(),
        FASTJSON => fastjson::text(body),
        _ => None,
    };
    facts.put(Slot::Exception, message.filter(|text| !text.is_empty()).unwrap_or(name.as_bytes()));
}

/// What was called may have failed although the call came through: that is told in the body.
fn told_exception(serialization: u8, body: &[u8], facts: &mut Facts) -> Option<bool> {
    let (class, message) = match serialization {
        HESSIAN2 => {
            let mut values = Hessian::new(body);
            if !matches!(values.int()?, 0 | 3) {
                return Some(false);
            }
            values.exception().unwrap_or_default()
        }
        FASTJSON => {
            let mut lines = fastjson::lines(body);
            if !matches!(lines.next()?, b"0" | b"3") {
                return Some(false);
            }
            let exception = lines.next()?;
            let text = |key| fastjson::find(exception, key).unwrap_or_default();
            (text("@type"), text("message"))
        }
        _ => return None,
    };
    facts.status = Status::ServerError;
    facts.put(Slot::Exception, if class.is_empty() { b"exception" } else { class });
    if !message.is_empty() {
        facts.extend(Slot::Exception, b": ");
        facts.extend(Slot::Exception, message);
    }
    Some(true)
}
