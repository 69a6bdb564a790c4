//! Header fields.

use super::trace::{self, Trace};
use crate::l7::facts::{Facts, Slot};
use memchr::memchr;

/// What the fields read so far say about the body, and about the field being read.
#[derive(Debug, Default)]
pub struct Head {
    pub length: Option<u64>,
    pub is_chunked: bool,
    /// The slot that a continued line would go on filling.
    folded: Option<Slot>,
    /// Which kind of trace context was found.
    trace: Option<Trace>,
}

#[inline]
fn is(name: &[u8], lower: &[u8]) -> bool {
    name.len() == lower.len() && name.iter().zip(lower).all(|(byte, lower)| byte | 0x20 == *lower || byte == lower)
}

impl Head {
    /// Reads one line, its end taken off.
    #[inline]
    pub fn line(&mut self, line: &[u8], facts: &mut Facts) {
        if matches!(line.first(), Some(b' ' | b'\t')) {
            // An obsolete continuation of the line before (RFC 9112, 5.2).
            if let Some(slot) = self.folded {
                facts.extend(slot, b" ");
                facts.extend(slot, line.trim_ascii());
            }
            return;
        }
        self.folded = None;
        // The names that matter have 2 to 17 bytes: no need to look further for the colon.
        let Some(colon) = memchr(b':', &line[..line.len().min(24)]) else {
            return;
        };
        let name = &line[..colon];
        // A name's length tells nearly all of them apart.
        match colon {
            4 if is(name, b"host") => self.first(Slot::Domain, &line[5..], facts),
            7 if is(name, b"referer") => self.first(Slot::Referer, &line[8..], facts),
            9 if is(name, b"x-real-ip") => self.first(Slot::ProxyClient, &line[10..], facts),
            10 if is(name, b"user-agent") => self.first(Slot::UserAgent, &line[11..], facts),
            12 if is(name, b"x-request-id") => self.first(Slot::XRequestId, &line[13..], facts),
            14 if is(name, b"content-length") => self.content_length(line[15..].trim_ascii()),
            15 if is(name, b"x-forwarded-for") => {
                // It names the whole way, X-Real-IP only the last client.
                facts.put(Slot::ProxyClient, line[16..].trim_ascii());
                self.folded = Some(Slot::ProxyClient);
            }
            17 if is(name, b"transfer-encoding") => self.is_chunked |= ends_with_chunked(line[18..].trim_ascii()),
            2 | 3 | 11 | 12 | 13 | 17 => self.trace(name, line[colon + 1..].trim_ascii(), facts),
            _ => {}
        }
    }

    #[inline]
    fn first(&mut self, slot: Slot, value: &[u8], facts: &mut Facts) {
        facts.put_first(slot, value.trim_ascii());
        self.folded = Some(slot);
    }

    /// The first one counts; a list of equal lengths is legal (RFC 9110, 8.6).
    fn content_length(&mut self, value: &[u8]) {
        if self.length.is_none() {
            let value = &value[..memchr(b',', value).unwrap_or(value.len())];
            self.length = std::str::from_utf8(value.trim_ascii()).ok().and_then(|text| text.parse().ok());
        }
    }

    fn trace(&mut self, name: &[u8], value: &[u8], facts: &mut Facts) {
        if let Some(found) = trace::kind(name).filter(|found| self.trace.is_none_or(|had| *found >= had)) {
            trace::put(found, name, value, facts);
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

fn ends_with_chunked(value: &[u8]) -> bool {
    value
        .len()
        .checked_sub(7)
        .is_some_and(|start| value[start..].eq_ignore_ascii_case(b"chunked"))
}
