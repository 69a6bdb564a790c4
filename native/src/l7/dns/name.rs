//! Domain names: labels, compression pointers, escapes.

/// Bytes of a name in a message (RFC 1035, 3.1), and of its text where each byte needs an escape.
const MAX_WIRE: usize = 255;
const MAX_TEXT: usize = 4 * MAX_WIRE;

/// A name in presentation form, without the final dot; the root is `.`.
pub struct Name {
    text: [u8; MAX_TEXT],
    len: usize,
}

impl Default for Name {
    fn default() -> Self {
        Name {
            text: [0; MAX_TEXT],
            len: 0,
        }
    }
}

impl Name {
    pub fn text(&self) -> &[u8] {
        &self.text[..self.len]
    }

    /// Reads the name at `at`; returns the offset behind it.
    pub fn read(&mut self, message: &[u8], at: usize) -> Option<usize> {
        self.len = 0;
        let (mut at, mut end, mut wire) = (at, None, 1);
        loop {
            let length = usize::from(*message.get(at)?);
            match length >> 6 {
                0 if length == 0 => break,
                0 => {
                    wire += 1 + length;
                    if wire > MAX_WIRE {
                        return None;
                    }
                    self.label(message.get(at + 1..at + 1 + length)?);
                    at += 1 + length;
                }
                3 => {
                    let target = (length & 0x3f) << 8 | usize::from(*message.get(at + 1)?);
                    end = end.or(Some(at + 2));
                    // Pointers only lead back, so that a chain of them ends.
                    if target >= at {
                        return None;
                    }
                    at = target;
                }
                _ => return None,
            }
        }
        if self.len == 0 {
            self.push(b'.');
        }
        Some(end.unwrap_or(at + 1))
    }

    /// Mixes the name, without regard to case, into a hash (FNV-1a).
    pub fn hash(&self, seed: u64) -> u64 {
        self.text().iter().fold(seed, |hash, byte| {
            (hash ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0000_01b3)
        })
    }

    fn label(&mut self, label: &[u8]) {
        if self.len > 0 {
            self.push(b'.');
        }
        if let Some(free) = self.text.get_mut(self.len..self.len + label.len()) {
            // Copied and looked at in one go: nearly every label is plain, and else what was copied is written over.
            let mut all_plain = true;
            for (free, byte) in free.iter_mut().zip(label) {
                *free = *byte;
                all_plain &= is_plain(*byte);
            }
            if all_plain {
                self.len += label.len();
                return;
            }
        }
        for byte in label {
            match byte {
                b'.' | b'\\' => {
                    self.push(b'\\');
                    self.push(*byte);
                }
                0..=b' ' | 0x7f => {
                    self.push(b'\\');
                    for digit in [byte / 100, byte / 10 % 10, byte % 10] {
                        self.push(b'0' + digit);
                    }
                }
                _ => self.push(*byte),
            }
        }
    }

    fn push(&mut self, byte: u8) {
        if let Some(free) = self.text.get_mut(self.len) {
            *free = byte;
            self.len += 1;
        }
    }
}

/// Whether a byte of a label needs no escape.
#[inline]
fn is_plain(byte: u8) -> bool {
    const PLAIN: [bool; 256] = {
        let mut plain = [true; 256];
        let mut byte = 0;
        while byte < 256 {
            plain[byte] = !matches!(byte as u8, 0..=b' ' | b'.' | b'\\' | 0x7f);
            byte += 1;
        }
        plain
    };
    PLAIN[usize::from(byte)]
}

/// The offset behind the name at `at`, its text left unread.
pub fn skip(message: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let length = usize::from(*message.get(at)?);
        match length >> 6 {
            0 if length == 0 => return Some(at + 1),
            0 => at += 1 + length,
            3 => return message.get(at + 1).map(|_| at + 2),
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(message: &[u8], at: usize) -> Option<(String, usize)> {
        let mut name = Name::default();
        let end = name.read(message, at)?;
        Some((String::from_utf8_lossy(name.text()).into_owned(), end))
    }

    #[test]
    fn labels_are_joined_and_odd_bytes_escaped() {
        assert_eq!(read(b"\x03www\x07exAmple\x00rest", 0), Some(("www.exAmple".to_owned(), 13)));
        assert_eq!(read(b"\x04a.b\\\x02\x00 \x00", 0), Some(("a\\.b\\\\.\\000\\032".to_owned(), 9)));
        assert_eq!(read(b"\x00", 0), Some((".".to_owned(), 1)));
    }

    #[test]
    fn pointers_lead_back_and_never_in_a_circle() {
        let message = b"\x03com\x00\x01a\xc0\x00\x01b\xc0\x05";
        assert_eq!(read(message, 9), Some(("b.a.com".to_owned(), 13)));
        assert_eq!(read(b"\xc0\x00", 0), None);
        assert_eq!(read(b"\x01a\xc0\x00", 0), None, "a name inside itself");
        assert_eq!(read(b"\xc0\x02\x00", 0), None, "a pointer forward");
        assert_eq!(read(&[0x41, 0], 0), None);
    }

    #[test]
    fn a_name_that_is_too_long_or_cut_is_none() {
        let long = [&b"\x3f"[..], &[b'a'; 63]].concat().repeat(4);
        assert_eq!(read(&[&long[..], b"\x00"].concat(), 0), None);
        assert_eq!(read(b"\x05abc", 0), None);
        assert_eq!(skip(b"\x05abc", 0), None);
        assert_eq!(skip(b"\x01a\xc0", 0), None);
        assert_eq!(skip(b"\x01a\xc0\x00", 0), Some(4));
    }

    #[test]
    fn the_longest_name_of_escapes_fits() {
        let labels = [&[63_u8][..], &[1; 63]].concat();
        let message = [&labels.repeat(3)[..], &[61], &[1; 61], &[0]].concat();
        let (text, end) = read(&message, 0).unwrap();
        assert_eq!((text.len(), end), (250 * 4 + 3, 255));
    }
}
