//! Values of the binary and the compact coding: one of interest, and where a structure ends that nobody measured.

use super::head::{Read, need, varint};
use crate::l7::frame::Bytes;
use crate::l7::parser::Guess;

const MAX_DEPTH: usize = 32;
const MAX_COUNT: u64 = 1 << 30;
/// Fields of a structure are not counted.
const STRUCT: u32 = u32::MAX;

/// A field's value, as far as anyone wants to know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// A 32-bit number.
    Number(i32),
    Text(&'a [u8]),
    /// Its fields are next.
    Struct,
    Other,
}

/// Reads fields off the front of a structure.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a> {
    pub rest: Bytes<'a>,
    pub compact: bool,
    last: i16,
}

impl<'a> Fields<'a> {
    pub fn new(rest: Bytes<'a>, compact: bool) -> Fields<'a> {
        Fields { rest, compact, last: 0 }
    }

    /// The next field's id and what it says; `None` at the end, or where the bytes end.
    pub fn next(&mut self) -> Option<(i16, Value<'a>)> {
        let kind = field(&mut self.rest, self.compact, &mut self.last).ok()??;
        let value = match (kind, self.compact) {
            (12, _) => Value::Struct,
            (11, false) => Value::Text(self.rest.text32()?),
            (8, true) => {
                let size = varint(&mut self.rest).ok()?;
                Value::Text(self.rest.take(usize::try_from(size).ok()?)?)
            }
            (8, false) => Value::Number(self.rest.u32()? as i32),
            (5, true) => Value::Number(zigzag(varint(&mut self.rest).ok()?) as i32),
            _ => Value::Other,
        };
        Some((self.last, value))
    }
}

fn zigzag(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

/// Reads a field's front: its type, and its id to `last`; `None` where the structure ends.
fn field(rest: &mut Bytes<'_>, compact: bool, last: &mut i16) -> Read<Option<u8>> {
    let first = need(rest.u8())?;
    if first == 0 {
        return Ok(None);
    }
    if !compact {
        *last = need(rest.u16())? as i16;
        return Ok(Some(first));
    }
    *last = match first >> 4 {
        0 => zigzag(varint(rest)?) as i16,
        step => last.wrapping_add(i16::from(step)),
    };
    Ok(Some(first & 15))
}

/// Something that is open: how many values are to come in it, and of which types, in turn.
#[derive(Clone, Copy, Debug, Default)]
struct Level {
    left: u32,
    kinds: [u8; 2],
}

/// What a value's front says of the rest of it.
enum Begun {
    Done,
    /// This many bytes follow.
    Bytes(u64),
    Level(Level),
}

/// Finds the end of a structure that comes in pieces of any size.
#[derive(Clone, Debug)]
pub struct Walk {
    levels: [Level; MAX_DEPTH],
    depth: usize,
    /// Bytes to be passed over first.
    bytes: u64,
    compact: bool,
}

impl Walk {
    pub fn new(compact: bool) -> Walk {
        let mut levels = [Level::default(); MAX_DEPTH];
        levels[0].left = STRUCT;
        Walk {
            levels,
            depth: 1,
            bytes: 0,
            compact,
        }
    }

    /// Whether the structure has ended.
    pub fn is_over(&self) -> bool {
        self.depth == 0
    }

    /// Takes bytes of the structure; how many. What is left of them is the front of a value, or does not belong to it.
    pub fn take(&mut self, bytes: &[u8]) -> Read<usize> {
        let mut rest = Bytes(bytes);
        while self.depth > 0 {
            let passed = self.bytes.min(rest.0.len() as u64);
            rest.take(passed as usize);
            self.bytes -= passed;
            if self.bytes > 0 {
                break;
            }
            let mut ahead = rest;
            match self.step(&mut ahead) {
                Ok(()) => rest = ahead,
                Err(Guess::Maybe) => break,
                Err(wrong) => return Err(wrong),
            }
        }
        Ok(bytes.len() - rest.0.len())
    }

    /// `missing` bytes will never come; whether that does not matter.
    pub fn gap(&mut self, missing: u64) -> bool {
        let inside = missing <= self.bytes;
        self.bytes -= missing.min(self.bytes);
        inside
    }

    fn step(&mut self, rest: &mut Bytes<'_>) -> Read<()> {
        let level = &mut self.levels[self.depth - 1];
        if level.left == 0 {
            self.depth -= 1;
            return Ok(());
        }
        let begun = if level.left == STRUCT {
            match field(rest, self.compact, &mut 0)? {
                None => {
                    self.depth -= 1;
                    return Ok(());
                }
                // The compact coding tells truth by the type itself.
                Some(1 | 2) if self.compact => Begun::Done,
                Some(kind) => value(rest, self.compact, kind)?,
            }
        } else {
            let begun = value(rest, self.compact, level.kinds[(level.left & 1) as usize])?;
            level.left -= 1;
            begun
        };
        match begun {
            Begun::Done => {}
            Begun::Bytes(bytes) => self.bytes = bytes,
            Begun::Level(_) if self.depth == MAX_DEPTH => return Err(Guess::No),
            Begun::Level(level) => {
                self.levels[self.depth] = level;
                self.depth += 1;
            }
        }
        Ok(())
    }
}

/// Bytes of a value that always has as many.
fn width(compact: bool, kind: u8) -> Option<u64> {
    match (compact, kind) {
        (false, 2 | 3) | (true, 1..=3) => Some(1),
        (false, 6) => Some(2),
        (false, 8) => Some(4),
        (false, 4 | 10) | (true, 7) => Some(8),
        (false, 16) | (true, 13) => Some(16),
        _ => None,
    }
}

/// Reads the front of a value.
fn value(rest: &mut Bytes<'_>, compact: bool, kind: u8) -> Read<Begun> {
    if let Some(width) = width(compact, kind) {
        return Ok(Begun::Bytes(width));
    }
    match (compact, kind) {
        (_, 12) => Ok(Begun::Level(Level {
            left: STRUCT,
            kinds: [0; 2],
        })),
        (true, 4..=6) => varint(rest).map(|_| Begun::Done),
        (false, 11) => need(rest.u32()).map(|size| Begun::Bytes(u64::from(size))),
        (true, 8) => varint(rest).map(Begun::Bytes),
        (false, 13) => {
            let kinds = [need(rest.u8())?, need(rest.u8())?];
            items(compact, kinds, u64::from(need(rest.u32())?) * 2)
        }
        (false, 14 | 15) => {
            let kind = need(rest.u8())?;
            items(compact, [kind; 2], u64::from(need(rest.u32())?))
        }
        (true, 11) => match varint(rest)? {
            0 => Ok(Begun::Done),
            count => {
                let kinds = need(rest.u8())?;
                items(compact, [kinds >> 4, kinds & 15], count.saturating_mul(2))
            }
        },
        (true, 9 | 10) => {
            let first = need(rest.u8())?;
            let count = if first >> 4 == 15 { varint(rest)? } else { u64::from(first >> 4) };
            items(compact, [first & 15; 2], count)
        }
        _ => Err(Guess::No),
    }
}

/// `count` values, their types in turn.
fn items(compact: bool, kinds: [u8; 2], count: u64) -> Read<Begun> {
    if count > MAX_COUNT {
        return Err(Guess::No);
    }
    if let [Some(first), Some(second)] = kinds.map(|kind| width(compact, kind)) {
        return Ok(Begun::Bytes((first + second) * count / 2));
    }
    Ok(Begun::Level(Level { left: count as u32, kinds }))
}
