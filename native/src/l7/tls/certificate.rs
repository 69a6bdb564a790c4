//! The server's certificate (RFC 5280): who it is for, who says so, and for how long. Nothing is verified.

use super::extension::Reader;
use super::fingerprint::hex;
use crate::l7::facts::Facts;
use sha2::{Digest, Sha256};

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const BMP_STRING: u8 = 0x1e;
/// Parts of a name that are told.
const MAX_PARTS: usize = 16;

/// Says what the first certificate of the message `body` tells.
pub fn put(body: &[u8], facts: &mut Facts) {
    let mut reader = Reader(body);
    let first = reader.u24().and_then(|_| reader.u24()).and_then(|length| reader.take(length));
    if let Some(certificate) = first {
        let mut digest = Vec::with_capacity(64);
        hex(&Sha256::digest(certificate), &mut digest);
        tell(certificate, facts);
        facts.attribute("tls.server.hash.sha256", &digest);
    }
}

fn tell(certificate: &[u8], facts: &mut Facts) -> Option<()> {
    let mut signed = Der(Reader(Der(Reader(Der(Reader(certificate)).expect(SEQUENCE)?)).expect(SEQUENCE)?));
    let (tag, _) = signed.next()?;
    if tag == VERSION {
        signed.next()?;
    }
    // The algorithm.
    signed.expect(SEQUENCE)?;
    let issuer = signed.expect(SEQUENCE)?;
    let mut validity = Der(Reader(signed.expect(SEQUENCE)?));
    let subject = signed.expect(SEQUENCE)?;
    facts.attribute("tls.server.subject", name(subject).as_bytes());
    facts.attribute("tls.server.issuer", name(issuer).as_bytes());
    for key in ["tls.server.not_before", "tls.server.not_after"] {
        let (tag, text) = validity.next()?;
        facts.attribute(key, time(tag, text)?.as_bytes());
    }
    Some(())
}

/// Values of the distinguished encoding, one after the other.
struct Der<'a>(Reader<'a>);

impl<'a> Der<'a> {
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let tag = self.0.u8()?;
        let length = match self.0.u8()? {
            short @ 0..=0x7f => usize::from(short),
            0x81 => usize::from(self.0.u8()?),
            0x82 => usize::from(self.0.u16()?),
            0x83 => self.0.u24()?,
            _ => return None,
        };
        Some((tag, self.0.take(length)?))
    }

    fn expect(&mut self, wanted: u8) -> Option<&'a [u8]> {
        self.next().filter(|(tag, _)| *tag == wanted).map(|(_, content)| content)
    }
}

/// A name as `C=DE, O=Example, CN=example.org`, in the order in which it is written.
fn name(parts: &[u8]) -> String {
    let mut text = String::new();
    let mut parts = Der(Reader(parts));
    for _ in 0..MAX_PARTS {
        let Some((_, set)) = parts.next() else { break };
        let mut pair = Der(Reader(Der(Reader(set)).expect(SEQUENCE).unwrap_or_default()));
        let (Some((_, kind)), Some((tag, value))) = (pair.next(), pair.next()) else {
            break;
        };
        if !text.is_empty() {
            text.push_str(", ");
        }
        match attribute(kind) {
            Some(known) => text.push_str(known),
            None => text.push_str(&dotted(kind)),
        }
        text.push('=');
        if tag == BMP_STRING {
            let units = value.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
            text.extend(char::decode_utf16(units).map(|unit| unit.unwrap_or('\u{fffd}')));
        } else {
            text.push_str(&String::from_utf8_lossy(value));
        }
    }
    text
}

/// Short names of attribute types (RFC 4514, 3), by their object identifiers.
fn attribute(kind: &[u8]) -> Option<&'static str> {
    Some(match kind {
        [0x55, 4, 3] => "CN",
        [0x55, 4, 5] => "serialNumber",
        [0x55, 4, 6] => "C",
        [0x55, 4, 7] => "L",
        [0x55, 4, 8] => "ST",
        [0x55, 4, 9] => "STREET",
        [0x55, 4, 10] => "O",
        [0x55, 4, 11] => "OU",
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1] => "emailAddress",
        [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 25] => "DC",
        [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 1] => "UID",
        _ => return None,
    })
}

/// An object identifier as `2.5.4.15`: seven bits of a number a byte, of which the first one stands for two.
fn dotted(kind: &[u8]) -> String {
    let mut text = String::new();
    let mut number = 0_u64;
    for byte in kind {
        number = number << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 != 0 {
            continue;
        }
        if text.is_empty() {
            let root = (number / 40).min(2);
            text = format!("{root}.{}", number - 40 * root);
        } else {
            text.push_str(&format!(".{number}"));
        }
        number = 0;
    }
    text
}

/// A time as ISO 8601; both kinds end with `Z` (RFC 5280, 4.1.2.5).
fn time(tag: u8, text: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(text).ok().filter(|text| text.is_ascii())?;
    let (century, rest) = match tag {
        UTC_TIME if text.len() >= 13 => (if text < "50" { "20" } else { "19" }, text),
        GENERALIZED_TIME if text.len() >= 15 => (&text[..2], &text[2..]),
        _ => return None,
    };
    let part = |nth: usize| &rest[2 * nth..2 * nth + 2];
    Some(format!(
        "{century}{}-{}-{}T{}:{}:{}Z",
        part(0),
        part(1),
        part(2),
        part(3),
        part(4),
        part(5)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_without_a_short_name_are_written_with_dots() {
        let jurisdiction = [0x2b, 6, 1, 4, 1, 0x82, 0x37, 60, 2, 1, 3];
        assert_eq!(dotted(&jurisdiction), "1.3.6.1.4.1.311.60.2.1.3");
        assert_eq!(dotted(&[0x88, 0x37, 3]), "2.999.3");
        assert_eq!(dotted(&[0xff; 20]), "");
        let country = b"\x31\x0b\x30\x09\x06\x03\x55\x04\x06\x13\x02DE";
        let category = b"\x31\x0a\x30\x08\x06\x03\x55\x04\x0f\x0c\x01x";
        assert_eq!(name(&[&country[..], category].concat()), "C=DE, 2.5.4.15=x");
    }
}
