//! A position in bytes that may end too early.

/// Why reading stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The bytes end before the value does; more may come.
    Incomplete,
    /// The bytes are not what they should be.
    Malformed(String),
    /// The bytes are right, but this cannot be done with them.
    Unsupported(String),
}

impl std::fmt::Display for Fault {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Fault::Incomplete => write!(out, "the block ends too early"),
            Fault::Malformed(what) | Fault::Unsupported(what) => write!(out, "{what}"),
        }
    }
}

pub type Read<T> = Result<T, Fault>;

pub struct Cursor<'a> {
    pub bytes: &'a [u8],
    pub at: usize,
}

impl<'a> Cursor<'a> {
    pub fn new(bytes: &'a [u8]) -> Cursor<'a> {
        Cursor { bytes, at: 0 }
    }

    pub fn take(&mut self, size: usize) -> Read<&'a [u8]> {
        let end = self.at.checked_add(size).ok_or(Fault::Incomplete)?;
        let found = self.bytes.get(self.at..end).ok_or(Fault::Incomplete)?;
        self.at = end;
        Ok(found)
    }

    /// Steps over `count` values of `size` bytes.
    pub fn skip(&mut self, count: usize, size: usize) -> Read<()> {
        let total = count.checked_mul(size).ok_or(Fault::Incomplete)?;
        self.take(total).map(drop)
    }

    pub fn byte(&mut self) -> Read<u8> {
        self.take(1).map(|found| found[0])
    }

    pub fn u64(&mut self) -> Read<u64> {
        self.take(8).map(|found| u64::from_le_bytes(found.try_into().unwrap_or_default()))
    }

    /// A count that must fit in memory.
    pub fn count(&mut self) -> Read<usize> {
        let found = self.u64()?;
        usize::try_from(found).map_err(|_| Fault::Malformed(format!("a count of {found}")))
    }

    /// LEB128, at most ten bytes.
    pub fn varint(&mut self) -> Read<usize> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return usize::try_from(value).map_err(|_| Fault::Malformed(format!("a size of {value}")));
            }
        }
        Err(Fault::Malformed("a variable-length number is longer than ten bytes".into()))
    }

    pub fn string(&mut self) -> Read<&'a [u8]> {
        let size = self.varint()?;
        self.take(size)
    }

    pub fn text(&mut self) -> Read<String> {
        self.string().map(|found| String::from_utf8_lossy(found).into_owned())
    }
}

pub fn put_varint(out: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub fn put_text(out: &mut Vec<u8>, text: &str) {
    put_varint(out, text.len());
    out.extend_from_slice(text.as_bytes());
}
