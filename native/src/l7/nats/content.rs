//! What stands behind a control line: headers, answers of JetStream, and the objects of greetings.

use super::control::number;
use crate::l7::Status;
use crate::l7::context::Context;
use crate::l7::facts::{Facts, Slot};
use memchr::memmem;

/// Reads the headers of a message: trace context, and how a request ended.
pub fn headers(block: &[u8], is_answer: bool, facts: &mut Facts) {
    let mut lines = block.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let status = lines.next().and_then(|line| line.strip_prefix(b"NATS/1.0"));
    if let Some(status) = status.map(<[u8]>::trim_ascii).filter(|status| !status.is_empty()) {
        let (code, text) = status.split_at(status.len().min(3));
        let text = text.trim_ascii();
        let no_responders = code == b"503" && text.is_empty();
        failed(number(code), if no_responders { b"No Responders" } else { text }, is_answer, facts);
    }
    let mut context = Context::default();
    let (mut code, mut text): (Option<u64>, &[u8]) = (None, b"");
    for line in lines {
        let Some(colon) = memchr::memchr(b':', line) else { continue };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        context.pair(name, value, facts);
        if name.first().is_some_and(|first| first | 0x20 == b'n') {
            if name.eq_ignore_ascii_case(b"Nats-Service-Error-Code") {
                code = number(value);
            } else if name.eq_ignore_ascii_case(b"Nats-Service-Error") {
                text = value;
            } else if name.eq_ignore_ascii_case(b"Nats-Msg-Id") {
                facts.attribute("messaging.message.id", value);
            }
        }
    }
    if code.is_some() || !text.is_empty() {
        failed(code.or(Some(500)), text, is_answer, facts);
    }
}

/// A code as in HTTP; 100 is a heartbeat.
fn failed(code: Option<u64>, text: &[u8], is_answer: bool, facts: &mut Facts) {
    let Some(code) = code.filter(|code| *code >= 400) else { return };
    facts.code = code as i32;
    facts.put(Slot::Exception, text);
    if is_answer {
        facts.status = if code < 500 { Status::ClientError } else { Status::ServerError };
    }
}

/// What JetStream says in an answer: where a message was stored, or why something could not be done.
pub fn answer(payload: &[u8], facts: &mut Facts) {
    let is_stored = payload.starts_with(b"{\"stream\":");
    if !is_stored && !payload.starts_with(b"{\"error\":") && !payload.starts_with(b"{\"type\":\"io.nats.") {
        return;
    }
    let error = memmem::find(payload, b"\"error\":").map(|at| &payload[at + 8..]);
    if let Some(error) = error.filter(|error| error.first() == Some(&b'{')) {
        let Some(code) = integer(error, b"\"err_code\":") else { return };
        facts.attribute("nats.error_code", code);
        let text = text(error, b"\"description\":").unwrap_or_default();
        failed(integer(error, b"\"code\":").and_then(number), text, true, facts);
    } else if let (true, Some(stream), Some(sequence)) = (is_stored, text(payload, b"\"stream\":"), integer(payload, b"\"seq\":")) {
        facts.put(Slot::Result, stream);
        facts.extend(Slot::Result, b":");
        facts.extend(Slot::Result, sequence);
    }
}

/// What a consumer makes of a message: `+ACK`, `-NAK`, `+TERM` …; saying nothing means the first.
pub fn acknowledgement(payload: &[u8], facts: &mut Facts) {
    let word = payload.split(|byte| *byte == b' ').next().unwrap_or_default();
    facts.put(Slot::Result, if word.is_empty() { b"+ACK" } else { &word[..word.len().min(8)] });
}

/// The text that follows `key` (with its quotes and colon) in an object.
pub fn text<'a>(object: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    let rest = behind(object, key)?.strip_prefix(b"\"")?;
    let mut end = 0;
    while *rest.get(end)? != b'"' {
        end += 1 + usize::from(rest[end] == b'\\');
    }
    Some(&rest[..end])
}

/// The digits that follow `key`.
fn integer<'a>(object: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    let rest = behind(object, key)?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (digits > 0).then_some(&rest[..digits])
}

/// Whether `true` follows `key`; nothing where there is no such key.
pub fn is_true(object: &[u8], key: &[u8]) -> Option<bool> {
    Some(behind(object, key)?.starts_with(b"true"))
}

fn behind<'a>(object: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    memmem::find(object, key).map(|at| object[at + key.len()..].trim_ascii_start())
}

/// Whether an error that the server tells is the client's own.
pub fn error_status(text: &[u8]) -> Status {
    let is = |needle: &[u8]| text.windows(needle.len()).any(|part| part.eq_ignore_ascii_case(needle));
    if is(b"connections exceeded") || is(b"server shutdown") || is(b"internal") || is(b"no responders") {
        Status::ServerError
    } else {
        Status::ClientError
    }
}
