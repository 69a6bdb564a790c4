//! Arguments and field tables.

use crate::l7::context::Context;
use crate::l7::facts::Facts;
use crate::l7::frame::Bytes;

/// Reads arguments off the front of a frame.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a>(pub Bytes<'a>);

impl<'a> Fields<'a> {
    pub fn new(bytes: &'a [u8]) -> Fields<'a> {
        Fields(Bytes(bytes))
    }

    pub fn u8(&mut self) -> Option<u8> {
        self.0.u8()
    }

    pub fn u16(&mut self) -> Option<u16> {
        self.0.u16()
    }

    pub fn u64(&mut self) -> Option<u64> {
        self.0.u64()
    }

    pub fn skip(&mut self, size: usize) -> Option<()> {
        self.0.take(size).map(drop)
    }

    /// A text of up to 255 bytes.
    pub fn short(&mut self) -> Option<&'a [u8]> {
        let size = self.0.u8()?;
        self.0.take(usize::from(size))
    }

    /// A table, as far as it is there.
    pub fn table(&mut self) -> Option<Table<'a>> {
        let size = self.0.u32()? as usize;
        let table = self.0.take(size.min(self.0.0.len()))?;
        Some(Table(Fields::new(table)))
    }
}

/// Walks over a table's names with the values that are texts; others are empty.
#[derive(Clone, Copy, Debug)]
pub struct Table<'a>(Fields<'a>);

impl<'a> Iterator for Table<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<(&'a [u8], &'a [u8])> {
        let name = self.0.short()?;
        let size = match self.0.u8()? {
            b't' | b'b' | b'B' => 1,
            b's' | b'U' | b'u' => 2,
            b'I' | b'i' | b'f' => 4,
            b'l' | b'L' | b'd' | b'T' => 8,
            b'D' => 5,
            b'V' => 0,
            kind @ (b'S' | b'x' | b'A' | b'F') => {
                let size = self.0.0.u32()? as usize;
                let value = self.0.0.take(size)?;
                return Some((name, if kind == b'S' { value } else { b"" }));
            }
            _ => return None,
        };
        self.0.skip(size)?;
        Some((name, b""))
    }
}

/// Reads what a content header tells: the size of the content, and its properties.
pub fn properties(payload: &[u8], facts: &mut Facts) -> Option<u64> {
    let mut fields = Fields::new(payload);
    fields.skip(4)?;
    let size = fields.u64()?;
    let _cut = told(&mut fields, facts);
    Some(size)
}

fn told(fields: &mut Fields<'_>, facts: &mut Facts) -> Option<()> {
    let flags = fields.u16()?;
    // From the uppermost bit down, each property that has its bit set.
    for bit in (2..16).rev().filter(|bit| flags >> bit & 1 != 0) {
        match bit {
            13 => {
                let mut context = Context::default();
                for (name, value) in fields.table()? {
                    context.pair(name, value, facts);
                }
            }
            12 | 11 => fields.skip(1)?,
            6 => fields.skip(8)?,
            _ => {
                let value = fields.short()?;
                match bit {
                    10 => facts.attribute("messaging.message.conversation_id", value),
                    9 => facts.attribute("amqp.reply_to", value),
                    7 => facts.attribute("messaging.message.id", value),
                    _ => {}
                }
            }
        }
    }
    Some(())
}
