//! What Redis looks like from the outside: at the start of a flow, and after a loss.

use crate::l7::parser::{Guess, Opening, Resync};
use crate::l7::table::TCP;

const PORT: u16 = 6379;
/// Names of commands are short.
const MAX_NAME: usize = 32;
/// Commands that people type, where no array says that it is Redis.
const TYPED: &str =
    "PING AUTH INFO GET SET SELECT QUIT ECHO EXISTS MONITOR CONFIG CLIENT MULTI DEL INCR KEYS HELLO COMMAND SUBSCRIBE PUBLISH DBSIZE MGET";

/// First bytes of the values that servers send.
pub fn is_type(byte: u8) -> bool {
    matches!(
        byte,
        b'+' | b'-' | b':' | b'$' | b'*' | b'_' | b'#' | b',' | b'(' | b'!' | b'=' | b'%' | b'~' | b'>' | b'|'
    )
}

/// An array of bulk strings, the first of which can be a command, says it all. Lines and answers are believed on the usual port only.
pub fn guess(opening: &Opening<'_>) -> Guess {
    debug_assert_eq!(opening.transport, TCP);
    let ports = [opening.client_port, opening.server_port];
    // Taken up in the middle, with the ends confused.
    let is_turned = ports[0] == PORT && ports[1] != PORT;
    let yes = if is_turned { Guess::Reversed } else { Guess::Yes };
    let from_client = opening.from_client != is_turned;
    match (command(opening.bytes), from_client) {
        (Guess::Yes, true) => yes,
        (Guess::Yes, false) if ports.contains(&PORT) => yes,
        (Guess::Maybe, true) => Guess::Maybe,
        _ if !ports.contains(&PORT) => Guess::No,
        (_, true) => typed(opening.bytes),
        (_, false) if is_answer(opening.bytes) == Guess::Yes => yes,
        (_, false) => is_answer(opening.bytes),
    }
}

/// A head with its number: what comes behind it, `Err(true)` where it may still become one.
fn head(bytes: &[u8], kind: u8) -> Result<(u64, &[u8]), bool> {
    let [first, rest @ ..] = bytes else { return Err(true) };
    if *first != kind {
        return Err(false);
    }
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let value = rest[..digits].iter().fold(0_u64, |value, digit| {
        value.saturating_mul(10).saturating_add(u64::from(digit - b'0'))
    });
    match &rest[digits..] {
        _ if digits > 7 => Err(false),
        [] | [b'\r'] if digits > 0 || rest.is_empty() => Err(true),
        [b'\r', b'\n', behind @ ..] if digits > 0 && value > 0 => Ok((value, behind)),
        _ => Err(false),
    }
}

/// Whether an array of bulk strings begins here that can be a command.
fn command(bytes: &[u8]) -> Guess {
    let name = head(bytes, b'*').and_then(|(_, behind)| head(behind, b'$'));
    match name {
        Err(true) => Guess::Maybe,
        Ok((length, behind)) if length as usize <= MAX_NAME => {
            let length = length as usize;
            let seen = &behind[..behind.len().min(length)];
            let fits = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
            let end = behind.get(length..(length + 2).min(behind.len())).unwrap_or_default();
            match seen.iter().all(fits) && seen.first().is_none_or(u8::is_ascii_alphabetic) && b"\r\n".starts_with(end) {
                false => Guess::No,
                true if end.len() == 2 => Guess::Yes,
                true => Guess::Maybe,
            }
        }
        _ => Guess::No,
    }
}

fn typed(bytes: &[u8]) -> Guess {
    let name = bytes.split(|byte| matches!(byte, b' ' | b'\r' | b'\n')).next().unwrap_or_default();
    let is_whole = name.len() < bytes.len();
    let fits = |known: &[u8]| match is_whole {
        true => known.eq_ignore_ascii_case(name),
        false => known.len() >= name.len() && known[..name.len()].eq_ignore_ascii_case(name),
    };
    match TYPED.split(' ').any(|known| fits(known.as_bytes())) {
        false => Guess::No,
        true if is_whole => Guess::Yes,
        true => Guess::Maybe,
    }
}

/// Whether a value that servers send begins here.
fn is_answer(bytes: &[u8]) -> Guess {
    let [kind, rest @ ..] = bytes else { return Guess::Maybe };
    if !is_type(*kind) {
        return Guess::No;
    }
    let end = memchr::memchr(b'\r', &rest[..rest.len().min(1024)]);
    let text = &rest[..end.unwrap_or(rest.len().min(1024))];
    let fits = match kind {
        b'+' | b'-' => text.iter().all(|byte| !byte.is_ascii_control()),
        b':' | b'$' | b'*' | b'%' | b'~' | b'>' | b'|' | b'=' | b'!' => {
            text.len() <= 20 && text.iter().all(|byte| byte.is_ascii_digit() || *byte == b'-') && (end.is_none() || !text.is_empty())
        }
        b'_' => text.is_empty(),
        b'#' => matches!(text, b"" | b"t" | b"f"),
        _ => text.len() <= 400 && text.iter().all(u8::is_ascii_graphic),
    };
    match fits {
        false => Guess::No,
        true if end.is_some() => Guess::Yes,
        true => Guess::Maybe,
    }
}

/// Where a command begins after a loss.
pub fn find_command(bytes: &[u8]) -> Resync {
    for at in memchr::memchr_iter(b'*', bytes) {
        if at > 0 && bytes[at - 1] != b'\n' {
            continue;
        }
        match command(&bytes[at..]) {
            Guess::Yes => return Resync::At(at),
            Guess::Maybe => return Resync::Drop(at),
            _ => {}
        }
    }
    Resync::Drop(bytes.len())
}

/// Where an answer begins after a loss. An array's elements look like answers, so it is one only when a question came before it; messages are
/// known by their names.
pub fn find_answer(bytes: &[u8], asked: bool, subscribed: bool) -> Resync {
    if asked {
        return match is_answer(bytes) {
            Guess::Yes => Resync::At(0),
            Guess::Maybe => Resync::Drop(0),
            _ => Resync::Drop(bytes.len()),
        };
    }
    if !subscribed {
        return Resync::Drop(bytes.len());
    }
    const MESSAGES: [&[u8]; 4] = [
        b"*3\r\n$7\r\nmessage\r\n",
        b"*4\r\n$8\r\npmessage\r\n",
        b">3\r\n$7\r\nmessage\r\n",
        b">4\r\n$8\r\npmessage\r\n",
    ];
    for at in memchr::memchr2_iter(b'*', b'>', bytes) {
        for message in MESSAGES {
            let seen = &bytes[at..bytes.len().min(at + message.len())];
            if message == seen {
                return Resync::At(at);
            }
            if message.starts_with(seen) {
                return Resync::Drop(at);
            }
        }
    }
    Resync::Drop(bytes.len())
}
