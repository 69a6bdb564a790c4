//! Header fields.

use super::scan;
use super::trace::{self, Trace};
use crate::l7::facts::{Facts, Slot};
use memchr::memchr;

/// What the fields read so far say about the body, and about the field being read.
#[derive(Debug, Default)]
pub struct Head {
    pub length: Option<u64>,
    pub is_chunked: bool,
    /// `Upgrade: h2c`
    pub is_h2c: bool,
    /// `Upgrade: websocket`
    pub is_websocket: bool,
    /// The slot that a continued line would go on filling.
    folded: Option<Slot>,
    /// Which kind of trace context was found.
    trace: Option<Trace>,
}

/// Whether a line is that of the field `lower`, whose length is known here: no loop over bytes.
#[inline(always)]
fn is<const N: usize>(line: &[u8], lower: &[u8; N]) -> bool {
    let Some((name, [b':', ..])) = line.split_first_chunk::<N>() else {
        return false;
    };
    let mut differs = 0;
    for (byte, lower) in name.iter().zip(lower) {
        let case = u8::from(lower.is_ascii_lowercase()) << 5;
        differs |= (byte | case) ^ lower;
    }
    differs == 0
}

/// Whether a line is that of the field `lower`.
#[inline]
pub(super) fn is_any(line: &[u8], lower: &[u8]) -> bool {
    line.get(lower.len()) == Some(&b':') && line[..lower.len()].eq_ignore_ascii_case(lower)
}

impl Head {
    /// As [`Head::line`], for the front of one that is longer than anyone reads.
    #[cold]
    pub fn long_line(&mut self, line: &[u8], facts: &mut Facts) {
        self.line(line, facts);
    }

    /// Reads one line, its end taken off.
    #[inline(always)]
    pub fn line(&mut self, line: &[u8], facts: &mut Facts) {
        let Some(first) = line.first() else { return self.folded = None };
        if matches!(first, b' ' | b'\t') {
            return self.fold(line, facts);
        }
        self.folded = None;
        // Most fields are of no interest, and their first letter says so.
        let (slot, value) = match first | 0x20 {
            b'h' if is(line, b"host") => (Slot::Domain, 5),
            b'u' if is(line, b"user-agent") => (Slot::UserAgent, 11),
            b'u' if is(line, b"upgrade") => return self.upgrade(line[8..].trim_ascii()),
            b'r' if is(line, b"referer") => (Slot::Referer, 8),
            b'c' if is(line, b"content-length") => return self.content_length(scan::value(&line[15..])),
            b't' if is(line, b"transfer-encoding") => return self.is_chunked |= ends_with_chunked(line[18..].trim_ascii()),
            b's' if line.len() > 13 && line[..13].eq_ignore_ascii_case(b"sec-websocket") => return websocket(line, facts),
            b'x' if is(line, b"x-request-id") => (Slot::XRequestId, 13),
            b'x' if is(line, b"x-real-ip") => (Slot::ProxyClient, 10),
            b'x' if is(line, b"x-forwarded-for") => {
                // It names the whole way, X-Real-IP only the last client.
                facts.put(Slot::ProxyClient, line[16..].trim_ascii());
                return self.folded = Some(Slot::ProxyClient);
            }
            b'b' | b's' | b't' | b'u' | b'x' => return self.trace(line, facts),
            _ => return,
        };
        facts.put_first(slot, scan::value(&line[value..]));
        self.folded = Some(slot);
    }

    /// An obsolete continuation of the line before (RFC 9112, 5.2).
    #[cold]
    fn fold(&mut self, line: &[u8], facts: &mut Facts) {
        if let Some(slot) = self.folded {
            facts.extend(slot, b" ");
            facts.extend(slot, line.trim_ascii());
        }
    }

    #[cold]
    fn upgrade(&mut self, value: &[u8]) {
        self.is_h2c = value.eq_ignore_ascii_case(b"h2c");
        self.is_websocket = value.eq_ignore_ascii_case(b"websocket");
    }

    /// The first one counts; a list of equal lengths is legal (RFC 9110, 8.6).
    fn content_length(&mut self, value: &[u8]) {
        if self.length.is_none() {
            self.length = digits(value).or_else(|| {
                let value = &value[..memchr(b',', value).unwrap_or(value.len())];
                std::str::from_utf8(value.trim_ascii()).ok().and_then(|text| text.parse().ok())
            });
        }
    }

    #[cold]
    fn trace(&mut self, line: &[u8], facts: &mut Facts) {
        if let Some((found, name)) = trace::kind(line).filter(|(found, _)| self.trace.is_none_or(|had| *found >= had)) {
            trace::put(found, name, line[name.len() + 1..].trim_ascii(), facts);
            self.trace = Some(found);
        }
    }

    /// The head is complete, or no more of it will come.
    #[inline]
    pub fn finish(&mut self, facts: &mut Facts) {
        facts.length = match self.length {
            Some(length) if !self.is_chunked => i64::try_from(length).unwrap_or(i64::MAX),
            _ => -1,
        };
    }
}

/// A number of up to 18 digits and nothing else.
#[inline(always)]
fn digits(value: &[u8]) -> Option<u64> {
    if !(1..=18).contains(&value.len()) {
        return None;
    }
    let mut number = 0;
    for byte in value {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number * 10 + u64::from(digit);
    }
    Some(number)
}

#[cold]
fn websocket(line: &[u8], facts: &mut Facts) {
    for (name, key) in [
        (&b"sec-websocket-protocol"[..], "websocket.protocol"),
        (b"sec-websocket-extensions", "websocket.extensions"),
    ] {
        if is_any(line, name) {
            facts.attribute(key, line[name.len() + 1..].trim_ascii());
        }
    }
}

fn ends_with_chunked(value: &[u8]) -> bool {
    value
        .len()
        .checked_sub(7)
        .is_some_and(|start| value[start..].eq_ignore_ascii_case(b"chunked"))
}
