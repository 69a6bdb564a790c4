//! How messages of Thrift begin: the frame around them, a THeader, the protocol's own head.

use crate::l7::frame::Bytes;
use crate::l7::parser::Guess;
use crate::l7::protobuf;

const MAX_FRAME: u32 = 64 << 20;
const MAX_NAME: u64 = 200;
/// Shorter names in front could be anything.
const MIN_BARE_NAME: u32 = 3;
const MAX_PAIRS: u64 = 64;
const HEADER: u8 = 0x0f;

pub const CALL: u8 = 1;
pub const REPLY: u8 = 2;
pub const EXCEPTION: u8 = 3;
pub const ONE_WAY: u8 = 4;

/// What could be read, or `Maybe` for too few bytes and `No` for wrong ones.
pub type Read<T> = Result<T, Guess>;

pub fn need<T>(value: Option<T>) -> Read<T> {
    value.ok_or(Guess::Maybe)
}

/// A number of seven bits a byte.
pub fn varint(rest: &mut Bytes<'_>) -> Read<u64> {
    match protobuf::varint(&mut rest.0) {
        Some(number) => Ok(number),
        None if rest.0.len() < 10 => Err(Guess::Maybe),
        None => Err(Guess::No),
    }
}

/// How fields are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// Version 1.
    Binary,
    /// The binary coding without its version.
    Old,
    Compact,
}

/// A message's head.
#[derive(Debug)]
pub struct Head<'a> {
    pub coding: Coding,
    /// [`CALL`], [`REPLY`], [`EXCEPTION`] or [`ONE_WAY`].
    pub kind: u8,
    pub name: &'a [u8],
    pub sequence: u32,
    /// The fields.
    pub rest: Bytes<'a>,
}

impl Head<'_> {
    pub fn is_answer(&self) -> bool {
        matches!(self.kind, REPLY | EXCEPTION)
    }
}

fn name<'a>(rest: &mut Bytes<'a>, size: u64) -> Read<&'a [u8]> {
    if !(1..=MAX_NAME).contains(&size) {
        return Err(Guess::No);
    }
    let seen = &rest.0[..rest.0.len().min(size as usize)];
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b':' | b'-' | b'/');
    if seen.first().is_some_and(u8::is_ascii_digit) || !seen.iter().all(fits) {
        return Err(Guess::No);
    }
    need(rest.take(size as usize))
}

/// Reads the head of a message, and looks at the first field behind it.
pub fn head(bytes: &[u8]) -> Read<Head<'_>> {
    let mut rest = Bytes(bytes);
    let first = need(bytes.first().copied())?;
    let (coding, kind, name, sequence) = match first {
        0x82 => {
            rest.take(1);
            let second = need(rest.u8())?;
            if second & 0x1f != 1 || !(CALL..=ONE_WAY).contains(&(second >> 5)) {
                return Err(Guess::No);
            }
            let sequence = varint(&mut rest)? as u32;
            let size = varint(&mut rest)?;
            (Coding::Compact, second >> 5, name(&mut rest, size)?, sequence)
        }
        0x80 => {
            let wrong = |at: usize, right: u8| bytes.get(at).is_some_and(|byte| *byte != right);
            if wrong(1, 1) || wrong(2, 0) || bytes.get(3).is_some_and(|kind| !(CALL..=ONE_WAY).contains(kind)) {
                return Err(Guess::No);
            }
            let kind = need(rest.take(4))?[3];
            let size = need(rest.u32())?;
            let name = name(&mut rest, u64::from(size))?;
            (Coding::Binary, kind, name, need(rest.u32())?)
        }
        _ => {
            let size = need(rest.u32())?;
            if size < MIN_BARE_NAME {
                return Err(Guess::No);
            }
            let name = name(&mut rest, u64::from(size))?;
            (Coding::Old, need(rest.u8())?, name, need(rest.u32())?)
        }
    };
    let field = need(rest.0.first().copied())?;
    let is_field = match coding {
        Coding::Compact => field == 0 || matches!(field & 15, 1..=13),
        _ => matches!(field, 0 | 2..=4 | 6 | 8 | 10..=16),
    };
    if !is_field || !(CALL..=ONE_WAY).contains(&kind) {
        return Err(Guess::No);
    }
    Ok(Head {
        coding,
        kind,
        name,
        sequence,
        rest,
    })
}

/// Where the message of a frame begins: behind a THeader, whose pairs are handed on.
pub fn inside<'a>(frame: &'a [u8], pair: &mut dyn FnMut(&'a [u8], &'a [u8])) -> Read<&'a [u8]> {
    if frame.first() != Some(&HEADER) {
        return Ok(frame);
    }
    let mut rest = Bytes(frame);
    if need(rest.u16())? != 0x0fff {
        return Err(Guess::No);
    }
    // Flags and the sequence number, which the message repeats.
    need(rest.take(6))?;
    let size = usize::from(need(rest.u16())?) * 4;
    let mut words = Bytes(need(rest.take(size))?);
    let words = &mut words;
    let (protocol, transforms) = (varint(words), varint(words));
    // Transformed messages are compressed.
    if !matches!(protocol, Ok(0 | 2)) || transforms != Ok(0) {
        return Err(Guess::No);
    }
    while let Ok(1) = varint(words) {
        for _ in 0..varint(words).unwrap_or(0).min(MAX_PAIRS) {
            let mut text = || {
                let size = varint(words).ok()?;
                words.take(usize::try_from(size).ok()?)
            };
            let (Some(key), Some(value)) = (text(), text()) else { break };
            pair(key, value);
        }
    }
    Ok(rest.0)
}

/// The size of the frame that comes, where one does; of a bare message `None`.
pub fn framed(bytes: &[u8]) -> Read<Option<u32>> {
    match bytes.first() {
        Some(0x80 | 0x82) => return Ok(None),
        Some(0..=4) => {}
        _ => return Err(if bytes.is_empty() { Guess::Maybe } else { Guess::No }),
    }
    let size = need(Bytes(bytes).u32())?;
    match need(bytes.get(4).copied())? {
        0x80 | 0x82 | HEADER | 0 if (8..=MAX_FRAME).contains(&size) => Ok(Some(size)),
        // A name: what was taken for a frame's size is its length.
        byte if byte.is_ascii_alphabetic() && u64::from(size) <= MAX_NAME => Ok(None),
        _ => Err(Guess::No),
    }
}

/// A head that can be read, and the size of the frame around it.
pub fn look(bytes: &[u8]) -> Read<(Head<'_>, Option<u32>)> {
    let frame = framed(bytes)?;
    let message = match frame {
        Some(size) => inside(&bytes[4..bytes.len().min(size as usize + 4)], &mut |_, _| {})?,
        None => bytes,
    };
    head(message).map(|head| (head, frame))
}
