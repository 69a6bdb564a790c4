//! Packets that travel compressed, once the login is through: frames of seven bytes of header, stored or by zlib or zstd.
//!
//! Source: <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_compression.html>

use super::packet::{self, HEADER};
use super::{MySql, command, opening};
use crate::l7::facts::Facts;
use crate::l7::layer::{Codec, Layer};
use crate::l7::parser::{Input, Resync, Step};

/// A client's capabilities of compressing with zlib, with zstd.
pub const CAPABILITIES: u32 = 1 << 5 | 1 << 26;
/// Length on the wire, sequence number, length before (0: stored).
const FRAME: usize = HEADER + 3;
const ZSTD_MAGIC: &[u8] = b"\x28\xb5\x2f\xfd";

/// Whether a greeting offers to compress.
pub fn is_offered(payload: &[u8]) -> bool {
    let Some((_, rest)) = packet::zero_ended(&payload[1..]) else {
        return false;
    };
    let two = |at: usize| rest.get(at..at + 2).map_or(0, |two| u32::from(two[0]) | u32::from(two[1]) << 8);
    // Behind the thread's id, random bytes and a filler; the upper half behind character set and status.
    (two(13) | two(18) << 16) & CAPABILITIES != 0
}

/// Lengths on the wire and before, and the sequence number.
fn frame(bytes: &[u8]) -> Option<(usize, usize, u8)> {
    let (length, sequence) = packet::header(bytes)?;
    let (plain, _) = packet::header(bytes.get(HEADER..FRAME + 1)?)?;
    Some((length, plain, sequence))
}

fn codec(plain: usize, content: &[u8]) -> Codec {
    match plain {
        0 => Codec::Stored,
        _ if content.first() == ZSTD_MAGIC.first() => Codec::Zstd,
        _ => Codec::Zlib,
    }
}

/// Whether the front is a frame that says what a client does at the start of a turn, `None` where there are too few bytes to tell.
pub fn is_frame(bytes: &[u8]) -> Option<bool> {
    let Some((length, plain, sequence)) = frame(bytes) else {
        let is_short = bytes.len() <= FRAME && bytes.get(3).is_none_or(|sequence| *sequence == 0);
        return if is_short { None } else { Some(false) };
    };
    if sequence != 0 || length == 0 {
        return Some(false);
    }
    let content = &bytes[FRAME..bytes.len().min(FRAME + length)];
    let codec = codec(plain, content);
    let is_packed = match codec {
        Codec::Stored => length > HEADER,
        Codec::Zlib => content[0] == 0x78 && content.get(1).is_none_or(|flags| (0x7800 + u16::from(*flags)).is_multiple_of(31)),
        _ => content.starts_with(&ZSTD_MAGIC[..content.len().min(ZSTD_MAGIC.len())]),
    };
    if !is_packed || (plain > 0 && plain < length / 2) {
        return Some(false);
    }
    let (mut front, mut begins) = (Layer::default(), None);
    if front.open(codec, (FRAME, length, 0)).is_some() {
        front.read(bytes, &mut Facts::default(), |packet, _, _| {
            begins = begins_turn(packet, if plain == 0 { length } else { plain });
            Step::Stop
        });
    }
    if content.len() == length {
        Some(begins == Some(true))
    } else {
        begins
    }
}

/// A command that fills its packet, which fills the frame.
fn begins_turn(packet: &[u8], size: usize) -> Option<bool> {
    let (length, sequence) = packet::header(packet)?;
    if sequence != 0 || length + HEADER != size {
        return Some(false);
    }
    let payload = &packet[HEADER..];
    if payload.len() < length.min(16) {
        return None;
    }
    Some(command::is_plausible(payload, length) && opening::is_certain(payload, length))
}

/// A frame that starts at the front, with the number of the first of its turn.
pub fn resync(from_client: bool, bytes: &[u8]) -> Resync {
    let Some((length, plain, sequence)) = frame(bytes) else {
        return if bytes.len() <= FRAME {
            Resync::Drop(0)
        } else {
            Resync::Drop(bytes.len())
        };
    };
    let content = &bytes[FRAME..];
    let is_packed = match codec(plain, content) {
        Codec::Stored => {
            length >= HEADER && packet::header(content).is_none_or(|(inner, _)| inner <= length && inner + HEADER >= length.min(HEADER + 1))
        }
        Codec::Zlib => content[0] == 0x78,
        _ => true,
    };
    if sequence == u8::from(!from_client) && length > 0 && is_packed {
        Resync::At(0)
    } else {
        Resync::Drop(bytes.len())
    }
}

impl MySql {
    /// Reads frames.
    #[inline(never)]
    pub(super) fn compressed(&mut self, mut layers: Box<[Layer; 2]>, input: Input<'_>, facts: &mut Facts) -> Step {
        let layer = &mut layers[usize::from(!input.from_client)];
        let step = self.frame(layer, input, facts);
        self.layers = Some(layers);
        step
    }

    fn frame(&mut self, layer: &mut Layer, input: Input<'_>, facts: &mut Facts) -> Step {
        if !layer.is_open() {
            let Some((length, plain, _)) = frame(input.bytes) else {
                return Step::More;
            };
            if length == 0 {
                return Step::Skip { size: FRAME };
            }
            if layer.open(codec(plain, &input.bytes[FRAME..]), (FRAME, length, 0)).is_none() {
                return Step::Lost { size: FRAME };
            }
        }
        layer.read(input.bytes, facts, |bytes, full, facts| {
            self.plain(Input { bytes, full, ..input }, facts)
        })
    }
}
