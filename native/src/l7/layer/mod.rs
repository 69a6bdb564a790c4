//! A layer between the wire and a parser: frames, compressed or not, the contents of which make the stream that the parser reads.
//!
//! The parser's steps are told in its own bytes; the layer tells them in bytes of the wire, each message with its share of the frame.

mod lz4;
mod snappy;
mod unpack;

use super::facts::Facts;
use super::parser::{Body, Step};
use unpack::Unpacker;
pub use unpack::{Codec, front};

/// Bytes that wait for the parser.
const ROOM: usize = 32 * 1024;
/// Bytes of an unfinished frame that are not taken before its end comes.
const SPARE: usize = 16;
/// What comes of a compressed frame is read by so many of its bytes at a time: how it was cut into segments makes no difference then.
const BLOCK: usize = 8 * 1024;
/// A buffer up to this size stays allocated when it is empty.
const SMALL: usize = 512;

/// One direction.
#[derive(Default)]
pub struct Layer {
    unpacker: Option<Unpacker>,
    /// Bytes of the frame that are not taken from the lane yet, those behind its content among them.
    left: usize,
    /// Of those in front: bytes that were unpacked already.
    fed: usize,
    /// Of those in front: bytes that may be unpacked now.
    goal: usize,
    /// Bytes behind the content: a checksum.
    trailer: usize,
    plain: Vec<u8>,
    /// Bytes of `plain` that the parser is done with.
    done: usize,
    /// Bytes of `plain` of the last message that the parser did not want to see, and the message's key.
    body: (u64, u64),
    /// A message was begun.
    begun: bool,
    /// The frame is not compressed.
    is_stored: bool,
    /// It is compressed in a way that gives nothing before its end.
    is_block: bool,
    /// There was no room for all of what was fed.
    brimful: bool,
}

impl Layer {
    /// Whether a frame was begun and has more to come.
    pub fn is_open(&self) -> bool {
        self.left > 0
    }

    /// A frame begins: `head` bytes, `content` bytes, `trailer` bytes. `None` where it cannot be read.
    pub fn open(&mut self, codec: Codec, (head, content, trailer): (usize, usize, usize)) -> Option<()> {
        self.unpacker = Some(Unpacker::new(codec)?);
        self.is_stored = codec == Codec::Stored;
        self.is_block = matches!(codec, Codec::Snappy | Codec::Lz4(_));
        (self.left, self.fed, self.trailer) = (head + content + trailer, head, trailer);
        let tells_at_once = self.is_stored || self.is_block;
        self.goal = if tells_at_once { self.left } else { 0 };
        Some(())
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        *self = Layer::default();
    }

    pub fn heap_bytes(&self) -> usize {
        self.plain.capacity() + self.unpacker.as_ref().map_or(0, Unpacker::heap_bytes)
    }

    /// Reads the open frame, of which `bytes` are those that are not taken yet. `parse` is the parser: its bytes, and whether no more will be kept.
    pub fn read(&mut self, bytes: &[u8], facts: &mut Facts, mut parse: impl FnMut(&[u8], bool, &mut Facts) -> Step) -> Step {
        loop {
            let Some(fed) = self.feed(&bytes[..bytes.len().min(self.goal)]) else {
                return self.lost(bytes);
            };
            // With the last byte of a frame its end must have come, so that a message that ends there has all of it.
            let held = match self.fed < self.left {
                true if self.is_block => self.plain.len() - self.done,
                true => 1.min(self.plain.len() - self.done),
                false => 0,
            };
            let waiting = &self.plain[self.done..self.plain.len() - held];
            if self.body.0 > 0 && !waiting.is_empty() {
                let size = waiting.len();
                return self.pass(size);
            }
            let full = waiting.len() + 1 >= ROOM;
            let step = if waiting.is_empty() {
                Step::More
            } else {
                parse(waiting, full, facts)
            };
            let left = waiting.len();
            match step {
                Step::More if full => return self.lost(bytes),
                Step::More if fed || self.goes_on(bytes.len()) => {}
                Step::More => return self.wait(),
                Step::Took { size } => {
                    self.begun = true;
                    self.drop_front(size.clamp(1, left));
                }
                Step::Skip { size } => {
                    self.begun = false;
                    return Step::Skip { size: self.take(size) };
                }
                Step::Message { size, kind, body } => {
                    self.begun = false;
                    let size = self.take(size);
                    let body = match body {
                        Body::Bytes(0) => body,
                        Body::Bytes(length) => {
                            self.body = (length, facts.key);
                            Body::Parts
                        }
                        Body::UntilClose | Body::Parts => body,
                    };
                    return Step::Message { size, kind, body };
                }
                Step::Part { size, key, end, .. } => {
                    self.begun = false;
                    let size = self.take(size);
                    let content = size;
                    return Step::Part { size, content, key, end };
                }
                Step::Tail { size, key } => {
                    self.begun = false;
                    return Step::Tail {
                        size: self.take(size),
                        key,
                    };
                }
                Step::Lost { .. } => return self.lost(bytes),
                Step::Stop | Step::Closed { .. } | Step::Switch { .. } => return Step::Stop,
            }
        }
    }

    /// Whether the next of its blocks has come, of which none was read.
    fn goes_on(&mut self, available: usize) -> bool {
        let goal = self.left.min(self.goal + BLOCK);
        let has_come = self.goal < goal && goal <= available;
        if has_come {
            self.goal = goal;
        }
        has_come
    }

    /// Unpacks as much as there is room for; whether that gave anything, `None` where it makes no sense.
    fn feed(&mut self, bytes: &[u8]) -> Option<bool> {
        let end = self.left.saturating_sub(self.trailer);
        let here = end.min(bytes.len());
        let waiting = self.plain.len() - self.done;
        if waiting >= ROOM && self.fed > 0 {
            return Some(false);
        }
        self.plain.drain(..std::mem::take(&mut self.done));
        let before = self.fed;
        if let Some(unpacker) = &mut self.unpacker {
            let packed = bytes.get(self.fed..here).unwrap_or_default();
            self.fed += unpacker.feed(packed, here == end, &mut self.plain, ROOM.max(waiting + 1))?;
        }
        self.brimful = self.plain.len() >= ROOM;
        if self.fed >= end && !self.brimful {
            self.fed = self.left.min(bytes.len()).max(self.fed);
        }
        // Each step needs a byte of the wire: what unfolds without end has none.
        (self.fed > 0 || self.plain.is_empty()).then_some((before, waiting) != (self.fed, self.plain.len()))
    }

    /// Passes over what belongs to the last message.
    fn pass(&mut self, most: usize) -> Step {
        let size = self.body.0.min(most as u64);
        self.body.0 -= size;
        let size = self.take(size as usize);
        Step::Part {
            size,
            content: size,
            key: self.body.1,
            end: self.body.0 == 0,
        }
    }

    /// The parser is done with `size` of its bytes: how many of the wire's that makes. Messages that share a compressed frame share what of it
    /// was not taken before.
    fn take(&mut self, size: usize) -> usize {
        let waiting = self.plain.len() - self.done;
        let size = size.clamp(1, waiting.max(1));
        let taken = if size >= waiting && !self.brimful {
            self.fed
        } else if self.is_stored {
            // As much of it as has come.
            let trailer = self.fed.saturating_sub(self.left.saturating_sub(self.trailer));
            self.fed.saturating_sub(trailer + waiting - size)
        } else if self.is_block {
            // What would have been taken had the frame come in pieces, which tell nothing before its end.
            self.fed.saturating_sub(SPARE)
        } else {
            // A byte stays as long as there is something left to read, so that the parser is asked again.
            (self.fed * size / waiting.max(1)).min(self.fed.saturating_sub(1))
        };
        self.drop_front(size);
        self.advance(taken.max(1));
        taken.max(1)
    }

    fn drop_front(&mut self, size: usize) {
        self.done = (self.done + size).min(self.plain.len());
        if self.done == self.plain.len() {
            self.done = 0;
            self.plain.clear();
            if self.plain.capacity() > SMALL {
                self.plain = Vec::new();
            }
        }
    }

    fn advance(&mut self, taken: usize) {
        self.left = self.left.saturating_sub(taken);
        self.fed = self.fed.saturating_sub(taken);
        self.goal = self.goal.saturating_sub(taken);
        if self.left == 0 {
            self.unpacker = None;
        }
    }

    /// Nothing can be read before more bytes come.
    fn wait(&mut self) -> Step {
        // Some stay, so that each message at the end of the frame has a byte to be taken with.
        let size = if self.fed < self.left {
            self.fed.saturating_sub(SPARE)
        } else {
            self.fed
        };
        if size == 0 {
            return Step::More;
        }
        self.advance(size);
        if self.left == 0 && self.plain.is_empty() && !self.begun {
            Step::Skip { size }
        } else {
            Step::Took { size }
        }
    }

    fn lost(&mut self, bytes: &[u8]) -> Step {
        let size = self.left.min(bytes.len()).max(1);
        self.reset();
        Step::Lost { size }
    }
}
