//! The protobuf wire format: tags, varints and lengths over a slice.
//!
//! Source: <https://protobuf.dev/programming-guides/encoding/>. As strict as the common parsers: a varint has at most ten bytes, a
//! tag fits 32 bits and names a field, a length stays inside its parent, groups (long deprecated) are stepped over when balanced.

/// The body is not protobuf of the expected shape; `offset` counts from its first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken {
    pub offset: usize,
    pub what: &'static str,
}

pub const VARINT: u32 = 0;
pub const FIXED64: u32 = 1;
pub const BYTES: u32 = 2;
const GROUP: u32 = 3;
const GROUP_END: u32 = 4;
pub const FIXED32: u32 = 5;

const MAX_GROUP_DEPTH: usize = 32;

/// A field's tag, as it is written: number and wire type.
pub const fn tag(field: u32, wire: u32) -> u32 {
    field << 3 | wire
}

/// A position in a message. `body` begins where the whole request begins, so that positions can be told, and ends where the message ends.
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    body: &'a [u8],
    pub at: usize,
}

type Read<T> = Result<T, Broken>;

impl<'a> Reader<'a> {
    pub fn new(body: &'a [u8]) -> Reader<'a> {
        Reader { body, at: 0 }
    }

    /// What is left of the message.
    #[inline]
    pub fn rest(&self) -> &'a [u8] {
        // `at` never passes the end: every step is checked before it is taken.
        self.body.get(self.at..).unwrap_or_default()
    }

    #[inline]
    pub fn is_done(&self) -> bool {
        self.at >= self.body.len()
    }

    #[cold]
    pub fn broken<T>(&self, what: &'static str) -> Read<T> {
        Err(Broken { offset: self.at, what })
    }

    #[inline(always)]
    pub fn varint(&mut self) -> Read<u64> {
        match self.body.get(self.at) {
            Some(&byte) if byte < 0x80 => {
                self.at += 1;
                Ok(u64::from(byte))
            }
            _ => self.long_varint(),
        }
    }

    /// Up to ten bytes; what of the tenth does not fit into 64 bits is dropped, as protobuf's own parsers do.
    fn long_varint(&mut self) -> Read<u64> {
        let mut value = 0u64;
        for (index, &byte) in self.rest().iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * index as u32);
            if byte < 0x80 {
                self.at += index + 1;
                return Ok(value);
            }
        }
        if self.rest().len() >= 10 {
            self.broken("varint of more than ten bytes")
        } else {
            self.broken("varint cut short")
        }
    }

    /// The next field's tag, or nothing at the end of the message.
    #[inline(always)]
    pub fn tag(&mut self) -> Read<Option<u32>> {
        if self.is_done() {
            return Ok(None);
        }
        let tag = self.varint()?;
        if tag > u64::from(u32::MAX) || tag < 8 {
            return self.broken("tag without a field number");
        }
        Ok(Some(tag as u32))
    }

    #[inline(always)]
    pub fn fixed64(&mut self) -> Read<u64> {
        match self.rest().first_chunk::<8>() {
            Some(bytes) => {
                self.at += 8;
                Ok(u64::from_le_bytes(*bytes))
            }
            None => self.broken("fixed64 cut short"),
        }
    }

    #[inline(always)]
    fn length(&mut self) -> Read<usize> {
        let length = self.varint()?;
        if length > (self.body.len() - self.at) as u64 {
            return self.broken("length beyond the end of its parent");
        }
        Ok(length as usize)
    }

    /// A length-delimited field's bytes.
    #[inline(always)]
    pub fn bytes(&mut self) -> Read<&'a [u8]> {
        let length = self.length()?;
        let bytes = &self.body[self.at..self.at + length];
        self.at += length;
        Ok(bytes)
    }

    /// A length-delimited field as a message of its own.
    #[inline(always)]
    pub fn message(&mut self) -> Read<Reader<'a>> {
        let length = self.length()?;
        let start = self.at;
        self.at += length;
        Ok(Reader {
            body: &self.body[..start + length],
            at: start,
        })
    }

    /// Steps over the value of a field that means nothing here.
    #[inline]
    pub fn skip(&mut self, tag: u32) -> Read<()> {
        match tag & 7 {
            VARINT => self.varint().map(drop),
            FIXED64 => self.fixed64().map(drop),
            BYTES => self.bytes().map(drop),
            FIXED32 if self.rest().len() >= 4 => {
                self.at += 4;
                Ok(())
            }
            FIXED32 => self.broken("fixed32 cut short"),
            GROUP => self.skip_group(tag),
            _ => self.broken("unknown wire type, or the end of a group that never began"),
        }
    }

    /// Walks to the end: whether the message's own fields are whole.
    pub fn check(mut self) -> Read<()> {
        while let Some(tag) = self.tag()? {
            self.skip(tag)?;
        }
        Ok(())
    }

    #[cold]
    fn skip_group(&mut self, tag: u32) -> Read<()> {
        let mut open = vec![tag >> 3];
        while let Some(&field) = open.last() {
            match self.tag()? {
                None => return self.broken("group cut short"),
                Some(end) if end & 7 == GROUP_END => {
                    if end >> 3 != field {
                        return self.broken("group closed by another field");
                    }
                    open.pop();
                }
                Some(start) if start & 7 == GROUP => {
                    if open.len() >= MAX_GROUP_DEPTH {
                        return self.broken("groups nested too deeply");
                    }
                    open.push(start >> 3);
                }
                Some(inner) => self.skip(inner)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_length_beyond_the_end_is_broken_at_its_place() {
        let mut reader = Reader::new(&[0x0a, 0x05, 1, 2]);
        assert_eq!(reader.tag(), Ok(Some(tag(1, BYTES))));
        assert_eq!(reader.bytes().unwrap_err().offset, 2);
    }

    #[test]
    fn a_padded_varint_reads_as_the_short_one() {
        assert_eq!(Reader::new(&[0x81, 0x80, 0x80, 0x80, 0x00]).varint(), Ok(1));
        assert_eq!(Reader::new(&[0xff; 9]).varint().unwrap_err().what, "varint cut short");
        assert!(Reader::new(&[0xff; 11]).varint().is_err());
    }

    #[test]
    fn balanced_groups_are_stepped_over_and_others_are_broken() {
        let mut balanced = Reader::new(&[0x0b, 0x10, 0x01, 0x13, 0x14, 0x0c]);
        let first = balanced.tag().unwrap().unwrap();
        assert_eq!(balanced.skip(first), Ok(()));
        assert!(balanced.is_done());
        let mut crossed = Reader::new(&[0x0b, 0x14]);
        let first = crossed.tag().unwrap().unwrap();
        assert!(crossed.skip(first).is_err());
    }

    proptest! {
        #[test]
        fn random_bytes_end_or_break_and_never_pass_the_end(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut reader = Reader::new(&bytes);
            while let Ok(Some(tag)) = reader.tag() {
                if reader.skip(tag).is_err() {
                    break;
                }
            }
            prop_assert!(reader.at <= bytes.len());
        }
    }
}
