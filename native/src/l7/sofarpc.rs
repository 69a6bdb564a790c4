//! SofaRPC's Bolt (github sofastack/sofa-bolt): versions 1 and 2. Facts come from the header map; of bodies only the answer's error is read.

use super::Status;
use super::context::Context;
use super::facts::{Facts, Slot};
use super::frame::{Bytes, Framed, Frames, Front, Said};
use super::parser::{Guess, Input, Kind, Opening, Parser};
use super::rpc;
use memchr::memmem;

const RESPONSE: u8 = 0;
const ONE_WAY: u8 = 2;
const HEARTBEAT: u16 = 0;
const MAX_CONTENT: u32 = 256 << 20;
/// A checksum follows the content.
const SWITCH_CRC: u8 = 1;

/// Status of a response: (number, name, whose error).
const STATUSES: [(u16, &str, Status); 13] = [
    (0, "SUCCESS", Status::Ok),
    (1, "ERROR", Status::ServerError),
    (2, "SERVER_EXCEPTION", Status::ServerError),
    (3, "UNKNOWN", Status::ServerError),
    (4, "SERVER_THREADPOOL_BUSY", Status::ServerError),
    (5, "ERROR_COMM", Status::ServerError),
    (6, "NO_PROCESSOR", Status::ServerError),
    (7, "TIMEOUT", Status::ServerError),
    (8, "CLIENT_SEND_ERROR", Status::ClientError),
    (9, "CODEC_EXCEPTION", Status::ServerError),
    (16, "CONNECTION_CLOSED", Status::ServerError),
    (17, "SERVER_SERIAL_EXCEPTION", Status::ServerError),
    (18, "SERVER_DESERIAL_EXCEPTION", Status::ServerError),
];

struct Header {
    version: u8,
    kind: u8,
    command: u16,
    id: u32,
    status: u16,
    /// Bytes of the header itself, and then of class, header map and content.
    fixed: usize,
    class: usize,
    map: usize,
    content: u32,
    crc: bool,
}

impl Header {
    /// As far as the bytes go: a header, none, or too few of them.
    fn read(bytes: &[u8]) -> Result<Header, Guess> {
        let version = *bytes.first().ok_or(Guess::Maybe)?;
        let more = usize::from(version.wrapping_sub(1));
        if more > 1 || (more == 1 && bytes.get(1).is_some_and(|version| !matches!(version, 1 | 2))) {
            return Err(Guess::No);
        }
        let (Some(kind), Some(low)) = (bytes.get(1 + more), bytes.get(3 + more)) else {
            return Err(Guess::Maybe);
        };
        // Heartbeats are 0 both ways, requests 1, responses 2.
        let fits = bytes[2 + more] == 0 && matches!((*kind, *low), (0..=2, 0) | (1..=2, 1) | (0, 2));
        if !fits || bytes.get(4 + more).is_some_and(|version| *version != 1) {
            return Err(Guess::No);
        }
        let is_response = *kind == RESPONSE;
        let fixed = if is_response { 20 } else { 22 } + if more == 1 { 2 } else { 0 };
        let mut rest = Bytes(bytes.get(5 + more..fixed).ok_or(Guess::Maybe)?);
        let header = Header::fields(&mut rest, more == 1, is_response).ok_or(Guess::No)?;
        let header = Header {
            version,
            kind: *kind,
            command: u16::from(*low),
            fixed,
            ..header
        };
        if header.is_sound(bytes) { Ok(header) } else { Err(Guess::No) }
    }

    fn fields(rest: &mut Bytes<'_>, has_switch: bool, is_response: bool) -> Option<Header> {
        let id = rest.u32()?;
        rest.u8()?;
        let crc = has_switch && rest.u8()? & SWITCH_CRC != 0;
        let status = if is_response {
            rest.u16()?
        } else {
            rest.u32()?;
            0
        };
        Some(Header {
            id,
            status,
            crc,
            class: usize::from(rest.u16()?),
            map: usize::from(rest.u16()?),
            content: rest.u32()?,
            version: 0,
            kind: 0,
            command: 0,
            fixed: 0,
        })
    }

    /// Everything but a heartbeat names a class.
    fn is_sound(&self, bytes: &[u8]) -> bool {
        if self.command == HEARTBEAT {
            return self.class == 0 && self.map == 0 && self.content == 0;
        }
        let seen = &bytes[self.fixed..bytes.len().min(self.fixed + self.class)];
        let named = seen
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'$' | b'_'));
        named && (1..512).contains(&self.class) && self.content <= MAX_CONTENT && STATUSES.iter().any(|(status, ..)| *status == self.status)
    }

    fn size(&self) -> u64 {
        let crc = if self.crc { 4 } else { 0 };
        (self.fixed + self.class + self.map + crc) as u64 + u64::from(self.content)
    }
}

/// A class that is named: heartbeats have too little to be told by.
fn look(bytes: &[u8]) -> Guess {
    match Header::read(bytes) {
        Ok(header) if header.command == HEARTBEAT => Guess::No,
        Ok(header) if bytes.len() < header.fixed + header.class => Guess::Maybe,
        Ok(header) => {
            let class = &bytes[header.fixed..header.fixed + header.class];
            if memchr::memchr(b'.', class).is_some() {
                Guess::Yes
            } else {
                Guess::No
            }
        }
        Err(guess) => guess,
    }
}

pub fn guess(opening: &Opening<'_>) -> Guess {
    match look(opening.bytes) {
        Guess::Yes => {
            let more = usize::from(opening.bytes[0] - 1);
            let by_client = opening.bytes[1 + more] != RESPONSE;
            if by_client == opening.from_client {
                Guess::Yes
            } else {
                Guess::Reversed
            }
        }
        guess => guess,
    }
}

/// The parser for the table.
pub fn parser(_: &Opening<'_>) -> Box<dyn Parser> {
    Box::new(Frames::new(Bolt))
}

/// Each message tells everything itself.
#[derive(Debug)]
struct Bolt;

impl Framed for Bolt {
    fn front(&self, bytes: &[u8], _: bool) -> Front {
        match Header::read(bytes) {
            Ok(header) => {
                // Of the content the answer's first fields say whether it failed. A call that nobody answers is a row when it is told.
                let content = match header.kind {
                    RESPONSE => 512,
                    ONE_WAY => header.content as usize,
                    _ => 0,
                };
                let told = (header.fixed + header.class + header.map + content) as u64;
                Front::Frame {
                    size: header.size(),
                    told: told.min(header.size()),
                }
            }
            Err(Guess::Maybe) => Front::Short,
            Err(_) => Front::Wrong,
        }
    }

    fn read(&mut self, message: &[u8], size: u64, input: Input<'_>, facts: &mut Facts) -> Said {
        let Ok(header) = Header::read(message) else { return Said::Wrong };
        let is_response = header.kind == RESPONSE;
        let by_client = input.from_client != is_response;
        facts.request_id = u64::from(header.id);
        // Both ends may ask.
        facts.key = facts.request_id | u64::from(by_client) << 63;
        facts.length = size as i64;
        facts.put(Slot::Version, if header.version == 1 { b"1" } else { b"2" });
        let parts = message.get(header.fixed + header.class..).unwrap_or_default();
        if is_response {
            let content = parts.get(header.map..).unwrap_or_default();
            let map = &parts[..parts.len().min(header.map)];
            response(header.status, map, content, facts);
            return Said::Message(Kind::Response);
        }
        if header.command == HEARTBEAT {
            facts.put(Slot::RequestType, b"heartbeat");
        } else {
            request(&parts[..parts.len().min(header.map)], facts);
        }
        Said::Message(if header.kind == ONE_WAY { Kind::Notice } else { Kind::Request })
    }

    fn starts(&self, bytes: &[u8], _: bool) -> Guess {
        look(bytes)
    }
}

/// The pairs of a header map.
fn pairs(map: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = Bytes(map);
    std::iter::from_fn(move || Some((rest.text32()?, rest.text32()?)))
}

fn request(map: &[u8], facts: &mut Facts) {
    let (mut service, mut method, mut context) = (&[][..], &[][..], Context::default());
    for (key, value) in pairs(map) {
        match key {
            b"sofa_head_target_service" => service = value,
            b"service" if service.is_empty() => service = value,
            b"sofa_head_method_name" => method = value,
            b"sofa_head_target_app" | b"app" if !value.is_empty() => facts.attribute("sofarpc.application", value),
            b"new_rpc_trace_context" => trace(value, facts),
            b"rpc_trace_context.sofaTraceId" => facts.put_first(Slot::TraceId, value),
            b"rpc_trace_context.sofaRpcId" => facts.put_first(Slot::SpanId, value),
            _ => context.pair(key, value, facts),
        }
    }
    rpc::call(service, method, facts);
}

/// SOFATracer: `tcid=<trace>&spid=<span>&pspid=<parent>&sample=…`.
fn trace(value: &[u8], facts: &mut Facts) {
    for pair in value.split(|byte| *byte == b'&') {
        for (name, slot) in [
            (&b"tcid="[..], Slot::TraceId),
            (b"spid=", Slot::SpanId),
            (b"pspid=", Slot::ParentSpanId),
        ] {
            if let Some(id) = pair.strip_prefix(name).filter(|id| !id.is_empty()) {
                facts.put_first(slot, id);
            }
        }
    }
}

fn response(code: u16, map: &[u8], content: &[u8], facts: &mut Facts) {
    let known = STATUSES.iter().find(|(status, ..)| *status == code);
    let (_, name, status) = known.copied().unwrap_or((0, "", Status::Unknown));
    (facts.code, facts.status) = (i32::from(code), status);
    let flagged = pairs(map).any(|pair| pair == (b"sofa_head_response_error", b"true"));
    let told = told_error(content);
    if status == Status::Ok && (flagged || told.is_some()) {
        facts.status = Status::ServerError;
        facts.put(Slot::Exception, told.filter(|text| !text.is_empty()).unwrap_or(b"error"));
    } else if status == Status::Ok {
        facts.put(Slot::Result, name.as_bytes());
    } else {
        facts.put(Slot::Exception, name.as_bytes());
    }
}

/// What a `SofaResponse` written by Hessian says is wrong: its first field is `isError`, its second the message.
fn told_error(content: &[u8]) -> Option<&[u8]> {
    let fields = memmem::find(content, b"\x07isError\x08errorMsg\x0bappResponse\x0dresponseProps")?;
    let values = content[fields..].get(43..)?;
    let values = values.strip_prefix(b"o\x90").or_else(|| values.strip_prefix(b"\x60"))?;
    let mut rest = Bytes(values.strip_prefix(b"T")?);
    let size = match rest.u8()? {
        size @ 0..=31 => usize::from(size),
        tag @ 0x30..=0x33 => usize::from(tag - 0x30) << 8 | usize::from(rest.u8()?),
        b'S' => usize::from(rest.u16()?),
        _ => 0,
    };
    Some(&rest.0[..rest.0.len().min(size)])
}
