//! Native blocks as a client of a given protocol revision expects them.
//!
//! The embedded engine writes Native without a revision: no block info, no mark of the serialization, no time zone in `DateTime`. It can be
//! asked to write types in their binary form, which loses nothing; from that, blocks of any revision are made here while they pass.

use super::cursor::{Cursor, Fault, Read, put_text, put_varint};
use super::{datatype, layout};

const WITH_CUSTOM_SERIALIZATION: u64 = 54454;
/// Not an overflow block, no bucket, end: what every block of a plain result has.
const BLOCK_INFO: [u8; 8] = [1, 0, 2, 0xff, 0xff, 0xff, 0xff, 0];
const RETRY_ALWAYS: usize = 1 << 18;

/// A stream of Native blocks on its way to a client.
pub struct Upgrade {
    revision: u64,
    held: Vec<u8>,
    retry_at: usize,
}

impl Upgrade {
    pub fn new(revision: u64) -> Upgrade {
        Upgrade {
            revision,
            held: Vec::new(),
            retry_at: 0,
        }
    }

    /// Takes bytes with types in binary form; gives every block that is complete.
    pub fn feed(&mut self, bytes: &[u8]) -> Read<Vec<u8>> {
        self.held.extend_from_slice(bytes);
        // A block is read from its start again when more of it has come: not at every crumb once it is large.
        if self.held.len() < self.retry_at {
            return Ok(Vec::new());
        }
        self.drain()
    }

    /// The stream has ended.
    pub fn finish(&mut self) -> Read<Vec<u8>> {
        let out = self.drain()?;
        if self.held.is_empty() { Ok(out) } else { Err(Fault::Incomplete) }
    }

    fn drain(&mut self) -> Read<Vec<u8>> {
        let mut out = Vec::with_capacity(self.held.len() + 64);
        let mut from = Cursor::new(&self.held);
        let mut done = 0;
        while from.at < self.held.len() {
            let kept = out.len();
            match block(&mut from, self.revision, &mut out) {
                Ok(()) => done = from.at,
                Err(Fault::Incomplete) => {
                    out.truncate(kept);
                    break;
                }
                Err(fault) => return Err(fault),
            }
        }
        self.held.drain(..done);
        self.retry_at = if self.held.len() > RETRY_ALWAYS {
            self.held.len() / 2 * 3
        } else {
            0
        };
        Ok(out)
    }
}

fn block(from: &mut Cursor<'_>, revision: u64, out: &mut Vec<u8>) -> Read<()> {
    let (columns, rows) = (from.varint()?, from.varint()?);
    out.extend_from_slice(&BLOCK_INFO);
    put_varint(out, columns);
    put_varint(out, rows);
    for _ in 0..columns {
        let name = from.string()?;
        put_varint(out, name.len());
        out.extend_from_slice(name);
        let kind = datatype::read(from)?;
        put_text(out, &kind.name);
        if revision >= WITH_CUSTOM_SERIALIZATION {
            out.push(0);
        }
        if rows > 0 {
            let shape = layout::prefix(from, &kind.shape, out)?;
            let start = from.at;
            layout::data(from, &shape, rows)?;
            out.extend_from_slice(&from.bytes[start..from.at]);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// SELECT toDateTime(1676369730, 'Asia/Tokyo') AS dt, [toLowCardinality('a')] AS m, 1 AS b
    const BLOCK: &[u8] = &[
        3, 1, 2, b'd', b't', 0x12, 10, b'A', b's', b'i', b'a', b'/', b'T', b'o', b'k', b'y', b'o', 0x42, 0x5f, 0xeb, 0x63, 1, b'm', 0x1e,
        0x26, 0x15, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 1, b'a', 1, 0, 0, 0,
        0, 0, 0, 0, 1, 1, b'b', 1, 1,
    ];

    /// A column `j` of `JSON(b Bool, a String, SKIP d, SKIP c)` with one row, {"a":"xy","b":true}: the type in any order, the data by path.
    const JSON: &[u8] = &[
        1, 1, 1, b'j', 0x30, 0, 0x80, 0x08, 32, 2, 1, b'b', 0x2d, 1, b'a', 0x15, 2, 1, b'd', 1, b'c', 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 2,
        b'x', b'y', 1, 0, 0, 0, 0, 0, 0, 0, 0,
    ];

    fn whole(bytes: &[u8], revision: u64) -> Vec<u8> {
        let mut upgrade = Upgrade::new(revision);
        let mut out = upgrade.feed(bytes).unwrap();
        out.extend(upgrade.finish().unwrap());
        out
    }

    #[test]
    fn types_become_text_and_blocks_get_their_info() {
        let out = whole(BLOCK, 54405);
        assert_eq!(&out[..8], &BLOCK_INFO);
        let text = String::from_utf8_lossy(&out).into_owned();
        assert!(text.contains("DateTime('Asia/Tokyo')") && text.contains("Array(LowCardinality(String))") && text.contains("UInt8"));
        assert_eq!(whole(BLOCK, 54454).len(), out.len() + 3);
    }

    #[test]
    fn the_paths_of_an_object_are_sorted() {
        let out = whole(JSON, 54460);
        assert!(String::from_utf8_lossy(&out).contains("JSON(a String, b Bool, SKIP c, SKIP d)"));
        assert_eq!(&out[out.len() - 12..], &JSON[JSON.len() - 12..]);
    }

    #[test]
    fn byte_by_byte_gives_the_same_as_at_once() {
        let twice = [BLOCK, BLOCK].concat();
        let mut upgrade = Upgrade::new(54460);
        let mut out = Vec::new();
        for byte in &twice {
            out.extend(upgrade.feed(&[*byte]).unwrap());
        }
        out.extend(upgrade.finish().unwrap());
        assert_eq!(out, whole(&twice, 54460));
    }

    #[test]
    fn a_cut_block_is_told() {
        let mut upgrade = Upgrade::new(54460);
        assert_eq!(upgrade.feed(&BLOCK[..BLOCK.len() - 1]), Ok(Vec::new()));
        assert_eq!(upgrade.finish(), Err(Fault::Incomplete));
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut upgrade = Upgrade::new(54460);
            let _ = upgrade.feed(&bytes).and_then(|_| upgrade.finish());
        }

        #[test]
        fn a_changed_block_never_panics(at in 0..BLOCK.len(), value in any::<u8>()) {
            let mut bytes = BLOCK.to_vec();
            bytes[at] = value;
            let mut upgrade = Upgrade::new(54460);
            let _ = upgrade.feed(&bytes).and_then(|_| upgrade.finish());
        }
    }
}
