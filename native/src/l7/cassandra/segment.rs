//! Segments of version 5: a header with a checksum of its own, perhaps compressed content, a checksum.

use super::envelope;
use crate::l7::layer::{self, Codec};
use crate::l7::parser::{Guess, Opening};

/// Header of a segment that is never compressed.
const SHORT: usize = 6;
/// Header of one that can be.
pub const LONG: usize = 8;
const TRAILER: usize = 4;
const MASK: u64 = (1 << 17) - 1;

/// What a header says.
#[derive(Clone, Copy, Debug)]
pub struct Segment {
    pub codec: Codec,
    pub head: usize,
    content: usize,
    /// It begins with a message.
    is_whole: bool,
}

impl Segment {
    /// The segment at the front; `None` where the checksum of its header is wrong.
    pub fn read(bytes: &[u8]) -> Option<Segment> {
        let little = |size: usize| {
            bytes
                .get(..size)
                .map(|some| some.iter().rev().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte)))
        };
        let header = little(SHORT)?;
        // The bits behind the sizes are zero: asked first, as a checksum costs more.
        if bytes[2] & 0xfc == 0 && header >> 24 == u64::from(crc24(&bytes[..3])) {
            return Some(Segment {
                codec: Codec::Stored,
                head: SHORT,
                content: (header & MASK) as usize,
                is_whole: header >> 17 & 1 == 1,
            });
        }
        let header = little(LONG)?;
        if bytes[4] & 0xf8 != 0 {
            return None;
        }
        let before = (header >> 17 & MASK) as u32;
        (header >> 40 == u64::from(crc24(&bytes[..5]))).then_some(Segment {
            codec: if before == 0 { Codec::Stored } else { Codec::Lz4(before) },
            head: LONG,
            content: (header & MASK) as usize,
            is_whole: header >> 34 & 1 == 1,
        })
    }

    /// Bytes of header, content and trailer.
    pub fn sizes(&self) -> (usize, usize, usize) {
        (self.head, self.content, TRAILER)
    }

    fn front(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let content = &bytes[self.head..bytes.len().min(self.head + self.content)];
        layer::front(self.codec, content, 64)
    }

    /// Whether a message of this direction begins with the segment.
    pub fn begins_message(&self, bytes: &[u8], from_client: bool) -> bool {
        let front = self.front(bytes).unwrap_or_default();
        let version = 5 | if from_client { 0 } else { 0x80 };
        self.is_whole && front.first().is_none_or(|first| *first == version)
    }

    pub fn guess(&self, opening: &Opening<'_>) -> Guess {
        let Some(front) = self.front(opening.bytes).filter(|_| self.is_whole) else {
            return Guess::No;
        };
        match envelope::guess(&front) {
            Ok(header) if header.is_response != opening.from_client => Guess::Yes,
            Ok(_) => Guess::Reversed,
            Err(guess) => guess,
        }
    }
}

/// Whether too few bytes are there to tell.
pub fn may_be(bytes: &[u8]) -> bool {
    bytes.len() < SHORT || bytes.len() < LONG && bytes[4] & 0xf8 == 0
}

/// What each byte does to the checksum.
static CRC24: [u32; 256] = {
    let (mut table, mut byte) = ([0; 256], 0);
    while byte < 256 {
        let (mut crc, mut bit) = ((byte as u32) << 16, 0);
        while bit < 8 {
            crc <<= 1;
            if crc & 0x100_0000 != 0 {
                crc ^= 0x197_4f0b;
            }
            bit += 1;
        }
        table[byte] = crc & 0xff_ffff;
        byte += 1;
    }
    table
};

fn crc24(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x87_5060, |crc, byte| {
        (crc << 8 & 0xff_ffff) ^ CRC24[usize::from((crc >> 16) as u8 ^ byte)]
    })
}
