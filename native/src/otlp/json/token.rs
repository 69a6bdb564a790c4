//! JSON, token by token, as RFC 8259 has it. Strings are not checked to be UTF-8: a row with a bad one is refused later, alone.

use crate::otlp::wire::Broken;

/// A position in a JSON text.
pub struct Tokens<'a> {
    body: &'a [u8],
    at: usize,
}

type Read<T> = Result<T, Broken>;

impl<'a> Tokens<'a> {
    pub fn new(body: &'a [u8]) -> Tokens<'a> {
        Tokens { body, at: 0 }
    }

    #[cold]
    pub fn broken<T>(&self, what: &'static str) -> Read<T> {
        Err(Broken { offset: self.at, what })
    }

    /// The next byte that is not white space.
    fn peek(&mut self) -> Option<u8> {
        while let Some(byte) = self.body.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(*byte);
            }
            self.at += 1;
        }
        None
    }

    fn expect(&mut self, wanted: u8, what: &'static str) -> Read<()> {
        if self.peek() != Some(wanted) {
            return self.broken(what);
        }
        self.at += 1;
        Ok(())
    }

    /// Nothing may follow the request.
    pub fn end(&mut self) -> Read<()> {
        if self.peek().is_some() {
            self.broken("more after the end of the JSON text")
        } else {
            Ok(())
        }
    }

    pub fn open(&mut self, bracket: u8) -> Read<()> {
        self.expect(
            bracket,
            if bracket == b'{' {
                "expected a JSON object"
            } else {
                "expected a JSON array"
            },
        )
    }

    pub fn colon(&mut self) -> Read<()> {
        self.expect(b':', "expected a colon")
    }

    /// Whether another element follows; steps over the comma before it, or over the closing bracket.
    pub fn more(&mut self, close: u8, first: &mut bool) -> Read<bool> {
        if std::mem::take(first) {
            if self.peek() == Some(close) {
                self.at += 1;
                return Ok(false);
            }
            return Ok(true);
        }
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                if self.peek() == Some(close) {
                    self.broken("nothing after a comma")
                } else {
                    Ok(true)
                }
            }
            Some(byte) if byte == close => {
                self.at += 1;
                Ok(false)
            }
            _ => self.broken("expected a comma or the end of an object or array"),
        }
    }

    /// Steps over `null` where it is next.
    pub fn null(&mut self) -> Read<bool> {
        if self.peek() != Some(b'n') {
            return Ok(false);
        }
        self.word(b"null").map(|()| true)
    }

    fn word(&mut self, word: &[u8]) -> Read<()> {
        if !self.body[self.at..].starts_with(word) {
            return self.broken("unknown word");
        }
        self.at += word.len();
        Ok(())
    }

    pub fn bool(&mut self) -> Read<bool> {
        match self.peek() {
            Some(b't') => self.word(b"true").map(|()| true),
            Some(b'f') => self.word(b"false").map(|()| false),
            _ => self.broken("expected true or false"),
        }
    }

    /// A string's letters, escapes undone.
    pub fn string(&mut self, out: &mut Vec<u8>) -> Read<()> {
        out.clear();
        self.expect(b'"', "expected a string")?;
        loop {
            let rest = &self.body[self.at..];
            let Some(plain) = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20)) else {
                self.at = self.body.len();
                return self.broken("string cut short");
            };
            out.extend_from_slice(&rest[..plain]);
            self.at += plain;
            match rest[plain] {
                b'"' => {
                    self.at += 1;
                    return Ok(());
                }
                b'\\' => self.escape(out)?,
                _ => return self.broken("control character in a string"),
            }
        }
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Read<()> {
        let letter = match self.body.get(self.at + 1) {
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'b') => 8,
            Some(b'f') => 12,
            Some(letter @ (b'"' | b'\\' | b'/')) => *letter,
            Some(b'u') => return self.code_point(out),
            _ => return self.broken("unknown escape"),
        };
        out.push(letter);
        self.at += 2;
        Ok(())
    }

    fn code_point(&mut self, out: &mut Vec<u8>) -> Read<()> {
        let first = self.four_digits(self.at + 2)?;
        self.at += 6;
        let mut code = first;
        if (0xd800..0xdc00).contains(&first) && self.body[self.at..].starts_with(b"\\u") {
            let second = self.four_digits(self.at + 2)?;
            if (0xdc00..0xe000).contains(&second) {
                self.at += 6;
                code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
            }
        }
        match char::from_u32(code) {
            Some(letter) => out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
            // Half a pair stands for no character: written as bytes that are not UTF-8, it makes its row a bad one.
            None => out.extend_from_slice(&[
                0xe0 | (code >> 12) as u8,
                0x80 | (code >> 6 & 0x3f) as u8,
                0x80 | (code & 0x3f) as u8,
            ]),
        }
        Ok(())
    }

    fn four_digits(&self, at: usize) -> Read<u32> {
        let digits = self.body.get(at..at + 4).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        match digits
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
        {
            Some(code) => Ok(code),
            None => self.broken("escape without four hexadecimal digits"),
        }
    }

    /// A string of hexadecimal digits, as the bytes they spell.
    pub fn hex(&mut self, out: &mut Vec<u8>) -> Read<()> {
        self.string(out)?;
        let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
        let (pairs, rest) = out.as_chunks::<2>();
        let bytes: Option<Vec<u8>> = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect();
        match bytes {
            Some(bytes) if rest.is_empty() => {
                *out = bytes;
                Ok(())
            }
            _ => self.broken("id that is not hexadecimal"),
        }
    }

    /// A string in base64, either alphabet, with or without padding, as the bytes it spells.
    pub fn base64(&mut self, out: &mut Vec<u8>) -> Read<()> {
        self.string(out)?;
        let mut bytes = Vec::with_capacity(out.len() / 4 * 3 + 2);
        let (mut word, mut bits) = (0u32, 0);
        for &letter in out.iter().filter(|letter| **letter != b'=') {
            let digit = match letter {
                b'A'..=b'Z' => letter - b'A',
                b'a'..=b'z' => letter - b'a' + 26,
                b'0'..=b'9' => letter - b'0' + 52,
                b'+' | b'-' => 62,
                b'/' | b'_' => 63,
                _ => return self.broken("bytes that are not base64"),
            };
            word = word << 6 | u32::from(digit);
            bits += 6;
            if bits >= 8 {
                bits -= 8;
                bytes.push((word >> bits) as u8);
            }
        }
        *out = bytes;
        Ok(())
    }

    /// A number's letters.
    fn number(&mut self) -> Read<&'a str> {
        let start = self.at;
        let rest = &self.body[start..];
        let length = rest
            .iter()
            .take_while(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'))
            .count();
        match std::str::from_utf8(&rest[..length]) {
            Ok(number) if length > 0 => {
                self.at += length;
                Ok(number)
            }
            _ => self.broken("expected a number"),
        }
    }

    /// An integer, bare or as a string; a negative one as its two's complement.
    pub fn int(&mut self) -> Read<u64> {
        let quoted = self.peek() == Some(b'"');
        self.at += usize::from(quoted);
        let start = self.at;
        let number = self.number()?;
        let int = number.parse::<i64>().map(|int| int as u64).or_else(|_| number.parse::<u64>()).ok();
        let Some(int) = int.or_else(|| whole(number)) else {
            self.at = start;
            return self.broken("expected a 64-bit integer");
        };
        if quoted {
            self.expect(b'"', "expected the end of a number")?;
        }
        Ok(int)
    }

    /// An enum's value, or its name.
    pub fn int_or_name(&mut self, names: &[&str], text: &mut Vec<u8>) -> Read<u64> {
        let start = self.at;
        if self.peek() == Some(b'"') {
            self.string(text)?;
            if let Some(value) = names.iter().position(|name| name.as_bytes() == text.as_slice()) {
                return Ok(value as u64);
            }
            self.at = start;
        }
        self.int()
    }

    pub fn double(&mut self, text: &mut Vec<u8>) -> Read<f64> {
        let number = if self.peek() == Some(b'"') {
            self.string(text)?;
            match text.as_slice() {
                b"NaN" => return Ok(f64::NAN),
                b"Infinity" => return Ok(f64::INFINITY),
                b"-Infinity" => return Ok(f64::NEG_INFINITY),
                other => std::str::from_utf8(other).unwrap_or_default(),
            }
        } else {
            self.number()?
        };
        match number.parse() {
            Ok(double) => Ok(double),
            Err(_) => self.broken("expected a number"),
        }
    }

    /// Steps over any value, however deep.
    pub fn skip(&mut self) -> Read<()> {
        let mut open = Vec::new();
        let mut text = Vec::new();
        loop {
            match self.peek() {
                Some(bracket @ (b'{' | b'[')) => {
                    self.at += 1;
                    open.push((if bracket == b'{' { b'}' } else { b']' }, true));
                }
                Some(b'"') => self.string(&mut text)?,
                Some(b't' | b'f') => self.bool().map(drop)?,
                Some(b'n') => self.word(b"null")?,
                _ => self.number().map(drop)?,
            }
            loop {
                let Some((close, first)) = open.last_mut() else { return Ok(()) };
                let close = *close;
                let mut begins = *first;
                let more = self.more(close, &mut begins)?;
                if !more {
                    open.pop();
                    continue;
                }
                if let Some((_, first)) = open.last_mut() {
                    *first = false;
                }
                if close == b'}' {
                    self.string(&mut text)?;
                    self.colon()?;
                }
                break;
            }
        }
    }
}

/// An integer that is written as a floating-point number, as `1e3` or `7.0`.
fn whole(number: &str) -> Option<u64> {
    let double: f64 = number.parse().ok()?;
    (double.fract() == 0.0 && double.abs() < 9.0e15).then_some(double as i64 as u64)
}
