//! Frames, and what AMQP 0-9-1 looks like from the outside.

use super::method;
use crate::l7::parser::{Guess, Opening, Resync};

pub const METHOD: u8 = 1;
pub const HEADER: u8 = 2;
pub const BODY: u8 = 3;
pub const HEARTBEAT: u8 = 8;
/// Kind, channel and size in front, one byte behind.
pub const OVERHEAD: usize = 8;
const END: u8 = 0xce;
/// Both ends agree on far less, unless they want no limit.
const MAX_FRAME: usize = 1 << 27;
/// How clients of this version begin.
pub const GREETING: &[u8; 8] = b"AMQP\0\0\x09\x01";

/// The front of a frame.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    pub kind: u8,
    pub channel: u16,
    /// Bytes of the payload.
    pub length: usize,
}

/// Reads the front of a frame whose kind is known: channel and size. Nothing where the bytes are too few.
pub fn frame(kind: u8, rest: &[u8]) -> Option<Frame> {
    let [a, b, c, d, e, f, ..] = rest else { return None };
    Some(Frame {
        kind,
        channel: u16::from_be_bytes([*a, *b]),
        length: u32::from_be_bytes([*c, *d, *e, *f]) as usize,
    })
}

impl Frame {
    /// Whether there can be such a frame.
    pub fn is_sound(&self) -> bool {
        match self.kind {
            METHOD => (4..=MAX_FRAME).contains(&self.length),
            HEADER => (14..=MAX_FRAME).contains(&self.length) && self.channel > 0,
            BODY => self.length <= MAX_FRAME && self.channel > 0,
            HEARTBEAT => self.length == 0,
            _ => false,
        }
    }
}

/// Whether a frame begins here that has a method of the specification, or one of another kind, and is closed as it should be.
fn plausible(bytes: &[u8]) -> Guess {
    let Some(kind) = bytes.first() else { return Guess::Maybe };
    if !matches!(*kind, METHOD | HEADER | BODY | HEARTBEAT) {
        return Guess::No;
    }
    let Some(frame) = frame(*kind, &bytes[1..]) else {
        return Guess::Maybe;
    };
    if !frame.is_sound() {
        return Guess::No;
    }
    if frame.kind == METHOD {
        let Some(numbers) = bytes.get(7..11) else { return Guess::Maybe };
        let of = u16::from_be_bytes([numbers[0], numbers[1]]);
        if method::find(of, u16::from_be_bytes([numbers[2], numbers[3]])).is_none() {
            return Guess::No;
        }
    }
    match bytes.get(7 + frame.length) {
        Some(&END) => Guess::Yes,
        Some(_) => Guess::No,
        // A method alone says enough; of a body nothing can be said before its end.
        None if frame.kind == METHOD && frame.length < 4096 => Guess::Maybe,
        None => Guess::No,
    }
}

/// A greeting says it all, and so does a whole method.
pub fn guess(opening: &Opening<'_>) -> Guess {
    let seen = opening.bytes.len().min(8);
    if opening.bytes[..seen] == GREETING[..seen] {
        return match seen {
            8 if opening.from_client => Guess::Yes,
            8 => Guess::Reversed,
            _ => Guess::Maybe,
        };
    }
    match opening.bytes.first() {
        Some(&METHOD) => plausible(opening.bytes),
        _ => Guess::No,
    }
}

/// Where a frame begins after a loss.
pub fn resync(bytes: &[u8]) -> Resync {
    resync_by(bytes, plausible)
}

/// The same for frames of which `plausible` says whether one begins.
pub(super) fn resync_by(bytes: &[u8], plausible: fn(&[u8]) -> Guess) -> Resync {
    for at in 0..bytes.len() {
        match plausible(&bytes[at..]) {
            Guess::No => {}
            Guess::Maybe => return Resync::Drop(at),
            _ => return Resync::At(at),
        }
    }
    Resync::Drop(bytes.len())
}
