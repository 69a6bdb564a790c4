//! ClickHouse's own framing of LZ4: chunks of at most 1 MiB, each behind a CityHash128 (v1.0.2) of what follows it.
//!
//! Source: CompressedWriteBuffer of the server: 16 bytes checksum, 1 byte method (0x82), u32 size with this header, u32 size before compression.

use super::native::{Sink, varint};

const METHOD: u8 = 0x82;
const CHECKSUM: usize = 16;
const HEADER: usize = 9;
const CHUNK: usize = 1 << 20;

/// Compresses what is put into it, chunk by chunk, so that the whole block never exists uncompressed.
pub struct Compressor {
    out: Vec<u8>,
    chunk: Vec<u8>,
}

impl Default for Compressor {
    fn default() -> Compressor {
        Compressor {
            out: Vec::new(),
            chunk: Vec::with_capacity(CHUNK),
        }
    }
}

impl Sink for Compressor {
    #[inline]
    fn put(&mut self, mut bytes: &[u8]) {
        while self.chunk.len() + bytes.len() > CHUNK {
            let (now, later) = bytes.split_at(CHUNK - self.chunk.len());
            self.chunk.extend_from_slice(now);
            self.flush();
            bytes = later;
        }
        self.chunk.extend_from_slice(bytes);
    }

    #[inline]
    fn string(&mut self, value: &[u8]) {
        if value.len() < 0x80 && self.chunk.len() + value.len() < CHUNK {
            self.chunk.string(value);
        } else {
            varint(value.len(), self);
            self.put(value);
        }
    }
}

impl Compressor {
    /// Everything that was put, compressed.
    pub fn finish(mut self) -> Vec<u8> {
        self.flush();
        self.out
    }

    fn flush(&mut self) {
        if self.chunk.is_empty() {
            return;
        }
        let start = self.out.len();
        let body = start + CHECKSUM + HEADER;
        self.out
            .resize(body + lz4_flex::block::get_maximum_output_size(self.chunk.len()), 0);
        // The room is what the compressor says it may need, so it cannot run out of it.
        let size = lz4_flex::block::compress_into(&self.chunk, &mut self.out[body..]).unwrap_or_default();
        self.out.truncate(body + size);
        let header = &mut self.out[start + CHECKSUM..body];
        header[0] = METHOD;
        header[1..5].copy_from_slice(&((size + HEADER) as u32).to_le_bytes());
        header[5..9].copy_from_slice(&(self.chunk.len() as u32).to_le_bytes());
        let hash = cityhash_rs::cityhash_102_128(&self.out[start + CHECKSUM..]);
        // The high half of the hash is the first of the two words.
        self.out[start..start + 8].copy_from_slice(&((hash >> 64) as u64).to_le_bytes());
        self.out[start + 8..start + 16].copy_from_slice(&(hash as u64).to_le_bytes());
        self.chunk.clear();
    }
}
