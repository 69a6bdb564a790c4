//! Compressed bytes that come piece by piece, within bounds.

use super::{lz4, snappy};
use flate2::{Decompress, FlushDecompress, Status};
use std::cell::RefCell;
use zstd::stream::raw::{Decoder, InBuffer, Operation, OutBuffer};
use zstd::zstd_safe::DParameter;

/// How the content of a frame was compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    Stored,
    Zlib,
    Zstd,
    /// A block, its length in front.
    Snappy,
    /// A block that gives so many bytes.
    Lz4(u32),
}

/// zstd frames with a larger window (as a power of two) are not read.
const ZSTD_WINDOW_LOG: u32 = 21;
/// Blocks that are only of use when they are whole: bytes that are gathered, and bytes that come of them.
const MAX_BLOCK: usize = 256 * 1024;
/// Inflaters of a thread that wait for the next frame.
const MAX_POOLED: usize = 4;
const ZLIB_BYTES: usize = 44 * 1024;
const ZSTD_BYTES: usize = 256 * 1024;

thread_local! {
    static POOL: RefCell<Vec<Decompress>> = const { RefCell::new(Vec::new()) };
}

enum State {
    Stored,
    Zlib(Decompress),
    Zstd(Decoder<'static>),
    Block(Codec, Vec<u8>),
}

/// Takes a frame's bytes and gives what they were before.
pub struct Unpacker(State);

impl Unpacker {
    /// `None` where the library has no memory.
    pub fn new(codec: Codec) -> Option<Unpacker> {
        Some(Unpacker(match codec {
            Codec::Stored => State::Stored,
            Codec::Zlib => {
                let pooled = POOL.with_borrow_mut(Vec::pop);
                State::Zlib(pooled.unwrap_or_else(|| Decompress::new(true)))
            }
            Codec::Zstd => {
                let mut decoder = Decoder::new().ok()?;
                decoder.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW_LOG)).ok()?;
                State::Zstd(decoder)
            }
            Codec::Snappy | Codec::Lz4(_) => State::Block(codec, Vec::new()),
        }))
    }

    /// Takes from `packed` and appends to `plain` until that has `room` bytes; `last` with the end of the frame. Returns how many were
    /// taken, `None` where they make no sense.
    pub fn feed(&mut self, packed: &[u8], last: bool, plain: &mut Vec<u8>, room: usize) -> Option<usize> {
        let wanted = room.saturating_sub(plain.len());
        match &mut self.0 {
            State::Stored => {
                let taken = packed.len().min(wanted);
                plain.extend_from_slice(&packed[..taken]);
                Some(taken)
            }
            State::Zlib(inflate) => {
                plain.reserve_exact(wanted);
                let before = inflate.total_in();
                let status = inflate.decompress_vec(packed, plain, FlushDecompress::None).ok()?;
                let taken = (inflate.total_in() - before) as usize;
                // What stands behind the end of the stream is padding.
                Some(if status == Status::StreamEnd { packed.len() } else { taken })
            }
            State::Zstd(decoder) => {
                let start = plain.len();
                plain.resize(start + wanted, 0);
                let mut input = InBuffer::around(packed);
                let mut output = OutBuffer::around(&mut plain[start..]);
                let mut done = false;
                while !done && output.pos() < wanted {
                    let before = (input.pos(), output.pos());
                    done = decoder.run(&mut input, &mut output).ok()? == 0;
                    if before == (input.pos(), output.pos()) {
                        break;
                    }
                }
                let (taken, given) = (input.pos(), output.pos());
                plain.truncate(start + given);
                Some(if done { packed.len() } else { taken })
            }
            State::Block(codec, gathered) => {
                if gathered.len() + packed.len() > MAX_BLOCK {
                    return None;
                }
                gathered.extend_from_slice(packed);
                if last && !gathered.is_empty() {
                    block(*codec, gathered, plain)?;
                    gathered.clear();
                }
                Some(packed.len())
            }
        }
    }

    pub fn heap_bytes(&self) -> usize {
        match &self.0 {
            State::Stored => 0,
            State::Zlib(_) => ZLIB_BYTES,
            State::Zstd(_) => ZSTD_BYTES,
            State::Block(_, gathered) => gathered.capacity(),
        }
    }
}

impl Drop for Unpacker {
    fn drop(&mut self) {
        if let State::Zlib(mut inflate) = std::mem::replace(&mut self.0, State::Stored) {
            inflate.reset(true);
            POOL.with_borrow_mut(|pool| {
                if pool.len() < MAX_POOLED {
                    pool.push(inflate);
                }
            });
        }
    }
}

fn block(codec: Codec, packed: &[u8], plain: &mut Vec<u8>) -> Option<()> {
    let start = plain.len();
    let size = match codec {
        Codec::Lz4(size) => {
            lz4::front(packed, plain, (size as usize).min(MAX_BLOCK))?;
            size as usize
        }
        _ => snappy::front(packed, plain, MAX_BLOCK)?,
    };
    (plain.len() - start == size).then_some(())
}

/// At most `room` bytes of what `packed`, the end of which can be missing, was before; `None` where it makes no sense.
pub fn front(codec: Codec, packed: &[u8], room: usize) -> Option<Vec<u8>> {
    let mut plain = Vec::new();
    match codec {
        Codec::Snappy => drop(snappy::front(packed, &mut plain, room)?),
        Codec::Lz4(size) => lz4::front(packed, &mut plain, room.min(size as usize))?,
        Codec::Stored | Codec::Zlib | Codec::Zstd => drop(Unpacker::new(codec)?.feed(packed, false, &mut plain, room)?),
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn what_was_packed_comes_back_in_pieces_of_any_size() {
        let plain: Vec<u8> = (0..100_000_u32).map(|at| (at / 7 % 251) as u8).collect();
        let packed = [
            (Codec::Stored, plain.clone()),
            (Codec::Zlib, zlib(&plain)),
            (Codec::Zstd, zstd::encode_all(&plain[..], 3).unwrap()),
            (Codec::Lz4(100_000), lz4_flex::block::compress(&plain)),
        ];
        for (codec, packed) in packed {
            for piece in [1, 7, 4096, usize::MAX] {
                let mut unpacker = Unpacker::new(codec).unwrap();
                let (mut back, mut window, mut at) = (Vec::new(), Vec::new(), 0);
                while at < packed.len() {
                    let end = packed.len().min(at.saturating_add(piece));
                    at += unpacker.feed(&packed[at..end], end == packed.len(), &mut window, 1000).unwrap();
                    back.append(&mut window);
                }
                while back.len() < plain.len() {
                    unpacker.feed(&[], true, &mut window, 1000).unwrap();
                    assert!(!window.is_empty());
                    back.append(&mut window);
                }
                assert_eq!(back, plain, "{codec:?} {piece}");
            }
        }
    }

    #[test]
    fn rubbish_and_bombs_are_refused_or_bounded() {
        let rubbish = [0xa5_u8; 64];
        for codec in [Codec::Zlib, Codec::Zstd, Codec::Lz4(10), Codec::Snappy, Codec::Lz4(u32::MAX)] {
            let mut plain = Vec::new();
            assert_eq!(
                Unpacker::new(codec).unwrap().feed(&rubbish, true, &mut plain, 100),
                None,
                "{codec:?}"
            );
        }
        let mut plain = Vec::new();
        let mut unpacker = Unpacker::new(Codec::Zlib).unwrap();
        unpacker.feed(&zlib(&vec![0; 10_000_000]), true, &mut plain, 5000).unwrap();
        assert_eq!(plain.len(), 5000);
    }
}
