//! OTLP/JSON → the same request as protobuf, for the one walker to read.
//!
//! Source: <https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>: ids in hexadecimal, other bytes in base64, 64-bit
//! integers as strings or numbers, enums as numbers (names are understood too), lowerCamelCase keys (snake_case is understood too),
//! unknown keys ignored. The result is never much larger than the text, and nothing but the text's own size is allocated.

mod schema;
mod token;

use super::encode::write::{fixed64_field, varint, varint_field};
use super::wire::{BYTES, Broken, FIXED32, tag};
use schema::{Field, Kind, Message};
use token::Tokens;

pub use schema::{LOGS, TRACES};

/// Messages nested deeper than this are left empty: rows with values so deep are refused anyway (`value::MAX_DEPTH`).
const MAX_DEPTH: usize = 100;
/// Messages nested deeper than this get lengths of fixed width, so that each byte is moved only so many times.
const MOVED_DEPTH: usize = 12;

/// Rewrites a JSON body as a protobuf one of the given message.
pub fn to_protobuf(body: &[u8], message: &'static Message) -> Result<Vec<u8>, Broken> {
    let mut writer = Writer {
        tokens: Tokens::new(body),
        out: Vec::with_capacity(body.len() / 2),
        text: Vec::new(),
    };
    writer.message(message, 0)?;
    writer.tokens.end()?;
    Ok(writer.out)
}

struct Writer<'a> {
    tokens: Tokens<'a>,
    out: Vec<u8>,
    text: Vec<u8>,
}

impl Writer<'_> {
    fn message(&mut self, message: &'static Message, depth: usize) -> Result<(), Broken> {
        self.tokens.open(b'{')?;
        let mut first = true;
        while self.tokens.more(b'}', &mut first)? {
            self.tokens.string(&mut self.text)?;
            self.tokens.colon()?;
            match message.iter().find(|field| field.is(&self.text)) {
                Some(field) if !self.tokens.null()? => self.field(field, depth)?,
                Some(_) => {}
                None => self.tokens.skip()?,
            }
        }
        Ok(())
    }

    fn field(&mut self, field: &'static Field, depth: usize) -> Result<(), Broken> {
        if !field.repeated {
            return self.value(field, depth);
        }
        self.tokens.open(b'[')?;
        let mut first = true;
        while self.tokens.more(b']', &mut first)? {
            self.value(field, depth)?;
        }
        Ok(())
    }

    fn value(&mut self, field: &'static Field, depth: usize) -> Result<(), Broken> {
        let number = field.number;
        match field.kind {
            Kind::Message(_) if depth >= MAX_DEPTH => {
                self.tokens.skip()?;
                varint(&mut self.out, u64::from(tag(number, BYTES)));
                self.out.push(0);
            }
            Kind::Message(message) => {
                varint(&mut self.out, u64::from(tag(number, BYTES)));
                let start = self.out.len();
                if depth >= MOVED_DEPTH {
                    self.out.extend_from_slice(&[0; 5]);
                }
                self.message(message(), depth + 1)?;
                if depth >= MOVED_DEPTH {
                    self.pad_length(start)?
                } else {
                    self.insert_length(start)
                }
            }
            Kind::Text => {
                self.tokens.string(&mut self.text)?;
                self.bytes(number);
            }
            Kind::Hex => {
                self.tokens.hex(&mut self.text)?;
                self.bytes(number);
            }
            Kind::Base64 => {
                self.tokens.base64(&mut self.text)?;
                self.bytes(number);
            }
            Kind::Int => {
                let int = self.tokens.int()?;
                varint_field(&mut self.out, number, int);
            }
            Kind::Enum(names) => {
                let int = self.tokens.int_or_name(names, &mut self.text)?;
                varint_field(&mut self.out, number, int);
            }
            Kind::Bool => {
                let bool = self.tokens.bool()?;
                varint_field(&mut self.out, number, u64::from(bool));
            }
            Kind::Double => {
                let double = self.tokens.double(&mut self.text)?;
                fixed64_field(&mut self.out, number, double.to_bits());
            }
            Kind::Fixed64 => {
                let int = self.tokens.int()?;
                fixed64_field(&mut self.out, number, int);
            }
            Kind::Fixed32 => {
                let int = self.tokens.int()?;
                varint(&mut self.out, u64::from(tag(number, FIXED32)));
                self.out.extend_from_slice(&(int as u32).to_le_bytes());
            }
        }
        Ok(())
    }

    fn bytes(&mut self, number: u32) {
        varint(&mut self.out, u64::from(tag(number, BYTES)));
        varint(&mut self.out, self.text.len() as u64);
        self.out.extend_from_slice(&self.text);
    }

    fn insert_length(&mut self, start: usize) {
        let length = self.out.len() - start;
        let mut prefix = Vec::with_capacity(5);
        varint(&mut prefix, length as u64);
        self.out.splice(start..start, prefix);
    }

    fn pad_length(&mut self, start: usize) -> Result<(), Broken> {
        let Ok(length) = u32::try_from(self.out.len() - start - 5) else {
            return self.tokens.broken("message of more than 4 GiB");
        };
        for place in 0..5 {
            let more = if place < 4 { 0x80 } else { 0 };
            self.out[start + place] = (length >> (7 * place) & 0x7f) as u8 | more;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_becomes_its_protobuf() {
        let body = br#" {"resourceSpans":[{"scope_spans":[{"spans":[{"traceId":"0102","name":"a\u00e9\n","kind":"SPAN_KIND_SERVER",
            "startTimeUnixNano":"7","unknown":{"a":[1,{"b":null}]},"attributes":[{"key":"k","value":{"intValue":"-1"}}],"status":null}]}]}]} "#;
        let span = [
            &[0x0a, 2, 1, 2][..],
            &[0x2a, 4, b'a', 0xc3, 0xa9, b'\n'],
            &[0x30, 2],
            &[0x39, 7, 0, 0, 0, 0, 0, 0, 0],
            &[
                0x4a, 16, 0x0a, 1, b'k', 0x12, 11, 0x18, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1,
            ],
        ]
        .concat();
        let mut expected = span;
        for field in [2, 2, 1] {
            let mut outer = vec![field << 3 | 2, expected.len() as u8];
            outer.extend_from_slice(&expected);
            expected = outer;
        }
        assert_eq!(to_protobuf(body, &TRACES), Ok(expected));
    }

    #[test]
    fn broken_texts_say_where() {
        for (body, offset) in [
            (&b""[..], 0),
            (b"{", 1),
            (b"[]", 0),
            (b"{}x", 2),
            (b"{\"resourceSpans\":1}", 17),
            (b"{\"a\":tru}", 5),
            (b"{\"a\":\"\x01\"}", 6),
            (b"{\"a\":1,}", 7),
            (b"{\"a\" 1}", 5),
        ] {
            assert_eq!(
                to_protobuf(body, &TRACES).unwrap_err().offset,
                offset,
                "{}",
                String::from_utf8_lossy(body)
            );
        }
    }

    #[test]
    fn deep_nesting_is_cut_and_does_not_overflow() {
        let deep = |open: &str, close: &str, levels: usize| {
            let body = format!(
                "{{\"resourceSpans\":[{{\"resource\":{{\"attributes\":[{{\"value\":{}1{}}}]}}}}]}}",
                open.repeat(levels),
                close.repeat(levels)
            );
            to_protobuf(body.as_bytes(), &TRACES)
        };
        assert!(deep("{\"arrayValue\":{\"values\":[{\"x\":", "}]}}", 100_000).is_ok());
        assert!(deep("{\"x\":[", "]}", 100_000).is_ok());
    }
}
