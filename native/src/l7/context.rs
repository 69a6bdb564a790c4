//! Trace context in pairs of key and value, as attachments of calls and properties of messages have it.

use super::facts::{Facts, Slot};
use super::http1::trace::{self, Trace};

/// The kind of context of a message that is believed so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Context(Option<Trace>);

impl Context {
    /// Takes a pair's ids where it has any.
    pub fn pair(&mut self, key: &[u8], value: &[u8], facts: &mut Facts) {
        const NAMES: [(&[u8], Trace); 7] = [
            (b"traceparent", Trace::W3c),
            (b"sw8", Trace::Sw8),
            (b"b3", Trace::B3),
            (b"x-b3-traceid", Trace::B3),
            (b"x-b3-spanid", Trace::B3),
            (b"x-b3-parentspanid", Trace::B3),
            (b"uber-trace-id", Trace::Uber),
        ];
        if value.is_empty() {
            return;
        }
        if key.eq_ignore_ascii_case(b"x-request-id") {
            return facts.put_first(Slot::XRequestId, value);
        }
        let found = NAMES.iter().find(|(name, _)| key.eq_ignore_ascii_case(name));
        if let Some((name, kind)) = found.filter(|(_, kind)| self.0.is_none_or(|had| *kind >= had)) {
            trace::put(*kind, name, value, facts);
            self.0 = Some(*kind);
        }
    }
}
