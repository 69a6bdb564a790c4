//! Frames of AMQP 1.0, and what it looks like from the outside.

use super::performative;
use crate::l7::amqp::opening;
use crate::l7::parser::{Guess, Opening, Resync};

/// Size, offset of the body, type and channel.
pub const HEAD: usize = 8;
const MAX_FRAME: usize = 1 << 27;
/// Frames of a login.
pub const SASL: u8 = 1;
/// The protocol of a greeting whose connection goes on as TLS.
pub const TLS: u8 = 2;

/// The front of a frame.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    pub size: usize,
    /// Where its body begins.
    pub start: usize,
    pub kind: u8,
    pub channel: u16,
}

/// Reads the front of a frame; nothing where there can be no such frame.
pub fn frame(head: [u8; HEAD]) -> Option<Frame> {
    let [a, b, c, d, offset, kind, high, low] = head;
    let frame = Frame {
        size: u32::from_be_bytes([a, b, c, d]) as usize,
        start: usize::from(offset) * 4,
        kind,
        channel: u16::from_be_bytes([high, low]),
    };
    let is_sound = (HEAD..=MAX_FRAME).contains(&frame.size) && (HEAD..=frame.size).contains(&frame.start) && kind <= SASL;
    is_sound.then_some(frame)
}

/// Whether a frame begins here whose body is one of the specification's.
fn plausible(bytes: &[u8]) -> Guess {
    // Frames of the same few bytes in front: 16 MiB at most, no extended header, a small descriptor.
    let fits = |at: usize, byte: u8| match at {
        0 | 8 => byte == 0,
        4 => byte == 2,
        5 => byte <= SASL,
        9 => byte == 0x53,
        10 => performative::name(byte).is_some() && (byte >= 0x40) == (bytes[5] == SASL),
        11 => matches!(byte, 0x45 | 0xc0 | 0xd0),
        _ => true,
    };
    if !bytes.iter().take(12).enumerate().all(|(at, byte)| fits(at, *byte)) {
        return Guess::No;
    }
    match bytes.first_chunk() {
        Some(head) if frame(*head).is_none_or(|frame| frame.size < 12) => Guess::No,
        _ if bytes.len() < 12 => Guess::Maybe,
        _ => Guess::Yes,
    }
}

/// A greeting says it all, and so does the front of a frame.
pub fn guess(opening: &Opening<'_>) -> Guess {
    let seen = &opening.bytes[..opening.bytes.len().min(8)];
    let greets = |protocol: u8| [b'A', b'M', b'Q', b'P', protocol, 1, 0, 0].starts_with(seen);
    if [0, TLS, 3].into_iter().any(greets) {
        return match seen.len() {
            8 if opening.from_client => Guess::Yes,
            8 => Guess::Reversed,
            _ => Guess::Maybe,
        };
    }
    match plausible(opening.bytes) {
        // Who logs in is the client.
        Guess::Yes if matches!(opening.bytes[10], 0x40 | 0x42 | 0x44) == opening.from_client && opening.bytes[5] == SASL => Guess::Reversed,
        guess => guess,
    }
}

/// Where a frame begins after a loss.
pub fn resync(bytes: &[u8]) -> Resync {
    opening::resync_by(bytes, plausible)
}
