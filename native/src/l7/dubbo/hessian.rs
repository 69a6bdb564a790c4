//! Walks over values of Hessian 2 (hessian.caucho.com, "Hessian 2.0 Serialization Protocol") to reach those that say something.

use crate::l7::frame::Bytes;

/// Values within values; deeper ones are not followed.
const MAX_DEPTH: u8 = 24;
/// Classes of one message whose number of fields is remembered.
const MAX_CLASSES: usize = 48;

/// Reads off the front of a message.
pub struct Hessian<'a> {
    bytes: Bytes<'a>,
    /// How many fields each class has that was defined so far.
    fields: [u16; MAX_CLASSES],
    classes: usize,
}

impl<'a> Hessian<'a> {
    pub fn new(bytes: &'a [u8]) -> Hessian<'a> {
        Hessian {
            bytes: Bytes(bytes),
            fields: [0; MAX_CLASSES],
            classes: 0,
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.0.first().copied()
    }

    /// A text, of a long one the first piece; `None` where something else comes, which is not taken then.
    pub fn text(&mut self) -> Option<&'a [u8]> {
        let mut bytes = self.bytes;
        let mut first = None;
        loop {
            let tag = bytes.u8()?;
            let characters = match tag {
                0..=0x1f => usize::from(tag),
                0x30..=0x33 => usize::from(tag - 0x30) << 8 | usize::from(bytes.u8()?),
                b'S' | b'R' => usize::from(bytes.u16()?),
                b'N' if first.is_none() => 0,
                _ => return None,
            };
            let size = utf8_size(bytes.0, characters)?;
            let text = bytes.take(size)?;
            first = first.or(Some(text));
            if tag != b'R' {
                self.bytes = bytes;
                return first;
            }
        }
    }

    /// A small number.
    pub fn int(&mut self) -> Option<i32> {
        let tag = self.bytes.u8()?;
        Some(match tag {
            0x80..=0xbf => i32::from(tag) - 0x90,
            0xc0..=0xcf => (i32::from(tag) - 0xc8) << 8 | i32::from(self.bytes.u8()?),
            0xd0..=0xd7 => (i32::from(tag) - 0xd4) << 16 | i32::from(self.bytes.u16()?),
            b'I' => self.bytes.u32()? as i32,
            _ => return None,
        })
    }

    /// Passes over one value.
    pub fn skip(&mut self) -> Option<()> {
        self.value(0)
    }

    fn value(&mut self, depth: u8) -> Option<()> {
        let tag = self.peek()?;
        if depth > MAX_DEPTH {
            return None;
        }
        match tag {
            0..=0x1f | 0x30..=0x33 | b'S' | b'R' => return self.text().map(drop),
            0x80..=0xd7 | b'I' => return self.int().map(drop),
            _ => self.bytes.u8()?,
        };
        let size = match tag {
            0x20..=0x2f => usize::from(tag - 0x20),
            0x34..=0x37 => usize::from(tag - 0x34) << 8 | usize::from(self.bytes.u8()?),
            b'B' => usize::from(self.bytes.u16()?),
            b'A' => {
                let size = usize::from(self.bytes.u16()?);
                self.bytes.take(size)?;
                return self.value(depth + 1);
            }
            b'N' | b'T' | b'F' | 0x5b | 0x5c | 0xd8..=0xef => 0,
            0x5d | 0xf0..=0xff => 1,
            0x5e | 0x38..=0x3f => 2,
            0x5f | 0x4b | 0x59 => 4,
            b'D' | b'L' | 0x4a => 8,
            _ => return self.composed(tag, depth),
        };
        self.bytes.take(size).map(drop)
    }

    /// Lists, maps and objects, behind their first byte.
    fn composed(&mut self, tag: u8, depth: u8) -> Option<()> {
        match tag {
            b'C' => {
                self.class()?;
                return self.value(depth + 1);
            }
            b'H' => return self.until_end(depth),
            b'M' => {
                self.kind()?;
                return self.until_end(depth);
            }
            0x55 => {
                self.kind()?;
                return self.until_end(depth);
            }
            0x57 => return self.until_end(depth),
            0x51 => return self.int().map(drop),
            _ => {}
        }
        let count = match tag {
            b'V' => {
                self.kind()?;
                self.int()?
            }
            0x58 => self.int()?,
            0x70..=0x77 => {
                self.kind()?;
                i32::from(tag - 0x70)
            }
            0x78..=0x7f => i32::from(tag - 0x78),
            b'O' | 0x60..=0x6f => {
                let class = if tag == b'O' { self.int()? } else { i32::from(tag - 0x60) };
                i32::from(*self.fields[..self.classes].get(usize::try_from(class).ok()?)?)
            }
            _ => return None,
        };
        (0..count).try_for_each(|_| self.value(depth + 1))
    }

    fn until_end(&mut self, depth: u8) -> Option<()> {
        while self.peek()? != b'Z' {
            self.value(depth + 1)?;
        }
        self.bytes.u8().map(drop)
    }

    /// The type of a list or map: its name, or which of those named before.
    fn kind(&mut self) -> Option<()> {
        match self.text() {
            Some(_) => Some(()),
            None => self.int().map(drop),
        }
    }

    /// A class, behind its first byte: its name, and the texts that name its fields are passed over.
    fn class(&mut self) -> Option<&'a [u8]> {
        let name = self.text()?;
        let count = self.int()?;
        (0..count).try_for_each(|_| self.text().map(drop))?;
        *self.fields.get_mut(self.classes)? = u16::try_from(count).ok()?;
        self.classes += 1;
        Some(name)
    }

    /// Whether a map comes, of which [`Hessian::pair`] then gives the pairs.
    pub fn map(&mut self) -> Option<()> {
        match self.bytes.u8()? {
            b'H' => Some(()),
            b'M' => self.kind(),
            _ => None,
        }
    }

    /// The next pair of a map that has a text for its key; where its value is none, that is empty.
    pub fn pair(&mut self) -> Option<(&'a [u8], &'a [u8])> {
        loop {
            if self.peek()? == b'Z' {
                return None;
            }
            let key = self.text();
            if key.is_none() {
                self.skip()?;
            }
            let value = self.text();
            if value.is_none() {
                self.skip()?;
            }
            if let Some(key) = key {
                return Some((key, value.unwrap_or_default()));
            }
        }
    }

    /// The class of an exception and what it says.
    pub fn exception(&mut self) -> Option<(&'a [u8], &'a [u8])> {
        if self.bytes.u8()? != b'C' {
            return None;
        }
        let mut names = Hessian::new(self.bytes.0);
        let class = self.class()?;
        names.text()?;
        let count = names.int()?;
        let place = (0..count).find(|_| names.text() == Some(b"detailMessage"));
        self.bytes.u8()?;
        let message = place.and_then(|place| {
            (0..place).try_for_each(|_| self.skip())?;
            self.text()
        });
        Some((class, message.unwrap_or_default()))
    }
}

/// Bytes of so many characters; Java counts those beyond 16 bits twice and writes them as two.
fn utf8_size(bytes: &[u8], characters: usize) -> Option<usize> {
    let ascii = bytes.get(..characters)?;
    if ascii.is_ascii() {
        return Some(characters);
    }
    let (mut at, mut left) = (0, characters);
    while left > 0 {
        let (size, units) = match *bytes.get(at)? {
            0..=0x7f => (1, 1),
            0xc0..=0xdf => (2, 1),
            0xe0..=0xef => (3, 1),
            0xf0..=0xf7 => (4, 2),
            _ => return None,
        };
        at += size;
        left = left.checked_sub(units)?;
    }
    Some(at)
}
