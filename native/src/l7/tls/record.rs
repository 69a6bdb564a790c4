//! The record layer (RFC 8446, 5), and handshake messages put together from it.

/// Types of records.
pub const CHANGE_CIPHER_SPEC: u8 = 20;
pub const ALERT: u8 = 21;
pub const HANDSHAKE: u8 = 22;
pub const APPLICATION_DATA: u8 = 23;
/// Bytes in front of each record.
pub const HEADER: usize = 5;
/// A record's longest content, with what encryption adds.
const MAX_RECORD: usize = (1 << 14) + 2048;
/// Bytes of a handshake message that are kept; only long chains of certificates, of which the first one is told, are longer.
const MAX_MESSAGE: usize = 16 * 1024;

/// What stands in front of a record.
#[derive(Clone, Copy, Debug)]
pub struct Header {
    pub kind: u8,
    pub length: usize,
}

impl Header {
    /// `None` where no record begins; the first byte alone can tell.
    pub fn read(bytes: &[u8; HEADER]) -> Option<Header> {
        let length = usize::from(u16::from_be_bytes([bytes[3], bytes[4]]));
        let known = matches!(bytes[0], CHANGE_CIPHER_SPEC..=APPLICATION_DATA);
        (known && bytes[1] == 3 && bytes[2] <= 4 && length > 0 && length <= MAX_RECORD).then_some(Header { kind: bytes[0], length })
    }

    /// Whether a record can begin like this.
    pub fn is_possible(bytes: &[u8]) -> bool {
        match bytes.first_chunk() {
            Some(header) => Header::read(header).is_some(),
            None => {
                bytes
                    .first()
                    .is_none_or(|kind| matches!(kind, CHANGE_CIPHER_SPEC..=APPLICATION_DATA))
                    && bytes.get(1).is_none_or(|major| *major == 3)
                    && bytes.get(2).is_none_or(|minor| *minor <= 4)
            }
        }
    }
}

/// Handshake messages of one side, which records may split and join.
#[derive(Debug, Default)]
pub struct Messages {
    kept: Vec<u8>,
    /// Bytes of the message that are passed over.
    skipped: usize,
}

impl Messages {
    /// Takes in content of a record.
    pub fn add(&mut self, content: &[u8]) {
        self.kept.extend_from_slice(content);
    }

    /// The next whole message: its type and its body, of a very long one the front.
    pub fn next(&mut self) -> Option<(u8, Vec<u8>)> {
        let [kind, high, middle, low] = *self.kept.first_chunk::<4>()?;
        let length = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
        let seen = self.kept.len() - 4 + self.skipped;
        if seen < length {
            if self.kept.len() > MAX_MESSAGE {
                self.skipped += self.kept.len() - MAX_MESSAGE;
                self.kept.truncate(MAX_MESSAGE);
            }
            return None;
        }
        // What was passed over lies in front of the bytes that came last.
        let end = 4 + length.saturating_sub(self.skipped);
        let rest = self.kept.split_off(end.min(self.kept.len()));
        let mut body = std::mem::replace(&mut self.kept, rest);
        body.drain(..4);
        body.truncate(MAX_MESSAGE);
        self.skipped = 0;
        Some((kind, body))
    }

    /// Forgets what came behind the message that was read last; how many bytes that were.
    pub fn give_back(&mut self) -> usize {
        std::mem::take(&mut self.kept).len()
    }

    pub fn clear(&mut self) {
        *self = Messages::default();
    }

    pub fn heap_bytes(&self) -> usize {
        self.kept.capacity()
    }
}
