//! One direction of TCP payload, put in order for the application layer. In order, nothing is copied.

use std::collections::VecDeque;

/// Out-of-order segments kept per direction, and the bytes they take: a lost packet is followed by what the sender may have under way.
const MAX_SEGMENTS: usize = 1024;
const MAX_BYTES: usize = 1 << 20;

/// A piece of payload with its place in the stream.
pub struct Segment {
    pub seq: u32,
    /// What it acknowledges of the other direction.
    pub ack: u32,
    /// Bytes on the wire; `bytes` may be fewer.
    pub wire_len: u32,
    pub time_us: i64,
    pub bytes: Box<[u8]>,
}

impl Segment {
    fn size(&self) -> usize {
        self.bytes.len() + size_of::<Segment>()
    }
}

/// What is next, and what came too early.
#[derive(Default)]
pub struct Stream {
    next: u32,
    is_synced: bool,
    early: Option<Box<Early>>,
}

/// Segments that wait for one before them.
#[derive(Default)]
struct Early {
    /// In order of their numbers; never empty.
    segments: VecDeque<Segment>,
    bytes: usize,
}

/// What to do with a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placed {
    /// Hand over its payload without the first `skip` bytes, then look at [`Stream::pop`].
    Now { skip: u32 },
    /// Everything in it was there before.
    Old,
    /// It was kept; where `is_full`, a gap has to be given up with [`Stream::give_up`].
    Early { is_full: bool },
}

impl Stream {
    /// Tells where the stream begins, if that is not known yet.
    pub fn sync(&mut self, next: u32) {
        if !self.is_synced {
            self.is_synced = true;
            self.next = next;
        }
    }

    /// Places a segment of `wire_len` bytes, of which `bytes` were captured, by its sequence number; that of its acknowledgement is kept with it.
    #[inline]
    pub fn place(&mut self, (seq, ack): (u32, u32), wire_len: u32, time_us: i64, bytes: &[u8]) -> Placed {
        self.sync(seq);
        let ahead = seq.wrapping_sub(self.next) as i32;
        if ahead == 0 {
            self.next = seq.wrapping_add(wire_len);
            return Placed::Now { skip: 0 };
        }
        if ahead < 0 {
            let skip = ahead.unsigned_abs();
            if skip >= wire_len {
                return Placed::Old;
            }
            self.next = seq.wrapping_add(wire_len);
            return Placed::Now { skip };
        }
        self.keep(Segment {
            seq,
            ack,
            wire_len,
            time_us,
            bytes: bytes.into(),
        });
        Placed::Early {
            is_full: self
                .early
                .as_ref()
                .is_some_and(|early| early.segments.len() >= MAX_SEGMENTS || early.bytes > MAX_BYTES),
        }
    }

    #[cold]
    fn keep(&mut self, segment: Segment) {
        let next = self.next;
        let early = self.early.get_or_insert_default();
        let at = early
            .segments
            .partition_point(|other| other.seq.wrapping_sub(next) <= segment.seq.wrapping_sub(next));
        let is_same = |other: &Segment| other.seq == segment.seq && other.wire_len >= segment.wire_len;
        if at > 0 && is_same(&early.segments[at - 1]) {
            return;
        }
        early.bytes += segment.size();
        early.segments.insert(at, segment);
    }

    /// Whether a segment waits for another that `ack`, the other end's acknowledgement, says has arrived: it was never captured.
    #[inline]
    pub fn missed(&self, ack: u32) -> bool {
        self.first().is_some_and(|first| (ack.wrapping_sub(first.seq) as i32) >= 0)
    }

    #[inline]
    fn first(&self) -> Option<&Segment> {
        self.early.as_ref()?.segments.front()
    }

    /// Bytes that segments take which wait.
    #[inline]
    pub fn early_bytes(&self) -> usize {
        self.early.as_ref().map_or(0, |early| early.bytes)
    }

    #[inline]
    pub fn has_early(&self) -> bool {
        self.early.is_some()
    }

    /// When the first segment came that waits.
    pub fn waits_since(&self) -> Option<i64> {
        self.early.as_ref()?.segments.iter().map(|segment| segment.time_us).min()
    }

    /// A kept segment that is in order now, with the bytes of it to skip.
    pub fn pop(&mut self) -> Option<(Segment, u32)> {
        loop {
            let ahead = self.first()?.seq.wrapping_sub(self.next) as i32;
            if ahead > 0 {
                return None;
            }
            let early = self.early.as_mut()?;
            let segment = early.segments.pop_front()?;
            early.bytes -= segment.size();
            if early.segments.is_empty() {
                self.early = None;
            }
            let skip = ahead.unsigned_abs();
            if skip < segment.wire_len {
                self.next = segment.seq.wrapping_add(segment.wire_len);
                return Some((segment, skip));
            }
        }
    }

    /// Jumps to the first kept segment; gives how many bytes are missing.
    pub fn give_up(&mut self) -> u32 {
        let Some(seq) = self.first().map(|first| first.seq) else { return 0 };
        let missing = seq.wrapping_sub(self.next);
        self.next = seq;
        missing
    }

    pub fn heap_bytes(&self) -> usize {
        let spare = |early: &Early| size_of::<Early>() + (early.segments.capacity() - early.segments.len()) * size_of::<Segment>();
        self.early_bytes() + self.early.as_deref().map_or(0, spare)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Feeds segments and collects what comes out, with `None` for a byte that was given up.
    fn deliver(start: u32, segments: &[(u32, &[u8])]) -> Vec<Option<u8>> {
        let mut stream = Stream::default();
        stream.sync(start);
        let mut out: Vec<Option<u8>> = Vec::new();
        let drain = |stream: &mut Stream, out: &mut Vec<Option<u8>>| {
            while let Some((segment, skip)) = stream.pop() {
                out.extend(segment.bytes[skip as usize..].iter().map(|byte| Some(*byte)));
            }
        };
        for (seq, bytes) in segments {
            match stream.place((*seq, 0), bytes.len() as u32, 0, bytes) {
                Placed::Now { skip } => out.extend(bytes[skip as usize..].iter().map(|byte| Some(*byte))),
                Placed::Old => {}
                Placed::Early { is_full } => {
                    if is_full {
                        out.extend((0..stream.give_up()).map(|_| None));
                    }
                }
            }
            drain(&mut stream, &mut out);
        }
        while stream.has_early() {
            out.extend((0..stream.give_up()).map(|_| None));
            drain(&mut stream, &mut out);
        }
        out
    }

    proptest! {
        #[test]
        fn shuffled_segments_come_out_in_order(start in any::<u32>(), order in Just((0usize..12).collect::<Vec<_>>()).prop_shuffle(), again in proptest::collection::vec(0usize..12, 0..6)) {
            let text: Vec<u8> = (0..60).collect();
            let pieces: Vec<(u32, &[u8])> = order.iter().chain(&again).map(|at| (start.wrapping_add(*at as u32 * 5), &text[at * 5..at * 5 + 5])).collect();
            prop_assert_eq!(deliver(start, &pieces), text.iter().map(|byte| Some(*byte)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_window_full_of_segments_waits_for_the_first() {
        let text = vec![7; 1448];
        let mut stream = Stream::default();
        stream.sync(0);
        for number in 1..500u32 {
            assert_eq!(
                stream.place((number * 1448, 0), 1448, 0, &text),
                Placed::Early { is_full: false },
                "{number}"
            );
        }
        assert_eq!(stream.place((0, 0), 1448, 0, &text), Placed::Now { skip: 0 });
        assert_eq!(std::iter::from_fn(|| stream.pop()).count(), 499);
        assert_eq!(stream.early_bytes(), 0);
    }

    #[test]
    fn what_waits_is_bounded() {
        let text = vec![7; 1448];
        let mut stream = Stream::default();
        stream.sync(0);
        let mut number = 1;
        while stream.place((number * 1448, 0), 1448, 0, &text) == (Placed::Early { is_full: false }) {
            number += 1;
        }
        assert!(stream.heap_bytes() < 2 << 20, "{}", stream.heap_bytes());
    }

    #[test]
    fn a_hole_that_stays_is_given_up() {
        let out = deliver(u32::MAX - 1, &[(u32::MAX - 1, b"ab"), (3, b"de")]);
        assert_eq!(out, [Some(b'a'), Some(b'b'), None, None, None, Some(b'd'), Some(b'e')]);
    }
}
