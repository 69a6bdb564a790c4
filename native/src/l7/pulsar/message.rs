//! What comes behind the command that stores or delivers a message: its metadata, and in a batch that of its first message.

use crate::l7::context::Context;
use crate::l7::facts::Facts;
use crate::l7::frame::Bytes;
use crate::l7::protobuf::{Fields, Value};

const BROKER_ENTRY: &[u8] = &[0x0e, 0x02];
const CHECKSUM: &[u8] = &[0x0e, 0x01];

/// Reads as far as the bytes are here.
pub fn read(bytes: &[u8], facts: &mut Facts) -> Option<()> {
    let mut rest = Bytes(bytes);
    if rest.0.starts_with(BROKER_ENTRY) {
        rest.take(2)?;
        rest.text32()?;
    }
    if rest.0.starts_with(CHECKSUM) {
        rest.take(6)?;
    }
    let metadata = rest.text32()?;
    let mut context = Context::default();
    let (mut is_compressed, mut is_batch) = (false, false);
    for (field, value) in Fields::of(metadata) {
        match (field, value) {
            (4, Value::Bytes(pair)) => property(pair, &mut context, facts),
            (6, Value::Bytes(key)) => facts.attribute("pulsar.message_key", key),
            (8, Value::Number(kind)) => is_compressed = kind > 0,
            (11, Value::Number(_)) => is_batch = true,
            // Encrypted.
            (13, _) => is_compressed = true,
            _ => {}
        }
    }
    if is_batch && !is_compressed {
        let single = rest.text32()?;
        for (field, value) in Fields::of(single) {
            match (field, value) {
                (1, Value::Bytes(pair)) => property(pair, &mut context, facts),
                (2, Value::Bytes(key)) => facts.attribute("pulsar.message_key", key),
                _ => {}
            }
        }
    }
    Some(())
}

fn property(pair: &[u8], context: &mut Context, facts: &mut Facts) {
    let (mut key, mut value) = (&[][..], &[][..]);
    for (field, found) in Fields::of(pair) {
        match field {
            1 => key = found.bytes(),
            2 => value = found.bytes(),
            _ => {}
        }
    }
    context.pair(key, value, facts);
}
