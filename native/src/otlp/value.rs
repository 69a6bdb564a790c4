//! OpenTelemetry's AnyValue: read as it stands in the body, printed as text or JSON.

use super::bad::Bad;
use super::wire::{BYTES, Broken, FIXED64, Reader, VARINT, tag};

/// How deep arrays and maps may nest before a row is refused.
pub const MAX_DEPTH: usize = 32;

/// A value, borrowed from the body. Strings are not known to be UTF-8.
#[derive(Clone, Copy)]
pub enum Value<'a> {
    Empty,
    Str(&'a [u8]),
    Bool(bool),
    Int(i64),
    Double(f64),
    Bytes(&'a [u8]),
    Array(Reader<'a>),
    Map(Reader<'a>),
}

impl<'a> Value<'a> {
    /// Reads one AnyValue message.
    #[inline]
    pub fn read(mut message: Reader<'a>) -> Result<Value<'a>, Broken> {
        let mut value = Value::Empty;
        while let Some(tag) = message.tag()? {
            value = match tag {
                STR => Value::Str(message.bytes()?),
                BOOL => Value::Bool(message.varint()? != 0),
                INT => Value::Int(message.varint()? as i64),
                DOUBLE => Value::Double(f64::from_bits(message.fixed64()?)),
                ARRAY => Value::Array(message.message()?),
                MAP => Value::Map(message.message()?),
                RAW => Value::Bytes(message.bytes()?),
                other => {
                    message.skip(other)?;
                    continue;
                }
            };
        }
        Ok(value)
    }

    /// A number, also where it is written as a string.
    pub fn int(self) -> Option<i64> {
        match self {
            Value::Int(int) => Some(int),
            Value::Str(text) => std::str::from_utf8(text).ok()?.parse().ok(),
            Value::Double(double) if double.fract() == 0.0 && double.abs() < 9e15 => Some(double as i64),
            _ => None,
        }
    }

    /// Appends the value as plain text: strings as they are, arrays and maps as JSON. The bytes are not proven to be UTF-8.
    pub fn text(self, out: &mut Vec<u8>) -> Result<Result<(), Bad>, Broken> {
        if let Value::Str(text) = self {
            out.extend_from_slice(text);
            return Ok(Ok(()));
        }
        self.print(out, 0, false)
    }

    /// Appends the value as JSON.
    pub fn json(self, out: &mut Vec<u8>) -> Result<Result<(), Bad>, Broken> {
        self.print(out, 0, true)
    }

    fn print(self, out: &mut Vec<u8>, depth: usize, quoted: bool) -> Result<Result<(), Bad>, Broken> {
        if depth > MAX_DEPTH {
            return Ok(Err(Bad::TooDeep));
        }
        match self {
            Value::Empty => out.extend_from_slice(if quoted { b"null" } else { b"" }),
            Value::Str(text) => quote(text, out),
            Value::Bool(bool) => out.extend_from_slice(if bool { b"true" } else { b"false" }),
            Value::Int(int) => out.extend_from_slice(itoa::Buffer::new().format(int).as_bytes()),
            Value::Double(double) => print_double(double, quoted, out),
            Value::Bytes(bytes) => {
                let mark: &[u8] = if quoted { b"\"" } else { b"" };
                out.extend_from_slice(mark);
                base64(bytes, out);
                out.extend_from_slice(mark);
            }
            Value::Array(items) => return print_array(items, out, depth),
            Value::Map(pairs) => {
                out.push(b'{');
                let printed = print_pairs(pairs, tag(1, BYTES), out, depth)?;
                out.push(b'}');
                return Ok(printed);
            }
        }
        Ok(Ok(()))
    }
}

const STR: u32 = tag(1, BYTES);
const BOOL: u32 = tag(2, VARINT);
const INT: u32 = tag(3, VARINT);
const DOUBLE: u32 = tag(4, FIXED64);
const ARRAY: u32 = tag(5, BYTES);
const MAP: u32 = tag(6, BYTES);
const RAW: u32 = tag(7, BYTES);

/// A KeyValue message: its key and its value, empty where they are missing; the last of each counts.
pub fn read_pair(mut pair: Reader<'_>) -> Result<(&[u8], Value<'_>), Broken> {
    let (mut key, mut value) = (&[][..], Value::Empty);
    while let Some(tag) = pair.tag()? {
        match tag {
            PAIR_KEY => key = pair.bytes()?,
            PAIR_VALUE => value = Value::read(pair.message()?)?,
            other => pair.skip(other)?,
        }
    }
    Ok((key, value))
}

const PAIR_KEY: u32 = tag(1, BYTES);
const PAIR_VALUE: u32 = tag(2, BYTES);

fn print_array(mut items: Reader<'_>, out: &mut Vec<u8>, depth: usize) -> Result<Result<(), Bad>, Broken> {
    out.push(b'[');
    let mut first = true;
    while let Some(field) = items.tag()? {
        if field != tag(1, BYTES) {
            items.skip(field)?;
            continue;
        }
        if !std::mem::take(&mut first) {
            out.push(b',');
        }
        if let Err(bad) = Value::read(items.message()?)?.print(out, depth + 1, true)? {
            return Ok(Err(bad));
        }
    }
    out.push(b']');
    Ok(Ok(()))
}

/// Appends the KeyValue messages that are the `field` of `message` as the inside of a JSON object.
pub fn print_pairs(mut message: Reader<'_>, field: u32, out: &mut Vec<u8>, depth: usize) -> Result<Result<(), Bad>, Broken> {
    let mut first = true;
    while let Some(found) = message.tag()? {
        if found != field {
            message.skip(found)?;
            continue;
        }
        let (key, value) = read_pair(message.message()?)?;
        if !std::mem::take(&mut first) {
            out.push(b',');
        }
        quote(key, out);
        out.push(b':');
        if let Err(bad) = value.print(out, depth + 1, true)? {
            return Ok(Err(bad));
        }
    }
    Ok(Ok(()))
}

fn print_double(double: f64, quoted: bool, out: &mut Vec<u8>) {
    let text = if double.is_finite() {
        format!("{double:?}")
    } else {
        // protobuf's JSON names for what JSON has no number for
        let name = if double.is_nan() {
            "NaN"
        } else if double > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        };
        if quoted { format!("\"{name}\"") } else { name.to_owned() }
    };
    out.extend_from_slice(text.as_bytes());
}

/// Appends `text` as a JSON string; bytes that are not UTF-8 stay as they are, for the row's own check to find.
pub fn quote(text: &[u8], out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    let mut from = 0;
    for (index, &byte) in text.iter().enumerate() {
        let escaped: &[u8] = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            0..0x20 => &[b'\\', b'u', b'0', b'0', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]],
            _ => continue,
        };
        out.extend_from_slice(&text[from..index]);
        out.extend_from_slice(escaped);
        from = index + 1;
    }
    out.extend_from_slice(&text[from..]);
    out.push(b'"');
}

/// Appends `bytes` in base64 with padding.
pub fn base64(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for chunk in bytes.chunks(3) {
        let word = u32::from(chunk[0]) << 16 | u32::from(*chunk.get(1).unwrap_or(&0)) << 8 | u32::from(*chunk.get(2).unwrap_or(&0));
        for place in 0..4 {
            let digit = DIGITS[(word >> (18 - 6 * place)) as usize & 63];
            out.push(if place <= chunk.len() { digit } else { b'=' });
        }
    }
}

/// The lower-case hexadecimal digits of `bytes`, as many as fit.
pub fn hex<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut digits = [b'0'; N];
    for (pair, &byte) in digits.as_chunks_mut::<2>().0.iter_mut().zip(bytes) {
        // Arithmetic, not a table: it is done for sixteen bytes at once.
        let digit = |nibble: u8| b'0' + nibble + if nibble > 9 { b'a' - b'0' - 10 } else { 0 };
        *pair = [digit(byte >> 4), digit(byte & 15)];
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_pads_to_fours() {
        let print = |bytes: &[u8]| {
            let mut out = Vec::new();
            base64(bytes, &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(
            ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg=="],
            [print(b""), print(b"f"), print(b"fo"), print(b"foo"), print(b"foob")]
                .each_ref()
                .map(String::as_str)
        );
    }

    #[test]
    fn quoted_text_escapes_what_json_asks_for() {
        let mut out = Vec::new();
        quote(b"a\"b\\\n\x01\xc3\xa9", &mut out);
        assert_eq!(out, b"\"a\\\"b\\\\\\n\\u0001\xc3\xa9\"");
    }

    #[test]
    fn hex_has_two_digits_a_byte() {
        assert_eq!(&hex::<8>(&[0, 0x1f, 0xa0, 0xff]), b"001fa0ff");
    }
}
