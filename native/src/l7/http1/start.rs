//! Start lines: the request line and the status line.

use super::{put_endpoint, scan};
use crate::l7::L7Settings;
use crate::l7::Status;
use crate::l7::facts::{Facts, Slot};
use crate::l7::parser::{Guess, Kind, Resync};
use memchr::{memchr, memchr_iter, memmem, memrchr};

use super::MAX_LINE;

/// Methods by which an unknown flow is recognised; once it is, any token is a method.
const METHODS: [&[u8]; 24] = [
    b"GET",
    b"POST",
    b"PUT",
    b"HEAD",
    b"DELETE",
    b"OPTIONS",
    b"PATCH",
    b"CONNECT",
    b"TRACE",
    b"PROPFIND",
    b"PROPPATCH",
    b"MKCOL",
    b"COPY",
    b"MOVE",
    b"LOCK",
    b"UNLOCK",
    b"REPORT",
    b"SEARCH",
    b"PURGE",
    b"QUERY",
    b"LINK",
    b"UNLINK",
    b"MKCALENDAR",
    b"ACL",
];
const MAX_METHOD: usize = 32;

/// Methods that change what the response means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Method {
    Other = 0,
    Head = 1,
    Connect = 2,
}

impl Method {
    /// From `Facts::note`.
    pub fn of(note: u32) -> Method {
        match note {
            1 => Method::Head,
            2 => Method::Connect,
            _ => Method::Other,
        }
    }
}

/// A start line, taken apart.
pub enum StartLine<'a> {
    Request {
        method: &'a [u8],
        target: &'a [u8],
        version: &'a [u8],
    },
    Response {
        version: &'a [u8],
        code: i32,
        reason: &'a [u8],
    },
}

impl<'a> StartLine<'a> {
    /// `method SP target SP HTTP/1.x`; of a line that was too long only the front is there.
    #[inline(always)]
    pub fn request(line: &'a [u8], long: bool) -> Option<StartLine<'a>> {
        let front = &line[..line.len().min(MAX_METHOD)];
        let space = front.iter().position(|byte| !is_token(*byte))?;
        let (method, rest) = (&line[..space], &line[space + 1..]);
        if method.is_empty() || line[space] != b' ' {
            return None;
        }
        if long {
            return Some(StartLine::Request {
                method,
                target: rest,
                version: b"",
            });
        }
        let rest = match rest.last() {
            Some(last) if last.is_ascii_whitespace() => rest.trim_ascii_end(),
            _ => rest,
        };
        let (target, end) = rest.split_last_chunk::<9>()?;
        let ([b' ', b'H', b'T', b'T', b'P', b'/', version @ ..], b'0'..=b'9') = (end, end[8]) else {
            return None;
        };
        if version[..2] != *b"1." {
            return None;
        }
        let target = scan::trimmed(target);
        (!target.is_empty()).then_some(StartLine::Request { method, target, version })
    }

    /// `HTTP/1.x SP code [SP reason]`
    #[inline(always)]
    pub fn response(line: &'a [u8]) -> Option<StartLine<'a>> {
        let rest = line.strip_prefix(b"HTTP/")?;
        let ([b'1', b'.', minor, b' '], _) = rest.split_at_checked(4)? else {
            return None;
        };
        let ([a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9'], reason) = rest[4..].split_at_checked(3)? else {
            return None;
        };
        if !minor.is_ascii_digit() || !matches!(reason.first(), None | Some(b' ' | b'\t')) {
            return None;
        }
        let code = i32::from(a - b'0') * 100 + i32::from(b - b'0') * 10 + i32::from(c - b'0');
        Some(StartLine::Response {
            version: &rest[..3],
            code,
            reason,
        })
    }

    #[inline(always)]
    pub fn put(&self, facts: &mut Facts, settings: &L7Settings) {
        match *self {
            StartLine::Request { method, target, version } => {
                facts.note = match method {
                    b"HEAD" => Method::Head,
                    b"CONNECT" => Method::Connect,
                    _ => Method::Other,
                } as u32;
                facts.put(Slot::RequestType, method);
                facts.put(Slot::Version, version);
                put_target(facts, target);
                put_endpoint(facts, settings.http_endpoint_segments);
            }
            StartLine::Response { version, code, reason } => {
                facts.code = code;
                facts.status = match code {
                    400..500 => Status::ClientError,
                    500.. => Status::ServerError,
                    _ => Status::Ok,
                };
                facts.put(Slot::Version, version);
                if code >= 400 {
                    facts.put(Slot::Exception, reason.trim_ascii());
                }
            }
        }
    }
}

/// Splits an absolute target (what a proxy is asked for) into domain and path.
#[inline]
fn put_target(facts: &mut Facts, target: &[u8]) {
    if target.first() != Some(&b'/') {
        if facts.note == Method::Connect as u32 {
            facts.put(Slot::Domain, target);
        } else if let Some(scheme) = memmem::find(&target[..target.len().min(16)], b"://") {
            let rest = &target[scheme + 3..];
            let slash = memchr(b'/', rest).unwrap_or(rest.len());
            let user = memrchr(b'@', &rest[..slash]).map_or(0, |at| at + 1);
            facts.put(Slot::Domain, &rest[user..slash]);
            return facts.put(Slot::Resource, if slash < rest.len() { &rest[slash..] } else { b"/" });
        }
    }
    facts.put(Slot::Resource, target);
}

#[inline]
fn is_token(byte: u8) -> bool {
    const TOKEN: [bool; 256] = {
        let mut token = [false; 256];
        let mut byte = 0;
        while byte < 128 {
            token[byte] = (byte as u8).is_ascii_alphanumeric();
            byte += 1;
        }
        let others = b"!#$%&'*+-.^_`|~";
        let mut at = 0;
        while at < others.len() {
            token[others[at] as usize] = true;
            at += 1;
        }
        token
    };
    TOKEN[usize::from(byte)]
}

/// Whether an unfinished start line can still become one.
pub fn is_possible(bytes: &[u8], from_client: bool) -> bool {
    if from_client {
        let front = &bytes[..bytes.len().min(MAX_METHOD)];
        match memchr(b' ', front) {
            Some(space) => space > 0 && front[..space].iter().all(|byte| is_token(*byte)),
            None => bytes.len() < MAX_METHOD && front.iter().all(|byte| is_token(*byte)),
        }
    } else {
        is_status_line(bytes) != Some(false)
    }
}

/// Whether `bytes` begin with a status line; `None` where they end too early to say.
fn is_status_line(bytes: &[u8]) -> Option<bool> {
    const SHAPE: &[u8] = b"HTTP/1.d ddd";
    for (byte, shape) in bytes.iter().zip(SHAPE) {
        if !(byte == shape || *shape == b'd' && byte.is_ascii_digit()) {
            return Some(false);
        }
    }
    (bytes.len() >= SHAPE.len()).then_some(true)
}

/// Whether `bytes` begin with a request line whose method is known; `None` where they end too early to say.
fn is_request_line(bytes: &[u8]) -> Option<bool> {
    let Some(space) = memchr(b' ', &bytes[..bytes.len().min(MAX_METHOD)]) else {
        return if METHODS.iter().any(|method| method.starts_with(bytes)) {
            None
        } else {
            Some(false)
        };
    };
    if !METHODS.contains(&&bytes[..space]) {
        return Some(false);
    }
    // The first byte of a target, which servers find behind any number of spaces (RFC 9112, 3): of those that should not be, only the
    // end of the line tells.
    let target = bytes[space..].iter().find(|byte| **byte != b' ');
    match target {
        Some(byte) if !byte.is_ascii_graphic() => return Some(false),
        None if bytes.len() > MAX_LINE => return Some(false),
        None => return None,
        Some(_) => {}
    }
    match memchr(b'\n', bytes) {
        Some(end) if end <= MAX_LINE => {
            let text = &bytes[..end];
            Some(StartLine::request(text.strip_suffix(b"\r").unwrap_or(text), false).is_some())
        }
        None if bytes.len() <= MAX_LINE => None,
        _ => Some(target == Some(&b'/')),
    }
}

/// What the first bytes of a flow are.
pub fn guess(bytes: &[u8]) -> (Guess, Option<Kind>) {
    let blank = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count().min(4);
    let bytes = &bytes[blank..];
    let answers = [(is_request_line(bytes), Kind::Request), (is_status_line(bytes), Kind::Response)];
    for (answer, kind) in answers {
        match answer {
            Some(true) => return (Guess::Yes, Some(kind)),
            None => return (Guess::Maybe, Some(kind)),
            Some(false) => {}
        }
    }
    (Guess::No, None)
}

/// Looks for a request line at the front and behind each line end.
pub fn find_request(bytes: &[u8]) -> Resync {
    for at in std::iter::once(0).chain(memchr_iter(b'\n', bytes).map(|end| end + 1)) {
        match is_request_line(&bytes[at..]) {
            Some(true) => return Resync::At(at),
            None => return Resync::Drop(at),
            Some(false) => {}
        }
    }
    Resync::Drop(bytes.len())
}

/// Looks for a status line anywhere: it may follow a body directly, and nothing else looks like one.
pub fn find_response(bytes: &[u8]) -> Resync {
    for at in memmem::find_iter(bytes, b"HTTP/1.") {
        match is_status_line(&bytes[at..]) {
            Some(true) => return Resync::At(at),
            None => return Resync::Drop(at),
            Some(false) => {}
        }
    }
    // A status line may have begun with the last bytes.
    let tail = (1..7.min(bytes.len() + 1))
        .rev()
        .find(|length| bytes.ends_with(&b"HTTP/1."[..*length]));
    Resync::Drop(bytes.len() - tail.unwrap_or(0))
}
