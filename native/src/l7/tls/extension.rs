//! Extensions of hellos (IANA registry "TLS ExtensionType Values"), and the reader of everything that has a length in front.

pub const SNI: u16 = 0;
pub const GROUPS: u16 = 10;
pub const POINT_FORMATS: u16 = 11;
pub const SIGNATURE_ALGORITHMS: u16 = 13;
pub const ALPN: u16 = 16;
pub const PRE_SHARED_KEY: u16 = 41;
pub const EARLY_DATA: u16 = 42;
pub const SUPPORTED_VERSIONS: u16 = 43;
pub const ENCRYPTED_HELLO: u16 = 0xfe0d;

/// Bytes that are read from the front; what is asked beyond their end is `None`.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    pub fn take(&mut self, size: usize) -> Option<&'a [u8]> {
        let (front, rest) = self.0.split_at_checked(size)?;
        self.0 = rest;
        Some(front)
    }

    pub fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    pub fn u16(&mut self) -> Option<u16> {
        self.take(2).map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    pub fn u24(&mut self) -> Option<usize> {
        self.take(3)
            .map(|bytes| usize::from(bytes[0]) << 16 | usize::from(bytes[1]) << 8 | usize::from(bytes[2]))
    }

    /// Bytes with their length in one byte.
    pub fn short(&mut self) -> Option<&'a [u8]> {
        let length = self.u8()?;
        self.take(usize::from(length))
    }

    /// Bytes with their length in two bytes.
    pub fn long(&mut self) -> Option<&'a [u8]> {
        let length = self.u16()?;
        self.take(usize::from(length))
    }
}

/// Each extension of a block: its type and its data. What is broken ends it.
pub fn each(block: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut reader = Reader(block);
    std::iter::from_fn(move || Some((reader.u16()?, reader.long()?)))
}
