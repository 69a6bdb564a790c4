//! gRPC over HTTP/2: what its status codes say (grpc.io, "Status codes and their use", "gRPC over HTTP2").

use crate::l7::Status;
use crate::l7::facts::{Facts, Slot};

const NAMES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// Sets a response's status; the name stands for what went wrong where no message says it.
pub fn put_status(code: i32, facts: &mut Facts) {
    facts.code = code;
    facts.status = match code {
        0 => Status::Ok,
        4 => Status::Timeout,
        2 | 12 | 13 | 14 | 15 => Status::ServerError,
        _ => Status::ClientError,
    };
    if code != 0 {
        let name = usize::try_from(code).ok().and_then(|code| NAMES.get(code));
        facts.put_first(Slot::Exception, name.copied().unwrap_or_default().as_bytes());
    }
}

/// Where something on the way answered in HTTP's words.
pub fn of_http(status: i32) -> i32 {
    match status {
        400 => 13,
        401 => 16,
        403 => 7,
        404 => 12,
        429 | 502 | 503 | 504 => 14,
        _ => 2,
    }
}

/// Where the stream was reset with this HTTP/2 error.
pub fn of_reset(error: u32) -> i32 {
    match error {
        7 => 14,
        8 => 1,
        11 => 8,
        12 => 7,
        _ => 13,
    }
}

/// `grpc-message`, which is percent-encoded.
pub fn put_message(value: &[u8], facts: &mut Facts) {
    if memchr::memchr(b'%', value).is_none() {
        return facts.put(Slot::Exception, value);
    }
    let digit = |at: usize| value.get(at).and_then(|byte| (*byte as char).to_digit(16));
    let (mut text, mut at) = (Vec::with_capacity(value.len()), 0);
    while at < value.len() {
        match (value[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                text.push((high << 4 | low) as u8);
                at += 3;
            }
            (byte, ..) => {
                text.push(byte);
                at += 1;
            }
        }
    }
    facts.put(Slot::Exception, &text);
}
