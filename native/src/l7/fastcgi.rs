//! FastCGI 1.0 (fastcgi-archives.github.io, "FastCGI Specification"): a web server's requests to an application, and answers in CGI's words.
//!
//! Parameters are read pair by pair, so that a list of any length needs no buffer; bodies are counted and not looked at.

use super::Status;
use super::context::Context;
use super::facts::{Facts, Slot};
use super::frame::Bytes;
use super::http1::put_endpoint;
use super::parser::{Body, Guess, Input, Kind, Opening, Parser, Resync, Step};

const HEADER: usize = 8;
const BEGIN: u8 = 1;
const END: u8 = 3;
const PARAMS: u8 = 4;
const STDIN: u8 = 5;
const STDOUT: u8 = 6;
const STDERR: u8 = 7;
const MAX_TYPE: u8 = 11;
/// A pair longer than this is passed over.
const MAX_PAIR: usize = 4 * 1024;
/// Bytes of an answer's head that are read.
const MAX_HEAD: usize = 8 * 1024;
const MAX_ERROR: usize = 512;

struct Header {
    kind: u8,
    id: u16,
    content: usize,
    padding: usize,
}

impl Header {
    /// `None` where it is not sound.
    fn read(bytes: &[u8; HEADER]) -> Option<Header> {
        let header = Header {
            kind: bytes[1],
            id: u16::from_be_bytes([bytes[2], bytes[3]]),
            content: usize::from(u16::from_be_bytes([bytes[4], bytes[5]])),
            padding: usize::from(bytes[6]),
        };
        let kind = (1..=MAX_TYPE).contains(&header.kind) && (header.id != 0 || header.kind >= 9);
        (bytes[0] == 1 && bytes[7] == 0 && kind).then_some(header)
    }
}

/// A beginning of a request, or the first line of an answer: both are long enough to be sure.
fn look(bytes: &[u8]) -> Result<bool, Guess> {
    let Some(header) = bytes.first_chunk() else {
        let fits = bytes.iter().zip([1, 1]).all(|(byte, one)| *byte == one) || matches!(bytes, [1, STDOUT, ..]);
        return Err(if fits { Guess::Maybe } else { Guess::No });
    };
    let header = Header::read(header).ok_or(Guess::No)?;
    let content = &bytes[HEADER..];
    match header.kind {
        BEGIN if header.content == 8 => {
            let body = [[0, 0, 0, 0, 0, 0, 0, 0], [0, 3, 1, 0, 0, 0, 0, 0]];
            let sound = content
                .iter()
                .take(8)
                .enumerate()
                .all(|(at, byte)| *byte >= body[0][at] && *byte <= body[1][at]);
            match content.len() {
                _ if !sound => Err(Guess::No),
                0..8 => Err(Guess::Maybe),
                _ => Ok(true),
            }
        }
        STDOUT if header.content > 4 => {
            let name = content
                .iter()
                .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'-')
                .count();
            match content.get(name) {
                Some(b':') if name > 3 => Ok(false),
                None if name < 40 => Err(Guess::Maybe),
                _ => Err(Guess::No),
            }
        }
        _ => Err(Guess::No),
    }
}

pub fn guess(opening: &Opening<'_>) -> Guess {
    match look(opening.bytes) {
        Ok(by_client) if by_client == opening.from_client => Guess::Yes,
        Ok(_) => Guess::Reversed,
        Err(guess) => guess,
    }
}

/// The parser for the table.
pub fn parser(_: &Opening<'_>) -> Box<dyn Parser> {
    Box::new(FastCgi::default())
}

/// What is being read in one direction.
#[derive(Debug, Default)]
struct Side {
    /// Bytes still to come of this record's content, which has no meaning besides its size (of a body) or none at all.
    left: usize,
    /// Bytes of padding behind them.
    padding: usize,
    /// They are a body's.
    is_body: bool,
    /// Bytes of parameters still to come in this record, and of a long pair that goes on over records.
    params: usize,
    pass: usize,
    /// The first part of a pair, or of an answer's head, whose rest is in the next record.
    carry: Vec<u8>,
    /// What was complained of behind the answer's head, and whether that tells an error.
    late: Vec<u8>,
    has_failed: bool,
    /// The request that goes on.
    id: u64,
    /// The head of its message was told.
    told: bool,
}

/// Reads one connection.
#[derive(Debug, Default)]
pub struct FastCgi {
    sides: [Side; 2],
    context: Context,
    /// A text of a file with a query behind it is better than none.
    has_uri: bool,
}

impl Parser for FastCgi {
    fn parse(&mut self, input: Input<'_>, facts: &mut Facts) -> Step {
        let side = &mut self.sides[usize::from(!input.from_client)];
        if side.left > 0 {
            let size = side.left.min(input.bytes.len());
            side.left -= size;
            return side.content(size);
        }
        if side.params > 0 {
            return self.pairs(input.bytes, facts);
        }
        if side.padding > 0 {
            let size = side.padding.min(input.bytes.len());
            side.padding -= size;
            // Padding behind the last record of a message belongs to none.
            return if side.told {
                side.part(size, 0, false)
            } else {
                Step::Took { size }
            };
        }
        let Some(header) = input.bytes.first_chunk() else {
            return Step::More;
        };
        match Header::read(header) {
            Some(header) if input.from_client => self.request(&header, input, facts),
            Some(header) => self.answer(&header, input, facts),
            None => Step::Lost { size: 1 },
        }
    }

    fn resync(&mut self, from_client: bool, bytes: &[u8]) -> Resync {
        self.sides[usize::from(!from_client)] = Side::default();
        for at in memchr::memchr_iter(1, bytes) {
            match look(&bytes[at..]) {
                Ok(by_client) if by_client == from_client => return Resync::At(at),
                Err(Guess::Maybe) => return Resync::Drop(at),
                _ => {}
            }
        }
        Resync::Drop(bytes.len())
    }

    fn gap(&mut self, from_client: bool, missing: u64) -> bool {
        let side = &mut self.sides[usize::from(!from_client)];
        let inside = missing < side.left as u64;
        if inside {
            side.left -= missing as usize;
        }
        inside
    }

    fn heap_bytes(&self) -> usize {
        self.sides.iter().map(|side| side.carry.capacity() + side.late.capacity()).sum()
    }
}

impl Side {
    fn part(&self, size: usize, content: usize, end: bool) -> Step {
        Step::Part {
            size,
            content,
            key: self.id,
            end,
        }
    }

    /// Bytes of content that is not read.
    fn content(&self, size: usize) -> Step {
        match (self.is_body, self.told) {
            (true, _) => self.part(size, size, false),
            (false, true) => self.part(size, 0, false),
            (false, false) => Step::Took { size },
        }
    }

    /// Passes over a record's content.
    fn skip(&mut self, header: &Header, is_body: bool) {
        (self.left, self.padding, self.is_body) = (header.content, header.padding, is_body);
    }
}

impl FastCgi {
    fn request(&mut self, header: &Header, input: Input<'_>, facts: &mut Facts) -> Step {
        let side = &mut self.sides[0];
        let id = u64::from(header.id);
        match header.kind {
            BEGIN => {
                *side = Side { id, ..Side::default() };
                (self.context, self.has_uri) = (Context::default(), false);
                side.skip(header, false);
                Step::Took { size: HEADER }
            }
            PARAMS if header.content > 0 && !side.told => {
                (side.params, side.padding) = (header.content, header.padding);
                Step::Took { size: HEADER }
            }
            PARAMS if !side.told => {
                (side.id, side.told, side.padding) = (id, true, header.padding);
                (facts.key, facts.request_id) = (id, id);
                facts.put(Slot::Version, b"1");
                put_endpoint(facts, input.settings.http_endpoint_segments);
                Step::Message {
                    size: HEADER,
                    kind: Kind::Request,
                    body: Body::Parts,
                }
            }
            STDIN if header.content == 0 && side.told => {
                let size = HEADER + header.padding;
                if input.bytes.len() < size {
                    return Step::More;
                }
                side.told = false;
                side.part(size, 0, true)
            }
            _ => {
                side.skip(header, header.kind == STDIN);
                if side.told {
                    side.part(HEADER, 0, false)
                } else {
                    Step::Skip { size: HEADER }
                }
            }
        }
    }

    /// One pair of parameters.
    fn pairs(&mut self, bytes: &[u8], facts: &mut Facts) -> Step {
        let side = &mut self.sides[0];
        let here = &bytes[..bytes.len().min(side.params)];
        if side.pass > 0 {
            let size = side.pass.min(here.len());
            (side.pass, side.params) = (side.pass - size, side.params - size);
            return Step::Took { size };
        }
        let is_last = here.len() == side.params;
        let mut carry = std::mem::take(&mut side.carry);
        let before = carry.len();
        let joined = if before > 0 {
            carry.extend_from_slice(&here[..here.len().min(MAX_PAIR)]);
            &carry
        } else {
            here
        };
        let size = match pair(joined) {
            Pair::Whole { name, value, size } => {
                self.has_uri |= param(name, value, self.has_uri, &mut self.context, facts);
                size - before
            }
            Pair::Long { size } => {
                side.pass = (size - before).saturating_sub(here.len());
                (size - before).min(here.len())
            }
            // The rest is in the next record.
            Pair::Short if is_last => {
                if before == 0 {
                    carry.extend_from_slice(here);
                }
                side.carry = carry;
                here.len()
            }
            Pair::Short => {
                carry.truncate(before);
                side.carry = carry;
                return Step::More;
            }
        };
        side.params -= size;
        Step::Took { size }
    }

    fn answer(&mut self, header: &Header, input: Input<'_>, facts: &mut Facts) -> Step {
        let side = &mut self.sides[1];
        let id = u64::from(header.id);
        if side.id != id {
            (side.id, side.told) = (id, false);
            (side.carry, side.late) = (Vec::new(), Vec::new());
        }
        (facts.key, facts.request_id) = (id, id);
        let here = input.bytes.get(HEADER..).unwrap_or_default();
        let here = &here[..here.len().min(header.content)];
        match header.kind {
            STDOUT if !side.told && header.content > 0 => {
                let mut lines = std::mem::take(&mut side.carry);
                let before = lines.len();
                // What is behind the longest head does not tell where it ends: it may not have come yet.
                let here = &here[..here.len().min(MAX_HEAD - before)];
                let joined = if before > 0 {
                    lines.extend_from_slice(here);
                    &lines
                } else {
                    here
                };
                let end = match end_of_head(joined) {
                    Some(end) => end,
                    None if here.len() < header.content && joined.len() < MAX_HEAD => {
                        lines.truncate(before);
                        side.carry = lines;
                        return Step::More;
                    }
                    None if joined.len() >= MAX_HEAD => joined.len(),
                    // Programs that write line by line have a record for each.
                    None => {
                        if before == 0 {
                            lines.extend_from_slice(here);
                        }
                        side.carry = lines;
                        (side.left, side.padding, side.is_body) = (0, header.padding, false);
                        return Step::Took { size: HEADER + here.len() };
                    }
                };
                head(&joined[..end], facts);
                let size = end - before;
                (side.told, side.has_failed) = (true, matches!(facts.status, Status::ClientError | Status::ServerError));
                (side.left, side.padding, side.is_body) = (header.content - size, header.padding, true);
                Step::Message {
                    size: HEADER + size,
                    kind: Kind::Response,
                    body: Body::Parts,
                }
            }
            STDERR if !side.told && header.content > 0 => {
                let told = header.content.min(MAX_ERROR);
                if here.len() < told {
                    return Step::More;
                }
                facts.put(Slot::Exception, here[..told].trim_ascii());
                (side.left, side.padding, side.is_body) = (header.content - told, header.padding, false);
                Step::Took { size: HEADER + told }
            }
            STDERR if header.content > 0 && side.late.is_empty() => {
                let told = header.content.min(MAX_ERROR);
                if here.len() < told {
                    return Step::More;
                }
                side.late.extend_from_slice(here[..told].trim_ascii());
                (side.left, side.padding, side.is_body) = (header.content - told, header.padding, false);
                side.part(HEADER + told, 0, false)
            }
            END => {
                let Some(size) = input.bytes.get(..HEADER + header.content + header.padding).map(<[u8]>::len) else {
                    return Step::More;
                };
                let (lines, late) = (std::mem::take(&mut side.carry), std::mem::take(&mut side.late));
                if std::mem::take(&mut side.told) {
                    if late.is_empty() {
                        return side.part(size, 0, true);
                    }
                    if side.has_failed {
                        facts.put(Slot::Exception, &late);
                    } else {
                        facts.attribute("fastcgi.stderr", &late);
                    }
                    return Step::Tail { size, key: id };
                }
                if lines.is_empty() {
                    ended(here, facts);
                } else {
                    head(&lines, facts);
                }
                Step::Message {
                    size,
                    kind: Kind::Response,
                    body: Body::Bytes(0),
                }
            }
            _ => {
                side.skip(header, header.kind == STDOUT);
                if side.told {
                    side.part(HEADER, 0, false)
                } else if matches!(header.kind, STDOUT | STDERR) {
                    Step::Took { size: HEADER }
                } else {
                    Step::Skip { size: HEADER }
                }
            }
        }
    }
}

enum Pair<'a> {
    Whole {
        name: &'a [u8],
        value: &'a [u8],
        size: usize,
    },
    /// Too long to be kept.
    Long {
        size: usize,
    },
    Short,
}

/// The pair at the front of parameters; lengths have one byte, or four of which the first has its highest bit set.
fn pair(bytes: &[u8]) -> Pair<'_> {
    let mut rest = Bytes(bytes);
    let mut length = || {
        let first = *rest.0.first()?;
        if first < 0x80 {
            rest.u8().map(u32::from)
        } else {
            rest.u32().map(|long| long & 0x7fff_ffff)
        }
    };
    let (Some(name), Some(value)) = (length(), length()) else {
        return Pair::Short;
    };
    let size = (bytes.len() - rest.0.len()) as u64 + u64::from(name) + u64::from(value);
    if size > MAX_PAIR as u64 {
        return Pair::Long { size: size as usize };
    }
    match (rest.take(name as usize), rest.take(value as usize)) {
        (Some(name), Some(value)) => Pair::Whole {
            name,
            value,
            size: size as usize,
        },
        _ => Pair::Short,
    }
}

/// Takes what a parameter says; tells whether it was the request's own address.
fn param(name: &[u8], value: &[u8], has_uri: bool, context: &mut Context, facts: &mut Facts) -> bool {
    match name {
        _ if value.is_empty() => {}
        b"REQUEST_METHOD" => facts.put(Slot::RequestType, value),
        b"REQUEST_URI" => facts.put(Slot::Resource, value),
        b"SCRIPT_NAME" if !has_uri => facts.put(Slot::Resource, value),
        b"SCRIPT_FILENAME" => facts.attribute("fastcgi.script", value),
        b"HTTP_HOST" => facts.put(Slot::Domain, value),
        b"SERVER_NAME" => facts.put_first(Slot::Domain, value),
        b"HTTP_USER_AGENT" => facts.put(Slot::UserAgent, value),
        b"HTTP_REFERER" => facts.put(Slot::Referer, value),
        b"HTTP_X_FORWARDED_FOR" => facts.put(Slot::ProxyClient, value),
        b"HTTP_X_REAL_IP" => facts.put_first(Slot::ProxyClient, value),
        b"CONTENT_LENGTH" => facts.length = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok()).unwrap_or(-1),
        _ => {
            if let Some(header) = name.strip_prefix(b"HTTP_").filter(|header| header.len() <= 20) {
                let mut dashed = [0; 20];
                for (to, from) in dashed.iter_mut().zip(header) {
                    *to = if *from == b'_' { b'-' } else { *from };
                }
                context.pair(&dashed[..header.len()], value, facts);
            }
        }
    }
    name == b"REQUEST_URI"
}

/// Where an answer's head is over: behind an empty line.
fn end_of_head(bytes: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'\n', bytes).find_map(|at| match bytes[at + 1..] {
        [b'\n', ..] => Some(at + 2),
        [b'\r', b'\n', ..] => Some(at + 3),
        _ => None,
    })
}

/// An answer's head: header lines, of which `Status` is 200 where it is not said.
fn head(lines: &[u8], facts: &mut Facts) {
    let (mut code, mut is_redirect) = (None, false);
    for line in lines.split(|byte| *byte == b'\n') {
        let Some(colon) = memchr::memchr(b':', line) else { continue };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        let number = || {
            let digits = value.split(|byte| *byte == b' ').next().unwrap_or_default();
            std::str::from_utf8(digits).ok()?.parse::<i64>().ok()
        };
        if name.eq_ignore_ascii_case(b"status") {
            code = number();
        } else if name.eq_ignore_ascii_case(b"content-length") {
            facts.length = number().unwrap_or(-1);
        } else if name.eq_ignore_ascii_case(b"x-request-id") {
            facts.put(Slot::XRequestId, value);
        } else if name.eq_ignore_ascii_case(b"location") {
            is_redirect = true;
        }
    }
    facts.code = code.unwrap_or(if is_redirect { 302 } else { 200 }) as i32;
    facts.status = match facts.code {
        400..=499 => Status::ClientError,
        500..=599 => Status::ServerError,
        _ => Status::Ok,
    };
    if facts.status == Status::Ok && !facts.get(Slot::Exception).is_empty() {
        let told = facts.get(Slot::Exception).as_bytes().to_vec();
        facts.attribute("fastcgi.stderr", &told);
        facts.put(Slot::Exception, b"");
    }
}

/// An answer without a head says how it ended.
fn ended(content: &[u8], facts: &mut Facts) {
    let reason: &[u8] = match content.get(4) {
        Some(1) => b"FCGI_CANT_MPX_CONN",
        Some(2) => b"FCGI_OVERLOADED",
        Some(3) => b"FCGI_UNKNOWN_ROLE",
        _ => b"no answer",
    };
    facts.status = Status::ServerError;
    facts.put_first(Slot::Exception, reason);
}
