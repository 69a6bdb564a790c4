//! How a connection is recognised, and where reading goes on after a loss.

use super::HEADER;
use crate::l7::parser::{Guess, Opening, Resync};
use memchr::memmem;

pub const STARTUP: u32 = 3 << 16;
pub const CANCEL: u32 = 80_877_102;
pub const SSL: u32 = 80_877_103;
pub const GSS: u32 = 80_877_104;
const LARGEST: usize = 1 << 30;
/// Largest content of a message that has no more in it than a name or a command tag.
const LARGEST_NAMED: usize = 10_000;

/// Length (without what comes in front of it) and code of a message that a connection begins with.
pub fn startup(bytes: &[u8]) -> Option<(usize, u32)> {
    let four = |at: usize| Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk::<4>()?));
    let (length, code) = (four(0)? as usize, four(4)?);
    let fits = match code {
        SSL | GSS => length == 8,
        CANCEL => (16..=272).contains(&length),
        // Minor versions are negotiated. The name of a parameter follows, where there is any.
        _ => {
            let is_name = |first: &u8| first.is_ascii_alphabetic() || matches!(first, b'_') || *first == 0 && length == 9;
            code & 0xffff_0000 == STARTUP && code & 0xffff < 16 && (9..=10_000).contains(&length) && bytes.get(8).is_none_or(is_name)
        }
    };
    fits.then_some((length, code))
}

/// Kind and length of the content of a message.
#[inline]
pub fn header(bytes: &[u8]) -> Option<(u8, usize)> {
    let header = bytes.first_chunk::<HEADER>()?;
    let length = u32::from_be_bytes([header[1], header[2], header[3], header[4]]) as usize;
    Some((header[0], length.wrapping_sub(4)))
}

/// Whether a client can say a message of this kind with so many bytes of content.
#[inline]
pub fn from_client(kind: u8, length: usize) -> bool {
    match kind {
        b'H' | b'S' | b'X' | b'c' => length == 0,
        b'C' | b'D' | b'E' => (1..=LARGEST_NAMED).contains(&length),
        b'B' | b'F' | b'P' | b'Q' | b'd' | b'f' | b'p' => length <= LARGEST,
        _ => false,
    }
}

/// The same of a server.
#[inline]
pub fn from_server(kind: u8, length: usize) -> bool {
    match kind {
        b'1' | b'2' | b'3' | b'I' | b'c' | b'n' | b's' => length == 0,
        b'Z' => length == 1,
        b'C' => (1..=LARGEST_NAMED).contains(&length),
        b'A' | b'D' | b'E' | b'G' | b'H' | b'K' | b'N' | b'R' | b'S' | b'T' | b'V' | b'W' | b'd' | b't' | b'v' => length <= LARGEST,
        _ => false,
    }
}

/// A message that begins a connection, or whole messages that end as a turn does.
pub fn guess(opening: &Opening<'_>) -> Guess {
    let bytes = opening.bytes;
    let (client, server) = match opening.from_client {
        true => (Guess::Yes, Guess::Reversed),
        false => (Guess::Reversed, Guess::Yes),
    };
    if let Some((length, _)) = startup(bytes) {
        return if length > 8 && bytes.len() == 8 { Guess::Maybe } else { client };
    }
    if bytes.len() < 8 && bytes.first() == Some(&0) && bytes.get(1).is_none_or(|byte| *byte == 0) {
        return Guess::Maybe;
    }
    let Some(&kind) = bytes.first() else { return Guess::Maybe };
    if bytes.get(1).is_some_and(|byte| *byte != 0) {
        return Guess::No;
    }
    let (from_client, from_server) = (chain(bytes, from_client), chain(bytes, from_server));
    if from_client == Chain::Whole && (bytes.ends_with(b"S\0\0\0\x04") || is_query(bytes)) {
        return client;
    }
    if from_server == Chain::Whole && ends_ready(bytes) {
        return server;
    }
    if kind == b'Q' && from_client == Chain::Partial && bytes.len() > 64 && is_query(bytes) {
        return client;
    }
    match (from_client, from_server) {
        (Chain::Broken, Chain::Broken) => Guess::No,
        _ => Guess::Maybe,
    }
}

fn ends_ready(bytes: &[u8]) -> bool {
    bytes.len() >= 6 && bytes[..bytes.len() - 1].ends_with(b"Z\0\0\0\x05") && b"ITE".contains(&bytes[bytes.len() - 1])
}

/// The front is a simple query with text in it.
fn is_query(bytes: &[u8]) -> bool {
    let Some((b'Q', length)) = header(bytes) else { return false };
    let text = &bytes[HEADER..bytes.len().min(HEADER + length.min(64).saturating_sub(1))];
    !text.is_empty()
        && text.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n' | 0x80..))
        && bytes.get(HEADER + length - 1).is_none_or(|end| *end == 0)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Chain {
    /// The bytes are just so many messages.
    Whole,
    Partial,
    Broken,
}

fn chain(bytes: &[u8], fits: fn(u8, usize) -> bool) -> Chain {
    let mut at = 0;
    while at < bytes.len() {
        match header(&bytes[at..]) {
            Some((kind, length)) if fits(kind, length) => at += HEADER + length,
            Some(_) => return Chain::Broken,
            // Some kinds have no content, all others may have one byte.
            None if fits(bytes[at], 0) || fits(bytes[at], 1) => return Chain::Partial,
            None => return Chain::Broken,
        }
    }
    if at == bytes.len() { Chain::Whole } else { Chain::Partial }
}

/// Messages that start at the front, or what follows the end of a turn.
pub fn resync(is_client: bool, bytes: &[u8]) -> Resync {
    let fits = if is_client { from_client } else { from_server };
    match chain(bytes, fits) {
        Chain::Whole => return Resync::At(0),
        Chain::Partial if bytes.len() < HEADER => return Resync::Drop(0),
        Chain::Partial | Chain::Broken => {}
    }
    let end: &[u8] = if is_client { b"S\0\0\0\x04" } else { b"Z\0\0\0\x05" };
    let behind = end.len() + usize::from(!is_client);
    match memmem::find(bytes, end) {
        Some(at) if at + behind <= bytes.len() => Resync::At(at + behind),
        _ => Resync::Drop(bytes.len().saturating_sub(behind)),
    }
}
