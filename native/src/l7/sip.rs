//! SIP (RFC 3261) over UDP and TCP: a row for each request with its final response, either end asking.

use super::Status;
use super::facts::{Facts, Slot};
use super::parser::{Body, Guess, Input, Kind, Opening, Parser, Resync, Step};
use memchr::{memchr, memmem};

/// Methods (IANA registry "Methods and Response Codes").
const METHODS: [&[u8]; 14] = [
    b"INVITE",
    b"ACK",
    b"BYE",
    b"CANCEL",
    b"REGISTER",
    b"OPTIONS",
    b"PRACK",
    b"SUBSCRIBE",
    b"NOTIFY",
    b"PUBLISH",
    b"INFO",
    b"REFER",
    b"MESSAGE",
    b"UPDATE",
];
const VERSION: &[u8] = b"SIP/2.0";
const MAX_HEAD: usize = 8 * 1024;
const MAX_START: usize = 1024;

/// Reads one SIP flow.
#[derive(Debug)]
pub struct Sip;

/// The parser for the table.
pub fn parser(_opening: &Opening<'_>) -> Box<dyn Parser> {
    Box::new(Sip)
}

/// A start line of SIP.
pub fn guess(opening: &Opening<'_>) -> Guess {
    match is_start(opening.bytes) {
        Some(true) => Guess::Yes,
        Some(false) => Guess::No,
        None => Guess::Maybe,
    }
}

/// Whether a start line begins here; `None` where the bytes end too early to say.
fn is_start(bytes: &[u8]) -> Option<bool> {
    if bytes.starts_with(VERSION) {
        return bytes.get(VERSION.len()).map(|byte| *byte == b' ');
    }
    let front = &bytes[..bytes.len().min(10)];
    let Some(space) = memchr(b' ', front) else {
        let is_possible = VERSION.starts_with(bytes) || METHODS.iter().any(|method| method.starts_with(bytes));
        return if is_possible { None } else { Some(false) };
    };
    if !METHODS.contains(&&bytes[..space]) {
        return Some(false);
    }
    match memchr(b'\n', &bytes[..bytes.len().min(MAX_START)]) {
        Some(end) => Some(bytes[..end].trim_ascii_end().ends_with(VERSION)),
        None if bytes.len() < MAX_START => None,
        None => Some(false),
    }
}

impl Parser for Sip {
    fn parse(&mut self, input: Input<'_>, facts: &mut Facts) -> Step {
        let blank = input.bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n' | 0)).count();
        if blank > 0 {
            // Keeps the way through firewalls open (RFC 5626, 3.5.1).
            return Step::Skip { size: blank };
        }
        match is_start(input.bytes) {
            Some(false) => return Step::Lost { size: input.bytes.len() },
            None if !input.datagram => return Step::More,
            _ => {}
        }
        let window = &input.bytes[..input.bytes.len().min(MAX_HEAD)];
        let (head, size) = match memmem::find(window, b"\r\n\r\n") {
            Some(end) => (&input.bytes[..end], end + 4),
            None if input.datagram || input.bytes.len() >= MAX_HEAD => (window, window.len()),
            None => return Step::More,
        };
        let Some((kind, length)) = message(head, facts) else {
            return Step::Skip {
                size: if input.datagram { input.bytes.len() } else { size },
            };
        };
        if input.datagram {
            facts.length = (input.bytes.len() - size) as i64;
            return Step::Message {
                size: input.bytes.len(),
                kind,
                body: Body::Bytes(0),
            };
        }
        facts.length = i64::try_from(length).unwrap_or(i64::MAX);
        Step::Message {
            size,
            kind,
            body: Body::Bytes(length),
        }
    }

    fn resync(&mut self, _from_client: bool, bytes: &[u8]) -> Resync {
        let starts = std::iter::once(0).chain(memchr::memchr_iter(b'\n', bytes).map(|end| end + 1));
        for at in starts {
            match is_start(&bytes[at..]) {
                Some(true) => return Resync::At(at),
                None => return Resync::Drop(at),
                Some(false) => {}
            }
        }
        Resync::Drop(bytes.len())
    }
}

/// Reads a head; `None` for a response after which the final one is still to come.
fn message(head: &[u8], facts: &mut Facts) -> Option<(Kind, u64)> {
    let mut lines = head.split(|byte| *byte == b'\n').map(|line| line.trim_ascii_end());
    let start = lines.next().unwrap_or_default();
    let mut fields = Fields::default();
    lines.for_each(|line| fields.line(line));
    let mut parts = start.splitn(3, |byte| *byte == b' ');
    let (first, second, third) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    facts.put(Slot::Version, b"2.0");
    let mut sequence = fields
        .sequence
        .split(|byte| byte.is_ascii_whitespace())
        .filter(|word| !word.is_empty());
    let number = sequence.next().unwrap_or_default();
    let of_start = if first == VERSION { &b""[..] } else { first };
    let method = sequence.next().unwrap_or(of_start);
    facts.request_id = std::str::from_utf8(number).ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    facts.key = hash(&[fields.call, number, method]);
    facts.put(Slot::RequestType, method);
    if first == VERSION {
        let code = std::str::from_utf8(second).ok().and_then(|text| text.parse().ok()).unwrap_or(0);
        if code < 200 {
            return None;
        }
        facts.code = code;
        facts.status = match code {
            200..400 => Status::Ok,
            500..600 => Status::ServerError,
            _ => Status::ClientError,
        };
        let slot = if facts.status == Status::Ok {
            Slot::Result
        } else {
            Slot::Exception
        };
        facts.put(slot, third);
        if !fields.server.is_empty() {
            facts.attribute("sip.server", fields.server);
        }
        return Some((Kind::Response, fields.length));
    }
    facts.put(Slot::Resource, second);
    let host = address(second).rsplit(|byte| *byte == b'@').next().unwrap_or_default();
    facts.put(Slot::Domain, host);
    facts.put_same(Slot::Endpoint, Slot::RequestType);
    facts.put(Slot::UserAgent, fields.agent);
    for (key, value) in [("sip.call_id", fields.call), ("sip.from", fields.from), ("sip.to", fields.to)] {
        if !value.is_empty() {
            let value = if key == "sip.call_id" { value } else { between(value) };
            facts.attribute(key, value);
        }
    }
    let kind = if first == b"ACK" { Kind::Notice } else { Kind::Request };
    Some((kind, fields.length))
}

/// The fields that are told.
#[derive(Default)]
struct Fields<'a> {
    call: &'a [u8],
    sequence: &'a [u8],
    from: &'a [u8],
    to: &'a [u8],
    agent: &'a [u8],
    server: &'a [u8],
    length: u64,
}

impl<'a> Fields<'a> {
    /// Names have short forms (RFC 3261, 7.3.3).
    fn line(&mut self, line: &'a [u8]) {
        let Some(colon) = memchr(b':', line) else { return };
        let (name, value) = (line[..colon].trim_ascii_end(), line[colon + 1..].trim_ascii());
        let is = |long: &[u8], short: &[u8]| name.eq_ignore_ascii_case(long) || name.eq_ignore_ascii_case(short);
        match name.first().map(u8::to_ascii_lowercase) {
            Some(b'c' | b'i') if is(b"call-id", b"i") => self.call = value,
            Some(b'c') if is(b"cseq", b"cseq") => self.sequence = value,
            Some(b'c' | b'l') if is(b"content-length", b"l") => {
                self.length = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok()).unwrap_or(0);
            }
            Some(b'f') if is(b"from", b"f") => self.from = value,
            Some(b't') if is(b"to", b"t") => self.to = value,
            Some(b'u') if is(b"user-agent", b"user-agent") => self.agent = value,
            Some(b's') if is(b"server", b"server") => self.server = value,
            _ => {}
        }
    }
}

/// What stands between angle brackets, or in front of the parameters.
fn between(value: &[u8]) -> &[u8] {
    if let (Some(open), Some(close)) = (memchr(b'<', value), memchr(b'>', value))
        && open < close
    {
        return &value[open + 1..close];
    }
    value.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii()
}

/// User, host and port of an address.
fn address(uri: &[u8]) -> &[u8] {
    let scheme = memchr(b':', uri).map_or(0, |colon| colon + 1);
    uri[scheme..].split(|byte| matches!(byte, b';' | b'?')).next().unwrap_or_default()
}

fn hash(parts: &[&[u8]]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in parts.iter().flat_map(|part| part.iter().chain(b"\n")) {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash
}
