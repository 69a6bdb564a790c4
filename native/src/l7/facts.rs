//! What one message says: texts in one buffer, numbers beside them.
//!
//! Facts are reused: [`take`] gives an emptied one of this thread's pool, [`give`] puts it back, so that a busy flow allocates nothing and an
//! idle one holds nothing.

use super::Status;
use super::table::Dialect;
use crate::column::{SHORT, append, append_ascii, is_ascii};
use std::cell::RefCell;

/// Names of a message's texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Slot {
    Version,
    RequestType,
    Domain,
    Resource,
    Endpoint,
    Exception,
    Result,
    TraceId,
    SpanId,
    ParentSpanId,
    XRequestId,
    ProxyClient,
    UserAgent,
    Referer,
}

const SLOTS: usize = Slot::Referer as usize + 1;
/// Bytes of one text that are kept.
pub const MAX_TEXT: usize = 8 * 1024;
/// Bytes of all texts of a message; below 64 KiB, because a span is two 16-bit numbers.
const MAX_TEXTS: usize = 32 * 1024;
const MAX_ATTRIBUTES: usize = 64;
/// A buffer that grew beyond this is freed instead of pooled.
const MAX_POOLED_TEXT: usize = 4 * 1024;
const MAX_POOLED: usize = 256;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Span {
    start: u16,
    len: u16,
}

/// Which texts there may be: a bit for each slot.
#[derive(Clone, Copy, Debug, Default)]
pub struct Told(u16);

impl Told {
    /// There may be any.
    pub(crate) const ALL: Told = Told(u16::MAX);

    #[inline]
    pub(crate) fn has(&self, slot: Slot) -> bool {
        self.0 >> slot as u8 & 1 != 0
    }
}

/// What one message says; the parser fills it, a row is made of one or two of them.
#[derive(Debug, Default)]
pub struct Facts {
    text: String,
    spans: [Span; SLOTS],
    /// Slots that were set.
    told: Told,
    pairs: Vec<(Span, Span)>,
    /// Pairs request and response where the protocol pairs by key.
    pub key: u64,
    /// `key` is not all of it: any waiting request with the same `request_id` will do.
    pub loose_key: bool,
    /// One message that answers several: every request with a key from here to `key`. Alone it is no row, unless it tells an error.
    pub first_key: Option<u64>,
    /// Such a one names nothing: it is about what is left, whatever that is.
    pub is_last_word: bool,
    pub request_id: u64,
    /// What is spoken over the protocol, where the row is to be called by it.
    pub dialect: Option<&'static Dialect>,
    /// `response_code`
    pub code: i32,
    /// `response_status`, set by responses.
    pub status: Status,
    /// Declared length of the body, -1 where unknown.
    pub length: i64,
    pub affected_rows: u64,
    pub is_async: bool,
    /// Requests that stand and fall together.
    pub group: u32,
    /// Requests of the same group behind the one that this answers are never answered.
    pub ends_group: bool,
    /// Nobody owes an answer: that none comes is no timeout.
    pub is_optional: bool,
    /// The exchange lasts until the response is complete, not until it begins: what a handshake takes.
    pub until_end: bool,
    /// What follows is encrypted.
    pub is_tls: bool,
    /// Free for the parser: what the response's meaning depends on.
    pub note: u32,
    /// Payload bytes that were seen.
    pub(crate) captured: u64,
    /// Body bytes counted by parts.
    pub(crate) counted: u64,
    /// More of the message may come.
    pub(crate) open: bool,
    pub(crate) start_us: i64,
    pub(crate) end_us: i64,
    pub(crate) tcp_seq: u32,
    /// What its first packet acknowledged of the other direction, 0 where that is not known.
    pub(crate) tcp_ack: u32,
    /// Which side sent it.
    pub(crate) from_client: bool,
    /// Whether requests before it were lost nobody knows, so that its place in the order means nothing.
    pub(crate) doubtful: bool,
}

impl Facts {
    /// Sets a text; bytes that are not UTF-8 are replaced, what is too long is cut.
    #[inline(never)]
    pub fn put(&mut self, slot: Slot, bytes: &[u8]) {
        match self.push_short(bytes) {
            Some(span) => self.set(slot, span),
            None => self.put_other(slot, bytes),
        }
    }

    #[inline(never)]
    fn put_other(&mut self, slot: Slot, bytes: &[u8]) {
        let span = self.push_other(bytes);
        self.set(slot, span);
    }

    #[inline]
    fn set(&mut self, slot: Slot, span: Span) {
        self.spans[slot as usize] = span;
        self.told.0 |= 1 << slot as u8;
    }

    /// The same where the slot is still empty.
    #[inline]
    pub fn put_first(&mut self, slot: Slot, bytes: &[u8]) {
        if self.spans[slot as usize].len == 0 {
            self.put(slot, bytes);
        }
    }

    /// Appends to a text, which must be the one set last.
    #[inline(never)]
    pub fn extend(&mut self, slot: Slot, bytes: &[u8]) {
        self.extend_by(slot, bytes);
    }

    /// The same with a space before it, in one call.
    #[inline(never)]
    pub fn extend_word(&mut self, slot: Slot, word: &[u8]) {
        self.extend_by(slot, b" ");
        self.extend_by(slot, word);
    }

    #[inline(always)]
    fn extend_by(&mut self, slot: Slot, bytes: &[u8]) {
        let old = self.spans[slot as usize];
        let room = MAX_TEXT - (old.len as usize).min(MAX_TEXT);
        if old.len == 0 || usize::from(old.start) + usize::from(old.len) != self.text.len() {
            return;
        }
        let added = self.push(&bytes[..bytes.len().min(room)]);
        self.spans[slot as usize].len += added.len;
    }

    /// Makes `slot` the first `len` bytes of `of`, without a copy. A cut inside a character gives nothing.
    pub fn put_front(&mut self, slot: Slot, of: Slot, len: usize) {
        let whole = self.get(of);
        if whole.is_char_boundary(len) {
            let start = self.spans[of as usize].start;
            self.set(slot, Span { start, len: len as u16 });
        }
    }

    /// Gives `slot` the text of `of`, without a copy.
    pub fn put_same(&mut self, slot: Slot, of: Slot) {
        self.set(slot, self.spans[of as usize]);
    }

    /// The text of a slot, empty where it was never set.
    #[inline]
    pub fn get(&self, slot: Slot) -> &str {
        self.at(self.spans[slot as usize])
    }

    /// Notes which texts may be there.
    #[inline]
    pub(crate) fn told(&self, told: &mut Told) {
        told.0 |= self.told.0;
    }

    /// Adds a pair to the row's `attributes`.
    pub fn attribute(&mut self, key: &str, value: &[u8]) {
        if self.pairs.len() < MAX_ATTRIBUTES {
            let pair = (self.push(key.as_bytes()), self.push(value));
            self.pairs.push(pair);
        }
    }

    /// Further pairs for the row's `attributes`.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(key, value)| (self.at(*key), self.at(*value)))
    }

    /// Whether there are pairs.
    #[inline]
    pub fn has_attributes(&self) -> bool {
        !self.pairs.is_empty()
    }

    /// Takes over how the message ended: status, code, and texts that are not there yet or were told later.
    pub(crate) fn end_with(&mut self, end: &Facts) {
        self.dialect = self.dialect.or(end.dialect);
        if end.status != Status::Unknown {
            (self.status, self.code) = (end.status, end.code);
        }
        for slot in [Slot::Exception, Slot::Result] {
            if !end.get(slot).is_empty() {
                self.put(slot, end.get(slot).as_bytes());
            }
        }
        for (key, value) in end.attributes() {
            self.attribute(key, value.as_bytes());
        }
    }

    /// The same answer to another request: its bytes were counted already.
    pub(crate) fn again(&self) -> Box<Facts> {
        let mut again = take(self.start_us, self.tcp_seq, self.tcp_ack);
        again.end_us = self.end_us;
        again.end_with(self);
        again
    }

    /// Forgets everything, keeps the buffers.
    pub(crate) fn clear(&mut self) {
        let Facts {
            text,
            spans,
            told,
            pairs,
            key,
            loose_key,
            first_key,
            is_last_word,
            request_id,
            dialect,
            code,
            status,
            length,
            affected_rows,
            is_async,
            group,
            ends_group,
            until_end,
            is_tls,
            note,
            captured,
            counted,
            open,
            start_us,
            end_us,
            tcp_seq,
            tcp_ack,
            from_client,
            doubtful,
            is_optional,
        } = self;
        // In place: to make an empty one and to move it here costs more than the rest of a small message.
        text.clear();
        pairs.clear();
        (*spans, *told) = Default::default();
        (*key, *loose_key, *first_key, *is_last_word) = Default::default();
        (*request_id, *dialect, *code, *status) = Default::default();
        (*length, *affected_rows, *is_async, *group) = (-1, 0, false, 0);
        (*ends_group, *until_end, *is_tls, *note) = Default::default();
        (*captured, *counted, *open, *start_us) = Default::default();
        (*end_us, *tcp_seq, *tcp_ack) = Default::default();
        (*from_client, *doubtful, *is_optional) = Default::default();
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        size_of::<Facts>() + self.text.capacity() + self.pairs.capacity() * size_of::<(Span, Span)>()
    }

    #[inline]
    fn at(&self, span: Span) -> &str {
        // Most texts are not there, and cost no look for the borders of characters.
        if span.len == 0 {
            return "";
        }
        let text = self.text.as_bytes();
        let bytes = text.get(span.start as usize..span.start as usize + span.len as usize);
        // SAFETY: spans are made by `push`, around whole texts that it appended to a string, by `extend`, around two of them, and by `put_front`,
        // which looks for the border of a character. The string only grows, until it and the spans are emptied together.
        unsafe { std::str::from_utf8_unchecked(bytes.unwrap_or_default()) }
    }

    #[inline]
    fn push(&mut self, bytes: &[u8]) -> Span {
        self.push_short(bytes).unwrap_or_else(|| self.push_other(bytes))
    }

    /// Appends a text that is short and ASCII, as nearly all are, where there is room for it.
    #[inline(always)]
    fn push_short(&mut self, bytes: &[u8]) -> Option<Span> {
        let start = self.text.len();
        // SAFETY: ASCII is UTF-8.
        let has_room = start <= MAX_TEXTS - SHORT && append_ascii(unsafe { self.text.as_mut_vec() }, bytes);
        has_room.then_some(Span {
            start: start as u16,
            len: bytes.len() as u16,
        })
    }

    #[inline(never)]
    fn push_other(&mut self, bytes: &[u8]) -> Span {
        let start = self.text.len();
        let bytes = &bytes[..bytes.len().min(MAX_TEXT).min(MAX_TEXTS.saturating_sub(start))];
        if is_ascii(bytes) {
            // SAFETY: ASCII is UTF-8.
            append(unsafe { self.text.as_mut_vec() }, bytes);
        } else {
            self.push_unusual(bytes);
        }
        Span {
            start: start as u16,
            len: (self.text.len() - start) as u16,
        }
    }

    #[cold]
    fn push_unusual(&mut self, bytes: &[u8]) {
        match std::str::from_utf8(bytes) {
            Ok(text) => self.text.push_str(text),
            Err(_) => self.push_lossy(bytes),
        }
    }

    #[cold]
    fn push_lossy(&mut self, mut bytes: &[u8]) {
        let end = (self.text.len() + MAX_TEXT).min(MAX_TEXTS);
        while !bytes.is_empty() && self.text.len() + 3 <= end {
            let error = match std::str::from_utf8(bytes) {
                Ok(text) => return self.push_some(text, end),
                Err(error) => error,
            };
            let (good, bad) = bytes.split_at(error.valid_up_to());
            self.push_some(std::str::from_utf8(good).unwrap_or_default(), end);
            // A character that the cut at the limit halved is left out, a wrong one is replaced.
            let Some(wrong) = error.error_len() else { return };
            if self.text.len() + 3 <= end {
                self.text.push('\u{fffd}');
            }
            bytes = &bad[wrong..];
        }
    }

    fn push_some(&mut self, text: &str, end: usize) {
        let room = end.saturating_sub(self.text.len());
        self.text.push_str(&text[..text.floor_char_boundary(room)]);
    }
}

thread_local! {
    // Boxed, so that a message changes hands by a pointer.
    #[allow(clippy::vec_box)]
    static POOL: RefCell<Vec<Box<Facts>>> = const { RefCell::new(Vec::new()) };
}

/// Empty facts for a message that starts with this byte.
#[inline]
pub(crate) fn take(start_us: i64, tcp_seq: u32, tcp_ack: u32) -> Box<Facts> {
    let pooled = POOL.with_borrow_mut(Vec::pop);
    let mut facts = pooled.unwrap_or_else(|| {
        Box::new(Facts {
            length: -1,
            ..Facts::default()
        })
    });
    facts.start_us = start_us;
    facts.tcp_seq = tcp_seq;
    facts.tcp_ack = tcp_ack;
    facts
}

/// Facts that nobody needs any more.
#[inline]
pub(crate) fn give(facts: Box<Facts>) {
    give_all([facts]);
}

#[inline(always)]
#[allow(clippy::vec_box)]
fn put_back(pool: &mut Vec<Box<Facts>>, mut facts: Box<Facts>) {
    if facts.text.capacity() <= MAX_POOLED_TEXT && pool.len() < MAX_POOLED {
        facts.clear();
        pool.push(facts);
    }
}

/// The same for several.
#[inline]
pub(crate) fn give_all(all: impl IntoIterator<Item = Box<Facts>>) {
    POOL.with_borrow_mut(|pool| all.into_iter().for_each(|facts| put_back(pool, facts)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_are_not_utf8_are_replaced_and_long_ones_cut_at_a_character() {
        let mut facts = Facts::default();
        facts.put(Slot::Resource, b"/a\xff\xfeb\xe6\x98");
        assert_eq!(facts.get(Slot::Resource), "/a\u{fffd}\u{fffd}b");
        facts.put(Slot::Referer, "é".repeat(MAX_TEXT).as_bytes());
        assert_eq!(facts.get(Slot::Referer).len(), MAX_TEXT);
        facts.put(Slot::UserAgent, &[0xff; 100_000]);
        assert!(facts.get(Slot::UserAgent).len() <= MAX_TEXT);
        for _ in 0..100 {
            facts.put(Slot::Result, &[b'x'; MAX_TEXT]);
        }
        assert!(facts.text.len() <= MAX_TEXTS);
        assert_eq!(facts.get(Slot::Resource), "/a\u{fffd}\u{fffd}b");
    }

    #[test]
    fn a_text_can_share_the_front_of_another() {
        let mut facts = Facts::default();
        facts.put(Slot::Version, b"1.1");
        facts.put(Slot::Resource, b"/a/b?c");
        facts.put_front(Slot::Endpoint, Slot::Resource, 4);
        facts.extend(Slot::Resource, b"d");
        assert_eq!((facts.get(Slot::Endpoint), facts.get(Slot::Resource)), ("/a/b", "/a/b?cd"));
    }
}
