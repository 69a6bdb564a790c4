//! Frames (RFC 9113, 4.1), and how a flow of them is recognised.

use super::field::Head;
use super::hpack::Table;
use crate::l7::facts::Facts;
use crate::l7::parser::{Guess, Resync};

pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Bytes of a frame's header.
pub const HEADER: usize = 9;
/// Frames of which more is not allowed to be sent unasked.
const ORDINARY: usize = 16 * 1024;

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const PRIORITY: u8 = 2;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PUSH_PROMISE: u8 = 5;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
pub const WINDOW_UPDATE: u8 = 8;
pub const CONTINUATION: u8 = 9;

pub const END_STREAM: u8 = 0x1;
pub const END_HEADERS: u8 = 0x4;
pub const PADDED: u8 = 0x8;
pub const HAS_PRIORITY: u8 = 0x20;

/// A frame's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    pub length: usize,
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
}

impl Frame {
    #[inline]
    pub fn read(bytes: &[u8]) -> Option<Frame> {
        let [a, b, c, kind, flags, d, e, f, g] = *bytes.first_chunk::<HEADER>()?;
        Some(Frame {
            length: usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c),
            kind,
            flags,
            stream: u32::from_be_bytes([d & 0x7f, e, f, g]),
        })
    }

    pub fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Bytes in front of a header block's fragment, or of data: padding's length, priority, the promised stream.
    pub fn front(&self) -> usize {
        usize::from(self.has(PADDED) && matches!(self.kind, DATA | HEADERS | PUSH_PROMISE))
            + match self.kind {
                HEADERS if self.has(HAS_PRIORITY) => 5,
                PUSH_PROMISE => 4,
                _ => 0,
            }
    }

    /// Whether a peer that obeys the standard could have sent it.
    #[inline]
    pub fn is_legal(&self) -> bool {
        match self.kind {
            DATA | HEADERS | PUSH_PROMISE | CONTINUATION => self.stream != 0 && self.length >= self.front(),
            PRIORITY => self.stream != 0 && self.length == 5,
            RST_STREAM => self.stream != 0 && self.length == 4,
            SETTINGS => self.stream == 0 && self.length.is_multiple_of(6),
            PING => self.stream == 0 && self.length == 8,
            GOAWAY => self.stream == 0 && self.length >= 8,
            WINDOW_UPDATE => self.length == 4,
            _ => true,
        }
    }

    /// Whether it also looks like those that are sent day by day: no unknown kind, no flag without meaning, no unusual size.
    fn is_ordinary(&self) -> bool {
        let flags = match self.kind {
            DATA => END_STREAM | PADDED,
            HEADERS => END_STREAM | END_HEADERS | PADDED | HAS_PRIORITY,
            SETTINGS | PING => 1,
            PUSH_PROMISE => END_HEADERS | PADDED,
            CONTINUATION => END_HEADERS,
            _ => 0,
        };
        let acknowledges = self.kind == SETTINGS && self.flags == 1;
        self.kind <= CONTINUATION
            && self.is_legal()
            && self.flags & !flags == 0
            && self.length <= ORDINARY
            && !(acknowledges && self.length != 0)
            && !(matches!(self.kind, HEADERS | PUSH_PROMISE) && self.length == self.front())
    }

    /// The ordinary frame at the front.
    fn ordinary(bytes: &[u8]) -> Option<Frame> {
        Frame::read(bytes).filter(|frame| bytes[5] & 0x80 == 0 && frame.is_ordinary())
    }
}

/// Without padding and what else stands in front: a header block's fragment.
pub fn fragment<'a>(frame: &Frame, payload: &'a [u8]) -> Option<&'a [u8]> {
    let padding = if frame.has(PADDED) { usize::from(*payload.first()?) } else { 0 };
    payload.get(frame.front()..payload.len().checked_sub(padding)?)
}

/// Who sends the header block of a HEADERS frame: true for a client. `None` where it is no head of a message.
fn head_of(frame: &Frame, payload: &[u8]) -> Option<bool> {
    let (mut head, mut facts) = (Head::default(), Facts::default());
    let block = fragment(frame, payload)?;
    let told = Table::default().decode(block, |name, value| head.field(name, value, &mut facts));
    match (told, head.is_request, head.status) {
        (Ok(()), true, None) => Some(true),
        (Ok(()), false, Some(100..600)) => Some(false),
        _ => None,
    }
}

/// What the first bytes of a flow are.
pub fn guess(bytes: &[u8], from_client: bool) -> Guess {
    let by = |client: bool| if client == from_client { Guess::Yes } else { Guess::Reversed };
    if bytes.starts_with(PREFACE) {
        return by(true);
    }
    if PREFACE.starts_with(bytes) {
        return Guess::Maybe;
    }
    let (mut at, mut frames) = (0, 0);
    while at < bytes.len() {
        let left = &bytes[at..];
        if left.len() < HEADER {
            // The length of an ordinary frame begins with a zero.
            return if left[0] == 0 && left.get(1).is_none_or(|byte| *byte <= 0x40) {
                Guess::Maybe
            } else {
                Guess::No
            };
        }
        let Some(frame) = Frame::ordinary(left) else { return Guess::No };
        let payload = left.get(HEADER..HEADER + frame.length);
        match (frame.kind, payload) {
            (HEADERS, Some(payload)) if frame.has(END_HEADERS) => {
                if let Some(client) = head_of(&frame, payload) {
                    return by(client);
                }
            }
            (_, None) => return Guess::Maybe,
            (SETTINGS, Some(payload)) if !payload.is_empty() => {
                let known = |setting: &[u8]| setting[0] == 0 && (1..=0x10).contains(&setting[1]);
                return if payload.chunks(6).all(known) { Guess::Yes } else { Guess::No };
            }
            (SETTINGS | PING | WINDOW_UPDATE | RST_STREAM | PRIORITY, Some(_)) => {
                frames += 1;
                if frames == 2 {
                    return Guess::Yes;
                }
            }
            (DATA, Some(_)) => {}
            _ => return Guess::No,
        }
        at += HEADER + frame.length;
    }
    if frames > 0 { Guess::Maybe } else { Guess::No }
}

/// Looks for a frame: one of a stream that is known, one that a message begins with, or two in a row.
pub fn find(bytes: &[u8], is_known: impl Fn(u32) -> bool) -> Resync {
    for at in memchr::memchr_iter(0, bytes) {
        let left = &bytes[at..];
        if left.len() < HEADER {
            return Resync::Drop(at);
        }
        let Some(frame) = Frame::ordinary(left) else { continue };
        if frame.stream != 0 && is_known(frame.stream) {
            return Resync::At(at);
        }
        let Some(payload) = left.get(HEADER..HEADER + frame.length) else {
            if frame.kind == HEADERS && frame.has(END_HEADERS) {
                return Resync::Drop(at);
            }
            continue;
        };
        if frame.kind == HEADERS && frame.has(END_HEADERS) && head_of(&frame, payload).is_some() {
            return Resync::At(at);
        }
        let behind = &left[HEADER + frame.length..];
        let is_followed = Frame::ordinary(behind).is_some() || (behind.is_empty() && matches!(frame.kind, SETTINGS | PING | WINDOW_UPDATE));
        if is_followed && !matches!(frame.kind, DATA | HEADERS | CONTINUATION) {
            return Resync::At(at);
        }
    }
    Resync::Drop(bytes.len())
}
