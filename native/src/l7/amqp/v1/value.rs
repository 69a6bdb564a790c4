//! Values of AMQP 1.0 (OASIS, part 1: types).

use crate::l7::frame::Bytes;

const MAX_DEPTH: u8 = 8;

/// A value, as far as anyone wants to know it.
#[derive(Clone, Copy, Debug)]
pub enum Value<'a> {
    Null,
    Truth(bool),
    Number(u64),
    /// A text, a symbol, or bytes.
    Text(&'a [u8]),
    List(Values<'a>),
    Map(Values<'a>),
    /// The number of a type, and the one value of it.
    Described(u64, Values<'a>),
    Other,
}

impl<'a> Value<'a> {
    pub fn text(self) -> &'a [u8] {
        match self {
            Value::Text(text) => text,
            _ => &[],
        }
    }

    pub fn number(self) -> Option<u64> {
        match self {
            Value::Number(number) => Some(number),
            _ => None,
        }
    }

    pub fn is_true(self) -> bool {
        matches!(self, Value::Truth(true))
    }

    /// The fields of a described list, and the number of its type.
    pub fn described<const N: usize>(self) -> Option<(u64, [Value<'a>; N])> {
        let Value::Described(number, mut inner) = self else { return None };
        match inner.next() {
            Some(Value::List(list)) => Some((number, list.fields())),
            _ => None,
        }
    }
}

/// Values one behind the other.
#[derive(Clone, Copy, Debug)]
pub struct Values<'a>(pub Bytes<'a>);

impl<'a> Values<'a> {
    pub fn new(bytes: &'a [u8]) -> Values<'a> {
        Values(Bytes(bytes))
    }

    /// The first of them; those that are not there are null.
    pub fn fields<const N: usize>(mut self) -> [Value<'a>; N] {
        let mut fields = [Value::Null; N];
        for field in &mut fields {
            match self.next() {
                Some(value) => *field = value,
                None => break,
            }
        }
        fields
    }

    fn read(&mut self, depth: u8) -> Option<Value<'a>> {
        let rest = &mut self.0;
        let kind = rest.u8()?;
        Some(match kind {
            0x00 => {
                let depth = depth.checked_sub(1)?;
                let number = match self.read(depth)? {
                    Value::Number(number) => number,
                    _ => u64::MAX,
                };
                let before = *self;
                self.read(depth)?;
                let size = before.0.0.len() - self.0.0.len();
                Value::Described(number, Values::new(&before.0.0[..size]))
            }
            0x40 => Value::Null,
            0x41 => Value::Truth(true),
            0x42 => Value::Truth(false),
            0x43 | 0x44 => Value::Number(0),
            0x45 => Value::List(Values::new(&[])),
            0x56 => Value::Truth(rest.u8()? != 0),
            0x50..=0x5f => Value::Number(u64::from(rest.u8()?)),
            0x60..=0x6f => Value::Number(u64::from(rest.u16()?)),
            0x70..=0x7f => Value::Number(u64::from(rest.u32()?)),
            0x80..=0x8f => Value::Number(rest.u64()?),
            0x90..=0x9f => rest.take(16).map(|_| Value::Other)?,
            0xa0..=0xaf => {
                let size = usize::from(rest.u8()?);
                Value::Text(rest.take(size)?)
            }
            0xb0..=0xbf => Value::Text(rest.text32()?),
            // What is longer than the bytes that are here is read as far as it is here.
            0xc0..=0xcf | 0xe0..=0xef => {
                let size = usize::from(rest.u8()?);
                let mut inner = Values(Bytes(rest.take(size.min(rest.0.len()))?));
                inner.0.u8()?;
                compound(kind, inner)
            }
            0xd0..=0xdf | 0xf0..=0xff => {
                let size = rest.u32()? as usize;
                let mut inner = Values(Bytes(rest.take(size.min(rest.0.len()))?));
                inner.0.u32()?;
                compound(kind, inner)
            }
            _ => return None,
        })
    }
}

fn compound(kind: u8, inner: Values<'_>) -> Value<'_> {
    match kind {
        0xc0 | 0xd0 => Value::List(inner),
        0xc1 | 0xd1 => Value::Map(inner),
        _ => Value::Other,
    }
}

impl<'a> Iterator for Values<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        self.read(MAX_DEPTH)
    }
}
