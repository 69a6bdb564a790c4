//! ClickHouse's compressed frames: CityHash128 (v1.0.2) of what follows, then the method, the size of everything after the hash, the size
//! decompressed (both u32, little endian), then the data.

use cityhash_rs::cityhash_102_128;
use lz4_flex::block;

const NONE: u8 = 0x02;
const LZ4: u8 = 0x82;
const ZSTD: u8 = 0x90;
const HASH: usize = 16;
const HEADER: usize = 9;
const FRAME: usize = 1 << 20;
/// What ClickHouse itself accepts (`DBMS_MAX_COMPRESSED_SIZE`).
const LARGEST: usize = 1 << 30;

/// Why frames cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub enum FrameFault {
    TooLarge(String),
    Malformed(String),
}

/// How frames are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    None,
    Lz4,
    Zstd,
}

/// `data` as frames of up to one mebibyte.
pub fn encode(data: &[u8], method: Method) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len() / 2 + 64);
    for chunk in data.chunks(FRAME) {
        let (tag, body) = match method {
            Method::None => (NONE, chunk.to_vec()),
            Method::Lz4 => (LZ4, block::compress(chunk)),
            Method::Zstd => match zstd::bulk::compress(chunk, 1) {
                Ok(body) => (ZSTD, body),
                Err(_) => (NONE, chunk.to_vec()),
            },
        };
        let start = out.len();
        out.extend_from_slice(&[0; HASH]);
        out.push(tag);
        out.extend_from_slice(&((body.len() + HEADER) as u32).to_le_bytes());
        out.extend_from_slice(&(chunk.len() as u32).to_le_bytes());
        out.extend_from_slice(&body);
        let hash = hash_bytes(&out[start + HASH..]);
        out[start..start + HASH].copy_from_slice(&hash);
    }
    out
}

/// The content of every whole frame at the start of `data`, and how many bytes those frames take. Frames that claim to hold more than
/// `limit` bytes are refused before anything is allocated.
pub fn decode(data: &[u8], limit: usize) -> Result<(Vec<u8>, usize), FrameFault> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(header) = data.get(at + HASH..at + HASH + HEADER) {
        let method = header[0];
        let size = u32::from_le_bytes([header[1], header[2], header[3], header[4]]) as usize;
        let plain = u32::from_le_bytes([header[5], header[6], header[7], header[8]]) as usize;
        if ![NONE, LZ4, ZSTD].contains(&method) {
            return Err(FrameFault::Malformed(format!("Unknown codec family code: 0x{method:02x}")));
        }
        if !(HEADER..=LARGEST).contains(&size) || plain > limit.min(LARGEST) {
            return Err(FrameFault::TooLarge(format!(
                "Too large size_compressed_without_checksum: {size}, size_decompressed: {plain}. Most likely corrupted data."
            )));
        }
        let Some(frame) = data.get(at + HASH..at + HASH + size) else {
            break;
        };
        if hash_bytes(frame) != data[at..at + HASH] {
            return Err(FrameFault::Malformed("Checksum doesn't match: corrupted data.".into()));
        }
        inflate(method, &frame[HEADER..], plain, &mut out)?;
        at += HASH + size;
    }
    Ok((out, at))
}

fn inflate(method: u8, body: &[u8], plain: usize, out: &mut Vec<u8>) -> Result<(), FrameFault> {
    let start = out.len();
    match method {
        NONE => out.extend_from_slice(body),
        LZ4 => {
            out.resize(start + plain, 0);
            let written = block::decompress_into(body, &mut out[start..])
                .map_err(|error| FrameFault::Malformed(format!("Cannot decompress LZ4: {error}")))?;
            out.truncate(start + written);
        }
        _ => {
            let piece =
                zstd::bulk::decompress(body, plain).map_err(|error| FrameFault::Malformed(format!("Cannot decompress ZSTD: {error}")))?;
            out.extend_from_slice(&piece);
        }
    }
    if out.len() - start == plain {
        return Ok(());
    }
    Err(FrameFault::Malformed(format!(
        "Cannot decompress: {} bytes where {plain} were promised",
        out.len() - start
    )))
}

/// The hash as it stands in a frame: low half first, each half little endian. `cityhash_102_128` keeps the low half on top.
fn hash_bytes(frame: &[u8]) -> [u8; HASH] {
    let hash = cityhash_102_128(frame);
    let mut out = [0; HASH];
    out[..8].copy_from_slice(&((hash >> 64) as u64).to_le_bytes());
    out[8..].copy_from_slice(&(hash as u64).to_le_bytes());
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_framed_comes_back(data in proptest::collection::vec(any::<u8>(), 0..5000), pick in 0..3usize, cut in any::<proptest::sample::Index>()) {
            let framed = encode(&data, [Method::None, Method::Lz4, Method::Zstd][pick]);
            prop_assert_eq!(decode(&framed, 1 << 20), Ok((data.clone(), framed.len())));
            let part = &framed[..cut.index(framed.len() + 1)];
            let (_, used) = decode(part, 1 << 20).unwrap_or((Vec::new(), usize::MAX));
            prop_assert!(used <= part.len());
        }

        #[test]
        fn a_changed_byte_is_noticed(data in proptest::collection::vec(any::<u8>(), 1..500), at in any::<proptest::sample::Index>(), flip in 1..=255u8) {
            let mut framed = encode(&data, Method::Lz4);
            let at = at.index(framed.len());
            framed[at] ^= flip;
            if let Ok((_, used)) = decode(&framed, 1 << 20) {
                prop_assert_eq!(used, 0);
            }
        }

        #[test]
        fn random_bytes_never_panic(data in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = decode(&data, 1 << 20);
        }
    }

    #[test]
    fn several_mebibytes_are_several_frames() {
        let data = vec![7u8; (FRAME * 2) + 5];
        assert_eq!(
            decode(&encode(&data, Method::Lz4), usize::MAX),
            Ok((data.clone(), encode(&data, Method::Lz4).len()))
        );
    }
}
