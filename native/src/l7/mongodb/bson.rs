//! BSON (<https://bsonspec.org/spec.html>): the elements of a document, and a document as text.

use memchr::memchr;

pub const DOUBLE: u8 = 1;
pub const TEXT: u8 = 2;
pub const DOCUMENT: u8 = 3;
pub const ARRAY: u8 = 4;
const BINARY: u8 = 5;
const OBJECT_ID: u8 = 7;
const BOOL: u8 = 8;
const DATE: u8 = 9;
const REGEX: u8 = 11;
pub const INT32: u8 = 16;
const TIMESTAMP: u8 = 17;
pub const INT64: u8 = 18;
/// Documents within documents that are written out.
const MAX_DEPTH: usize = 12;
/// Texts and binaries within a document are written so far.
const MAX_VALUE: usize = 256;

/// One element: its type, name, and value, of which the end can be missing.
#[derive(Clone, Copy, Debug)]
pub struct Element<'a> {
    pub kind: u8,
    pub name: &'a [u8],
    pub value: &'a [u8],
}

/// The elements of a document, or of what there is of it.
#[derive(Clone, Copy, Debug)]
pub struct Elements<'a>(&'a [u8]);

/// The little-endian number at this place.
#[inline]
pub fn int32(bytes: &[u8], at: usize) -> Option<i32> {
    bytes.get(at..at + 4)?.first_chunk().map(|four| i32::from_le_bytes(*four))
}

/// The document at the front, as far as it goes, and what lies behind it.
pub fn document(bytes: &[u8]) -> Option<(Elements<'_>, &[u8])> {
    let size = usize::try_from(int32(bytes, 0)?).ok().filter(|size| *size >= 5)?;
    let end = size.min(bytes.len());
    Some((Elements(&bytes[4..end]), &bytes[end..]))
}

/// Bytes of a value.
fn size(kind: u8, rest: &[u8]) -> Option<usize> {
    let counted = |extra: usize| {
        let length = usize::try_from(int32(rest, 0)?).ok()?;
        length.checked_add(extra)
    };
    let ended = |from: usize| Some(from + memchr(0, rest.get(from..)?)? + 1);
    Some(match kind {
        6 | 10 | 0x7f | 0xff => 0,
        BOOL => 1,
        INT32 => 4,
        DOUBLE | DATE | TIMESTAMP | INT64 => 8,
        OBJECT_ID => 12,
        19 => 16,
        TEXT | 13 | 14 => counted(4)?,
        BINARY => counted(5)?,
        12 => counted(16)?,
        DOCUMENT | ARRAY | 15 => counted(0).filter(|size| *size >= 5)?,
        REGEX => ended(ended(0)?)?,
        _ => return None,
    })
}

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    #[inline]
    fn next(&mut self) -> Option<Element<'a>> {
        let (&kind, rest) = self.0.split_first().filter(|(kind, _)| **kind != 0)?;
        self.0 = b"";
        let end = memchr(0, rest)?;
        let (name, rest) = (&rest[..end], &rest[end + 1..]);
        let size = size(kind, rest)?.min(rest.len());
        self.0 = &rest[size..];
        Some(Element {
            kind,
            name,
            value: &rest[..size],
        })
    }
}

impl<'a> Element<'a> {
    /// The characters of a text.
    pub fn text(&self) -> Option<&'a [u8]> {
        let text = self.value.get(4..).filter(|_| self.kind == TEXT)?;
        Some(text.strip_suffix(b"\0").unwrap_or(text))
    }

    /// A number of any kind, or a truth.
    pub fn number(&self) -> Option<i64> {
        let eight = || self.value.first_chunk::<8>();
        match self.kind {
            BOOL => self.value.first().map(|byte| i64::from(*byte)),
            INT32 => int32(self.value, 0).map(i64::from),
            INT64 => eight().map(|eight| i64::from_le_bytes(*eight)),
            DOUBLE => eight().map(|eight| f64::from_le_bytes(*eight) as i64),
            _ => None,
        }
    }

    /// What is inside.
    pub fn elements(&self) -> Option<Elements<'a>> {
        matches!(self.kind, DOCUMENT | ARRAY)
            .then(|| document(self.value))
            .flatten()
            .map(|(elements, _)| elements)
    }
}

/// Writes documents as JSON, near enough for people.
pub struct Writer<'a> {
    pub out: &'a mut Vec<u8>,
    /// Bytes of `out` at most, about.
    pub limit: usize,
    /// Values are written as `?`.
    pub hide: bool,
}

impl Writer<'_> {
    /// The elements that are wanted, without the braces around them; whether there was one.
    pub fn elements(&mut self, elements: Elements<'_>, wanted: impl Fn(&[u8]) -> bool) -> bool {
        let mut first = true;
        for element in elements.filter(|element| wanted(element.name)) {
            if self.out.len() >= self.limit {
                break;
            }
            if !std::mem::take(&mut first) {
                self.out.extend_from_slice(b", ");
            }
            self.quoted(element.name);
            self.out.extend_from_slice(b": ");
            self.value(&element, 0);
        }
        !first
    }

    /// One value.
    pub fn value(&mut self, element: &Element<'_>, depth: usize) {
        // What logs people in is nobody's business.
        let secret = matches!(element.name, b"pwd" | b"speculativeAuthenticate") || element.name == b"payload" && element.kind == BINARY;
        match element.elements() {
            _ if secret => self.out.push(b'?'),
            Some(inner) => self.nested(inner, element.kind == ARRAY, depth + 1),
            None if self.hide => self.out.push(b'?'),
            None => self.scalar(element),
        }
    }

    pub fn nested(&mut self, elements: Elements<'_>, is_array: bool, depth: usize) {
        self.out.push(if is_array { b'[' } else { b'{' });
        for (at, element) in elements.enumerate() {
            if self.out.len() >= self.limit || depth > MAX_DEPTH {
                self.out.extend_from_slice("…".as_bytes());
                break;
            }
            if at > 0 {
                self.out.extend_from_slice(b", ");
            }
            if !is_array {
                self.quoted(element.name);
                self.out.extend_from_slice(b": ");
            }
            self.value(&element, depth);
        }
        self.out.push(if is_array { b']' } else { b'}' });
    }

    fn scalar(&mut self, element: &Element<'_>) {
        match element.kind {
            BOOL => self
                .out
                .extend_from_slice(if element.number() == Some(0) { b"false" } else { b"true" }),
            DOUBLE => {
                let number = element.value.first_chunk().map_or(0.0, |eight| f64::from_le_bytes(*eight));
                self.out.extend_from_slice(number.to_string().as_bytes());
            }
            INT32 | INT64 => {
                let mut buffer = itoa::Buffer::new();
                self.out.extend_from_slice(buffer.format(element.number().unwrap_or(0)).as_bytes());
            }
            OBJECT_ID => self.hex(element.value),
            DATE | TIMESTAMP => {
                let number = element.value.first_chunk().map_or(0, |eight| i64::from_le_bytes(*eight));
                self.out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
            }
            BINARY => self.hex(element.value.get(5..).unwrap_or_default()),
            REGEX => {
                let mut parts = element.value.split(|byte| *byte == 0);
                self.out.push(b'/');
                self.out.extend_from_slice(parts.next().unwrap_or_default());
                self.out.push(b'/');
                self.out.extend_from_slice(parts.next().unwrap_or_default());
            }
            TEXT | 13 | 14 => {
                let text = element.value.get(4..).unwrap_or_default();
                self.quoted(text.strip_suffix(b"\0").unwrap_or(text));
            }
            10 => self.out.extend_from_slice(b"null"),
            _ => self.out.push(b'?'),
        }
    }

    fn quoted(&mut self, text: &[u8]) {
        let text = &text[..text.len().min(MAX_VALUE.max(self.limit.saturating_sub(self.out.len())))];
        self.out.push(b'"');
        for byte in text {
            match byte {
                b'"' | b'\\' => self.out.extend_from_slice(&[b'\\', *byte]),
                b'\n' => self.out.extend_from_slice(b"\\n"),
                0..=0x1f => self.out.push(b' '),
                _ => self.out.push(*byte),
            }
        }
        self.out.push(b'"');
    }

    fn hex(&mut self, bytes: &[u8]) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        self.out.push(b'"');
        for byte in bytes.iter().take(MAX_VALUE / 8) {
            self.out.push(DIGITS[usize::from(byte >> 4)]);
            self.out.push(DIGITS[usize::from(byte & 15)]);
        }
        self.out.push(b'"');
    }
}
