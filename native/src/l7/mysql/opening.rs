//! How a connection is recognised, from its beginning and from its middle.

use super::packet::{HEADER, header, zero_ended};
use super::request::LOGIN_FRONT;
use super::{command, compressed};
use crate::l7::parser::{Guess, Opening, Resync};

const PROTOCOL_41: u32 = 1 << 9;

/// A greeting, a refusal, a login, or a command that fills its packet.
pub fn guess(opening: &Opening<'_>) -> Guess {
    match (compressed::is_frame(opening.bytes), plain(opening)) {
        (Some(true), _) if opening.from_client => Guess::Yes,
        (Some(true), _) => Guess::Reversed,
        (None, Guess::No) => Guess::Maybe,
        (_, guess) => guess,
    }
}

fn plain(opening: &Opening<'_>) -> Guess {
    let (server, client) = match opening.from_client {
        true => (Guess::Reversed, Guess::Yes),
        false => (Guess::Yes, Guess::Reversed),
    };
    let bytes = opening.bytes;
    let Some((length, sequence)) = header(bytes) else {
        return if bytes.get(2).is_none_or(|high| *high == 0) {
            Guess::Maybe
        } else {
            Guess::No
        };
    };
    let payload = &bytes[HEADER..];
    let whole = payload.len() == length;
    match (sequence, payload.first()) {
        _ if length == 0 => Guess::No,
        (0 | 1, None) => Guess::Maybe,
        (0, Some(10)) if (30..300).contains(&length) => match is_greeting(payload) {
            Some(true) => server,
            Some(false) => Guess::No,
            None => Guess::Maybe,
        },
        (0, Some(0xff)) if length < 512 => match (whole, is_refusal(payload)) {
            (true, true) => server,
            (false, true) => Guess::Maybe,
            _ => Guess::No,
        },
        (0, Some(_)) => {
            // A long statement is not waited for.
            let enough = payload.len() >= length.min(64);
            match (command::is_plausible(payload, length), enough) {
                (true, true) if payload.len() <= length || payload.get(length + 3) == Some(&0) => match is_certain(payload, length) {
                    true => client,
                    false => Guess::No,
                },
                (true, false) => Guess::Maybe,
                _ => Guess::No,
            }
        }
        (1, Some(_)) if (LOGIN_FRONT..4096).contains(&length) => match (payload.len() >= LOGIN_FRONT, is_response(payload)) {
            (true, true) => client,
            (false, true) => Guess::Maybe,
            _ => Guess::No,
        },
        _ => Guess::No,
    }
}

/// Whether this is where a connection begins.
pub fn is_login(opening: &Opening<'_>) -> bool {
    let payload = opening.bytes.get(HEADER..).unwrap_or_default();
    opening.bytes.get(3) == Some(&1) || matches!(payload.first(), Some(10 | 0xff))
}

/// A server's version, a thread id, and eight random bytes with a zero behind them.
fn is_greeting(payload: &[u8]) -> Option<bool> {
    let text = &payload[1..payload.len().min(65)];
    if !text.iter().take_while(|byte| **byte != 0).all(u8::is_ascii_graphic) || !text.first().is_none_or(u8::is_ascii_digit) {
        return Some(false);
    }
    let Some((version, rest)) = zero_ended(text) else {
        return if text.len() < 64 { None } else { Some(false) };
    };
    let dots = version.iter().filter(|byte| **byte == b'.').count();
    rest.get(12).map(|filler| dots >= 1 && *filler == 0)
}

/// An error before the greeting.
fn is_refusal(payload: &[u8]) -> bool {
    let code = payload.get(1..3).map_or(1040, |code| u16::from_le_bytes([code[0], code[1]]));
    (1000..5000).contains(&code) && payload.iter().skip(3).all(|byte| matches!(byte, b' '..=b'~'))
}

/// Capabilities of this century, and the zeros that are reserved.
fn is_response(payload: &[u8]) -> bool {
    let capabilities = payload.first_chunk::<4>().map_or(PROTOCOL_41, |four| u32::from_le_bytes(*four));
    capabilities & PROTOCOL_41 != 0 && payload.iter().take(28).skip(9).all(|byte| *byte == 0)
}

/// Statements begin with a word; executions name one round.
pub(super) fn is_certain(payload: &[u8], length: usize) -> bool {
    match payload[0] {
        command::QUERY | command::STMT_PREPARE => {
            let text = payload[1..].strip_prefix(b"\x00\x01").unwrap_or(&payload[1..]).trim_ascii_start();
            let word = text.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
            (2..=12).contains(&word) && text.get(word).is_none_or(|byte| b" \t\r\n(*;".contains(byte))
                || text.starts_with(b"/*")
                || text.starts_with(b"(")
        }
        command::STMT_EXECUTE => payload.get(5).is_some_and(|flags| *flags < 8) && payload.get(6..10) == Some(&[1, 0, 0, 0]),
        command::PING | command::STATISTICS | command::STMT_CLOSE | command::STMT_RESET | command::INIT_DB => length + HEADER <= 300,
        _ => false,
    }
}

/// A packet that starts at the front, as most segments do.
pub fn resync(from_client: bool, bytes: &[u8]) -> Resync {
    let Some((length, sequence)) = header(bytes) else {
        return Resync::Drop(0);
    };
    let Some(&first) = bytes.get(HEADER) else { return Resync::Drop(0) };
    let payload = &bytes[HEADER..];
    let fits = if from_client {
        sequence == 0 && command::is_plausible(payload, length)
    } else {
        sequence == 1
            && match first {
                0x00 => (7..1024).contains(&length),
                0xff => length < 1024,
                0xfe => length == 5,
                _ => length <= 9,
            }
    };
    if fits { Resync::At(0) } else { Resync::Drop(bytes.len()) }
}
