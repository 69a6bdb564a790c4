//! Tars (github TarsCloud/TarsProtocol): a length, then the fields of a packet in Tars' own coding.
//!
//! Packets of version 1 have one layout for requests and one for answers; those of versions 2 and 3 (TUP) have the first for both.

use super::Status;
use super::context::Context;
use super::facts::{Facts, Slot};
use super::frame::{Bytes, Framed, Frames, Front, Said};
use super::parser::{Guess, Input, Kind, Opening, Parser};
use super::rpc;

const MAX_SIZE: u32 = 100 << 20;
const MIN_SIZE: u32 = 12;
/// `JceStruct`s in one another; a packet has maps of texts only.
const MAX_DEPTH: u8 = 4;
const ONE_WAY: i64 = 1;

/// A field's value.
#[derive(Clone, Copy, Debug)]
enum Value<'a> {
    Number(i64),
    Text(&'a [u8]),
    /// The pairs of a map, and how many there are.
    Map(Bytes<'a>, i64),
    /// Bytes, lists, structures: passed over.
    Other,
}

/// Reads one field: its tag and what it says.
fn field<'a>(bytes: &mut Bytes<'a>, depth: u8) -> Option<(u8, Value<'a>)> {
    let head = bytes.u8()?;
    let tag = if head >> 4 == 15 { bytes.u8()? } else { head >> 4 };
    let value = match head & 15 {
        0 => Value::Number(i64::from(bytes.u8()? as i8)),
        1 => Value::Number(i64::from(bytes.u16()? as i16)),
        2 => Value::Number(i64::from(bytes.u32()? as i32)),
        3 => Value::Number(bytes.u64()? as i64),
        4 => bytes.take(4).map(|_| Value::Other)?,
        5 => bytes.take(8).map(|_| Value::Other)?,
        6 => {
            let size = usize::from(bytes.u8()?);
            Value::Text(bytes.take(size)?)
        }
        7 => Value::Text(bytes.text32()?),
        8 => {
            let count = number(bytes)?;
            let pairs = *bytes;
            (0..count.checked_mul(2)?).try_for_each(|_| nested(bytes, depth))?;
            Value::Map(pairs, count)
        }
        9 => {
            let count = number(bytes)?;
            (0..count).try_for_each(|_| nested(bytes, depth))?;
            Value::Other
        }
        10 => {
            while bytes.0.first()? & 15 != 11 {
                nested(bytes, depth)?;
            }
            bytes.u8()?;
            Value::Other
        }
        12 => Value::Number(0),
        13 => {
            bytes.u8().filter(|kind| *kind == 0)?;
            let size = usize::try_from(number(bytes)?).ok()?;
            // Of a long message the end may not be here.
            *bytes = Bytes(bytes.0.get(size..).unwrap_or_default());
            Value::Other
        }
        _ => return None,
    };
    Some((tag, value))
}

fn nested(bytes: &mut Bytes<'_>, depth: u8) -> Option<()> {
    (depth < MAX_DEPTH).then(|| field(bytes, depth + 1).map(drop))?
}

/// How many there are: a number with tag 0. What else could stand here is not read, or it could stand there for ever.
fn number(bytes: &mut Bytes<'_>) -> Option<i64> {
    let is_number = matches!(bytes.0.first(), Some(0..=3 | 12));
    match is_number.then(|| field(bytes, MAX_DEPTH))?? {
        (0, Value::Number(number)) if number >= 0 => Some(number),
        _ => None,
    }
}

/// The fields of a packet up to the one with tag 5, by which requests and answers differ.
struct Packet<'a> {
    version: i64,
    kind: i64,
    /// Of a request.
    id: i64,
    servant: Option<&'a [u8]>,
    function: &'a [u8],
    /// Of an answer.
    code: i64,
    rest: Bytes<'a>,
}

impl<'a> Packet<'a> {
    /// `None` where the fields are not those of a packet, or too few bytes are here.
    fn read(body: &'a [u8]) -> Option<Packet<'a>> {
        let mut rest = Bytes(body);
        let mut number = |tag| match field(&mut rest, MAX_DEPTH)? {
            (found, Value::Number(number)) if found == tag => Some(number),
            _ => None,
        };
        let (version, kind, third, fourth) = (number(1)?, number(2)?, number(3)?, number(4)?);
        let mut packet = Packet {
            version,
            kind,
            id: third,
            servant: None,
            function: &[],
            code: 0,
            rest,
        };
        match field(&mut packet.rest, MAX_DEPTH)? {
            // Then comes what was returned, as bytes.
            (5, Value::Number(code)) if matches!(packet.rest.0.first(), Some(0x6d | 0x69)) => packet.code = code,
            (5, Value::Text(servant)) => {
                (packet.id, packet.servant) = (fourth, Some(servant));
                let (6, Value::Text(function)) = field(&mut packet.rest, MAX_DEPTH)? else {
                    return None;
                };
                packet.function = function;
            }
            _ => return None,
        }
        packet.is_sound().then_some(packet)
    }

    fn is_sound(&self) -> bool {
        let printable = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_graphic);
        let named = self.servant.is_none_or(|servant| printable(servant) && printable(self.function));
        matches!(self.version, 1..=3) && matches!(self.kind, 0 | 1) && named
    }
}

/// The size of a message where its first bytes are those of one.
fn look(bytes: &[u8]) -> Result<u32, Guess> {
    let size = match Bytes(bytes).u32() {
        Some(size) => size,
        None if bytes.first().is_none_or(|byte| *byte <= 0x06) => return Err(Guess::Maybe),
        None => return Err(Guess::No),
    };
    // Version in one byte, then the packet's kind.
    let fits = match bytes.get(4..) {
        Some([0x10, 1..=3, 0x2c | 0x20, ..]) => true,
        Some([] | [0x10] | [0x10, 1..=3]) => return Err(Guess::Maybe),
        _ => false,
    };
    if fits && (MIN_SIZE..=MAX_SIZE).contains(&size) {
        Ok(size)
    } else {
        Err(Guess::No)
    }
}

fn packet(bytes: &[u8]) -> Result<Packet<'_>, Guess> {
    let size = look(bytes)? as usize;
    let body = &bytes[4..bytes.len().min(size)];
    match Packet::read(body) {
        Some(packet) => Ok(packet),
        // Names are short: what cannot be told from so much is none.
        None if bytes.len() < size && bytes.len() < 600 => Err(Guess::Maybe),
        None => Err(Guess::No),
    }
}

pub fn guess(opening: &Opening<'_>) -> Guess {
    match packet(opening.bytes) {
        Err(guess) => guess,
        // Both sides of TUP look like requests.
        Ok(packet) if packet.version != 1 || packet.servant.is_some() == opening.from_client => Guess::Yes,
        Ok(_) => Guess::Reversed,
    }
}

/// The parser for the table.
pub fn parser(_: &Opening<'_>) -> Box<dyn Parser> {
    Box::new(Frames::new(Tars))
}

/// Each message tells everything itself.
#[derive(Debug)]
struct Tars;

impl Framed for Tars {
    fn front(&self, bytes: &[u8], _: bool) -> Front {
        match look(bytes) {
            Ok(size) => Front::whole(u64::from(size)),
            Err(Guess::Maybe) => Front::Short,
            Err(_) => Front::Wrong,
        }
    }

    fn read(&mut self, message: &[u8], size: u64, input: Input<'_>, facts: &mut Facts) -> Said {
        let Ok(packet) = packet(message) else { return Said::Wrong };
        facts.request_id = u64::from(packet.id as u32);
        facts.key = facts.request_id;
        facts.length = size as i64;
        facts.put(Slot::Version, &[b'0' + packet.version as u8]);
        match packet.servant {
            Some(servant) if packet.version == 1 || input.from_client => {
                rpc::call(servant, packet.function, facts);
                request(packet.rest, facts);
                let is_answered = packet.kind != ONE_WAY;
                Said::Message(if is_answered { Kind::Request } else { Kind::Notice })
            }
            _ => {
                response(&packet, facts);
                Said::Message(Kind::Response)
            }
        }
    }

    fn starts(&self, bytes: &[u8], _: bool) -> Guess {
        match packet(bytes) {
            Ok(_) => Guess::Yes,
            Err(guess) => guess,
        }
    }
}

/// The context and status of a request are maps of texts.
fn request(mut rest: Bytes<'_>, facts: &mut Facts) {
    let mut context = Context::default();
    while let Some((_, value)) = field(&mut rest, 0) {
        let Value::Map(mut pairs, count) = value else { continue };
        for _ in 0..count {
            let (Some((0, Value::Text(key))), Some((1, Value::Text(value)))) = (field(&mut pairs, 0), field(&mut pairs, 0)) else {
                return;
            };
            context.pair(key, value, facts);
        }
    }
}

fn response(packet: &Packet<'_>, facts: &mut Facts) {
    facts.code = packet.code as i32;
    let (name, status) = status(facts.code);
    facts.status = status;
    if status == Status::Ok {
        return facts.put(Slot::Result, name.as_bytes());
    }
    let mut rest = packet.rest;
    let mut told = &[][..];
    while let Some((tag, value)) = field(&mut rest, 0) {
        if let (8, Value::Text(text)) = (tag, value) {
            told = text;
        }
    }
    facts.put(Slot::Exception, if told.is_empty() { name.as_bytes() } else { told });
}

/// Name of an answer's code and whose error it is: below zero the framework's, above the service's own.
fn status(code: i32) -> (&'static str, Status) {
    match code {
        0 => ("ServerSuccess", Status::Ok),
        -1 => ("ServerDecodeErr", Status::ClientError),
        -2 => ("ServerEncodeErr", Status::ServerError),
        -3 => ("ServerNoFuncErr", Status::ClientError),
        -4 => ("ServerNoServantErr", Status::ClientError),
        -5 => ("ServerResetGrid", Status::ServerError),
        -6 => ("ServerQueueTimeout", Status::ServerError),
        -7 => ("AsyncCallTimeout", Status::ServerError),
        -8 => ("ProxyConnectErr", Status::ServerError),
        -9 => ("ServerOverload", Status::ServerError),
        -10 => ("AdapterNull", Status::ServerError),
        -11 => ("InvokeByInvalidESet", Status::ClientError),
        -12 => ("ClientDecodeErr", Status::ClientError),
        -13 => ("SendRequestErr", Status::ServerError),
        -99 => ("ServerUnknownErr", Status::ServerError),
        _ => ("ServiceErr", Status::ServerError),
    }
}
