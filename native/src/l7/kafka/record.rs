//! Records: how many a batch has, and the headers of the first.

use super::wire::Wire;
use crate::l7::context::Context;
use crate::l7::facts::Facts;

/// Bytes of a batch in front of its records, its own version's place, and that version.
const MAGIC_AT: usize = 16;
const MAGIC: u8 = 2;
const ATTRIBUTES_AT: usize = 21;
const COUNT_AT: usize = 57;
const MAX_HEADERS: i64 = 64;

/// Reads the batch that begins here, as far as it is there.
pub fn batch(bytes: &[u8], facts: &mut Facts) -> Option<()> {
    if *bytes.get(MAGIC_AT)? != MAGIC {
        return None;
    }
    let mut wire = Wire::new(bytes.get(COUNT_AT..)?, false);
    let count = wire.i32()?;
    facts.attribute("messaging.batch.message_count", itoa::Buffer::new().format(count).as_bytes());
    // The lower bits say how it is compressed.
    let is_plain = bytes[ATTRIBUTES_AT + 1] & 7 == 0;
    if !is_plain || count < 1 {
        return None;
    }
    wire.zigzag()?;
    wire.skip(1)?;
    wire.zigzag()?;
    wire.zigzag()?;
    for _ in ["key", "value"] {
        let size = wire.zigzag()?.max(0);
        wire.skip(size as usize)?;
    }
    let mut context = Context::default();
    for _ in 0..wire.zigzag()?.min(MAX_HEADERS) {
        let (mut pair, rest) = ([b"".as_slice(); 2], &mut wire);
        for part in &mut pair {
            let size = rest.zigzag()?.max(0) as usize;
            *part = rest.rest().get(..size)?;
            rest.skip(size)?;
        }
        context.pair(pair[0], pair[1], facts);
    }
    Some(())
}
