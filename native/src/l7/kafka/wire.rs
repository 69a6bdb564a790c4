//! Numbers, texts and lists in the two forms that Kafka has: of fixed width, and (in flexible versions) compact with tagged fields.

use crate::l7::frame::Bytes;

/// Reads fields off the front of a message; gives nothing where the bytes end, which is no error: only the front of a message is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Wire<'a> {
    bytes: Bytes<'a>,
    pub flexible: bool,
}

impl<'a> Wire<'a> {
    pub fn new(bytes: &'a [u8], flexible: bool) -> Wire<'a> {
        Wire {
            bytes: Bytes(bytes),
            flexible,
        }
    }

    pub fn rest(&self) -> &'a [u8] {
        self.bytes.0
    }

    pub fn skip(&mut self, size: usize) -> Option<()> {
        self.bytes.take(size).map(drop)
    }

    pub fn i16(&mut self) -> Option<i16> {
        self.bytes.u16().map(|number| number as i16)
    }

    pub fn i32(&mut self) -> Option<i32> {
        self.bytes.u32().map(|number| number as i32)
    }

    pub fn i64(&mut self) -> Option<i64> {
        self.bytes.u64().map(|number| number as i64)
    }

    pub fn uuid(&mut self) -> Option<&'a [u8]> {
        self.bytes.take(16)
    }

    /// Seven bits a byte, the lowest first.
    pub fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in 0..10 {
            let byte = self.bytes.u8()?;
            value |= u64::from(byte & 0x7f) << (7 * shift);
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// The same with the sign in the lowest bit, as records have it.
    pub fn zigzag(&mut self) -> Option<i64> {
        let value = self.varint()?;
        Some((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// A length; nothing there is 0.
    fn length(&mut self, is_long: bool) -> Option<usize> {
        Some(match (self.flexible, is_long) {
            (true, _) => self.varint()?.saturating_sub(1) as usize,
            (false, true) => self.i32()?.max(0) as usize,
            (false, false) => self.i16()?.max(0) as usize,
        })
    }

    pub fn text(&mut self) -> Option<&'a [u8]> {
        let length = self.length(false)?;
        self.bytes.take(length)
    }

    /// How many elements follow.
    pub fn list(&mut self) -> Option<usize> {
        self.length(true)
    }

    /// How many bytes follow.
    pub fn blob(&mut self) -> Option<usize> {
        self.length(true)
    }

    /// Passes over a list of elements of a fixed size.
    pub fn skip_list(&mut self, size: usize) -> Option<()> {
        let count = self.list()?;
        self.skip(count.checked_mul(size)?)
    }

    /// Passes over the tagged fields at the end of an object of a flexible version.
    #[inline]
    pub fn tags(&mut self) -> Option<()> {
        if self.flexible {
            for _ in 0..self.varint()? {
                self.varint()?;
                let size = self.varint()?;
                self.skip(size as usize)?;
            }
        }
        Some(())
    }
}
