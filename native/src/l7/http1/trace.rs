//! Trace context in headers.

use super::head::is_any;
use crate::l7::facts::{Facts, Slot};

/// Kinds of trace context; a later one in this list is believed over an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trace {
    /// Jaeger: `trace:span:parent:flags`
    Uber,
    /// Zipkin: one header `b3`, or `X-B3-TraceId` and friends.
    B3,
    /// SkyWalking: dash-separated, ids in base64.
    Sw8,
    /// W3C: `version-trace-parent-flags`
    W3c,
}

/// The kind that a line belongs to, and the field's name.
pub fn kind(line: &[u8]) -> Option<(Trace, &'static [u8])> {
    const NAMES: [(Trace, &[u8]); 7] = [
        (Trace::W3c, b"traceparent"),
        (Trace::Sw8, b"sw8"),
        (Trace::B3, b"b3"),
        (Trace::B3, b"x-b3-traceid"),
        (Trace::B3, b"x-b3-spanid"),
        (Trace::B3, b"x-b3-parentspanid"),
        (Trace::Uber, b"uber-trace-id"),
    ];
    NAMES.into_iter().find(|(_, name)| is_any(line, name))
}

/// Sets the ids that a header's value gives.
///
/// The span id is the caller's span, as DeepFlow has it: the id by which this request is found from the span that made it.
pub fn put(kind: Trace, name: &[u8], value: &[u8], facts: &mut Facts) {
    match (kind, name.len()) {
        (Trace::W3c, _) => {
            let mut parts = value.split(|byte| *byte == b'-').skip(1);
            ids(facts, parts.next(), parts.next(), None);
        }
        (Trace::B3, 2) => {
            let mut parts = value.split(|byte| *byte == b'-');
            let (trace, span) = (parts.next(), parts.next());
            ids(facts, trace.filter(|_| span.is_some()), span, parts.nth(1));
        }
        (Trace::B3, 12) => facts.put(Slot::TraceId, value),
        (Trace::B3, 11) => facts.put(Slot::SpanId, value),
        (Trace::B3, _) => facts.put(Slot::ParentSpanId, value),
        (Trace::Uber, _) => {
            let text = String::from_utf8_lossy(value).replace("%3A", ":").replace("%3a", ":");
            let mut parts = text.split(':').map(str::as_bytes);
            ids(facts, parts.next(), parts.next(), parts.next().filter(|parent| *parent != b"0"));
        }
        (Trace::Sw8, _) => sw8(value, facts),
    }
}

fn ids(facts: &mut Facts, trace: Option<&[u8]>, span: Option<&[u8]>, parent: Option<&[u8]>) {
    for (slot, id) in [(Slot::TraceId, trace), (Slot::SpanId, span), (Slot::ParentSpanId, parent)] {
        facts.put(slot, id.unwrap_or_default());
    }
}

/// `sample-trace-segment-span-…`: the trace id, and segment and span as one span id.
fn sw8(value: &[u8], facts: &mut Facts) {
    let mut parts = value.split(|byte| *byte == b'-').skip(1);
    let (Some(trace), Some(segment), Some(span)) = (parts.next(), parts.next(), parts.next()) else {
        return;
    };
    let (Some(trace), Some(mut segment)) = (base64(trace), base64(segment)) else {
        return;
    };
    segment.push(b'-');
    segment.extend_from_slice(span);
    ids(facts, Some(&trace), Some(&segment), None);
}

/// Standard base64, with or without padding.
fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut held) = (0_u32, 0);
    for byte in text.iter().take_while(|byte| **byte != b'=') {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    Some(bytes)
}
