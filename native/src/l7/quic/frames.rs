//! Frames of Initial packets (RFC 9000, 19), and the handshake message put together from those that carry it.

use super::packet::number;
use crate::l7::tls::extension::Reader;

/// Bytes of a handshake message that are kept: hellos are smaller.
const MAX_MESSAGE: usize = 16 * 1024;
const MAX_PIECES: usize = 32;

/// What one side says in the clear: pieces in any order.
#[derive(Debug, Default)]
pub struct Stream {
    bytes: Vec<u8>,
    /// What is there of it, as start and end; apart, and in order.
    pieces: Vec<(usize, usize)>,
    /// Where the message begins that is put together.
    passed: usize,
}

impl Stream {
    pub fn add(&mut self, offset: usize, data: &[u8]) {
        let end = offset.saturating_add(data.len());
        if data.is_empty() || end > MAX_MESSAGE || self.pieces.len() >= MAX_PIECES {
            return;
        }
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        self.bytes[offset..end].copy_from_slice(data);
        self.pieces.push((offset, end));
        self.pieces.sort_unstable();
        let mut joined: Vec<(usize, usize)> = Vec::with_capacity(self.pieces.len());
        for (start, end) in self.pieces.drain(..) {
            match joined.last_mut() {
                Some(last) if start <= last.1 => last.1 = last.1.max(end),
                _ => joined.push((start, end)),
            }
        }
        self.pieces = joined;
    }

    /// Type and body of the message, once all of it is there.
    pub fn message(&self) -> Option<(u8, &[u8])> {
        let mut pieces = self.pieces.iter();
        let (_, end) = *pieces.find(|(start, end)| (*start..*end).contains(&self.passed))?;
        let mut reader = Reader(&self.bytes[self.passed..end]);
        let kind = reader.u8()?;
        let length = reader.u24()?;
        reader.take(length).map(|body| (kind, body))
    }

    /// Goes on to the message behind this one: what is said is counted on.
    pub fn pass(&mut self) {
        self.passed += self.message().map_or(0, |(_, body)| 4 + body.len());
    }

    /// Whether this message is not the first one.
    pub fn has_passed(&self) -> bool {
        self.passed > 0
    }

    pub fn heap_bytes(&self) -> usize {
        self.bytes.capacity() + self.pieces.capacity() * size_of::<(usize, usize)>()
    }
}

/// Why a side gives up: code and words.
pub struct Close<'a> {
    pub code: u64,
    pub reason: &'a [u8],
}

/// Reads the frames of a packet into `stream`.
pub fn read<'a>(frames: &'a [u8], stream: &mut Stream) -> Option<Close<'a>> {
    let mut reader = Reader(frames);
    while let Some(kind) = number(&mut reader) {
        match kind {
            // Padding, ping.
            0 | 1 => {}
            2 | 3 => acknowledgement(&mut reader, kind == 3)?,
            6 => {
                let offset = usize::try_from(number(&mut reader)?).ok()?;
                let length = usize::try_from(number(&mut reader)?).ok()?;
                stream.add(offset, reader.take(length)?);
            }
            0x1c => {
                let code = number(&mut reader)?;
                number(&mut reader)?;
                let length = usize::try_from(number(&mut reader)?).ok()?;
                return Some(Close {
                    code,
                    reason: reader.take(length)?,
                });
            }
            // Nothing else is allowed here.
            _ => return None,
        }
    }
    None
}

fn acknowledgement(reader: &mut Reader<'_>, has_counts: bool) -> Option<()> {
    number(reader)?;
    number(reader)?;
    let ranges = number(reader)?;
    number(reader)?;
    for _ in 0..ranges.min(1000) {
        number(reader)?;
        number(reader)?;
    }
    if has_counts {
        for _ in 0..3 {
            number(reader)?;
        }
    }
    Some(())
}
