//! One direction of a flow: the loop between its bytes and the parser.

use crate::l7::Parser;
use crate::l7::facts::{self, Facts};
use crate::l7::parser::{Body, Input, Kind, Resync, Step};
use crate::session::{Out, Part, Session};

/// Unread bytes of a direction that are kept for the next packet. Parsers that read larger messages take them piece by piece.
pub(super) const MAX_KEPT: usize = 16 * 1024;
/// A buffer up to this size stays allocated when it is empty.
const SMALL: usize = 512;

/// Bytes of a body that are still to come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Rest(u64);

impl Rest {
    const NONE: Rest = Rest(0);
    const UNTIL_CLOSE: Rest = Rest(u64::MAX);

    fn bytes(length: u64) -> Rest {
        Rest(length.min(u64::MAX - 1))
    }
}

/// The beginning of a message that goes on in the next packet.
#[derive(Default)]
struct Kept {
    bytes: Vec<u8>,
    /// When its first byte came.
    time_us: i64,
    /// What that packet acknowledged.
    tcp_ack: u32,
}

/// What is known about one direction between two packets.
#[derive(Default)]
pub(super) struct Lane {
    kept: Option<Box<Kept>>,
    /// The message that is being read.
    facts: Option<Box<Facts>>,
    /// The body that is being skipped, and whose it is.
    rest: Rest,
    body_key: u64,
    body_kind: Option<Kind>,
    /// The length of that body rests on a guess, because the request was not seen.
    doubtful: bool,
    lost: bool,
}

/// Both directions of a flow, and the session they make.
#[derive(Default)]
pub(super) struct Streams {
    /// From the client, from the server.
    pub lanes: [Lane; 2],
    pub session: Session,
    /// Losses since the last message.
    pub losses: u8,
    /// Another protocol is spoken from here on.
    pub stopped: bool,
    /// This protocol is spoken from here on; bytes of it are kept in the lanes.
    pub switched: Option<u8>,
}

/// Payload of one packet.
#[derive(Clone, Copy)]
pub(super) struct Chunk<'a> {
    pub bytes: &'a [u8],
    pub tcp_seq: u32,
    pub tcp_ack: u32,
    pub from_client: bool,
}

impl Lane {
    pub fn kept(&self) -> &[u8] {
        self.kept.as_ref().map_or(&[], |kept| &kept.bytes)
    }

    pub fn keep(&mut self, bytes: &[u8], time_us: i64, tcp_ack: u32) {
        let kept = self.kept.get_or_insert_default();
        if kept.bytes.is_empty() {
            (kept.time_us, kept.tcp_ack) = (time_us, tcp_ack);
        }
        kept.bytes.extend_from_slice(bytes);
    }

    /// Gives the buffer back where it is empty.
    pub fn shrink(&mut self) {
        if self.kept().is_empty() {
            self.kept = None;
        }
    }

    pub fn is_idle(&self) -> bool {
        self.facts.is_none()
    }

    pub fn heap_bytes(&self) -> usize {
        let kept = self.kept.as_ref().map_or(0, |kept| size_of::<Kept>() + kept.bytes.capacity());
        kept + self.facts.as_ref().map_or(0, |facts| facts.heap_bytes())
    }

    fn kind(&self, from_client: bool) -> Kind {
        self.body_kind.unwrap_or(if from_client { Kind::Request } else { Kind::Response })
    }
}

impl Streams {
    #[inline]
    fn lane(&mut self, from_client: bool) -> &mut Lane {
        &mut self.lanes[usize::from(!from_client)]
    }

    /// Reads the bytes of one packet behind those that were kept.
    #[inline(always)]
    pub(super) fn read(&mut self, chunk: Chunk<'_>, parser: &mut dyn Parser, out: &mut Out<'_>) {
        if out.datagram {
            return self.read_datagram(chunk, parser, out);
        }
        let end = chunk.tcp_seq.wrapping_add(chunk.bytes.len() as u32);
        self.session.saw(chunk.from_client, end, chunk.tcp_ack);
        let lane = self.lane(chunk.from_client);
        if lane.doubtful && lane.kept().is_empty() {
            self.doubt(chunk, parser, out);
        }
        let lane = self.lane(chunk.from_client);
        if lane.kept().is_empty() {
            let read = self.read_stream(chunk, 0, parser, out);
            let left = &chunk.bytes[read..];
            if !left.is_empty() {
                self.lane(chunk.from_client).keep(left, out.now_us, chunk.tcp_ack);
            }
            return;
        }
        self.read_joined(chunk, parser, out);
    }

    #[inline(never)]
    fn read_joined(&mut self, chunk: Chunk<'_>, parser: &mut dyn Parser, out: &mut Out<'_>) {
        let lane = self.lane(chunk.from_client);
        let mut kept = lane.kept.as_mut().map(|kept| std::mem::take(&mut kept.bytes)).unwrap_or_default();
        let carried = kept.len();
        kept.extend_from_slice(chunk.bytes);
        let joined = Chunk {
            bytes: &kept,
            tcp_seq: chunk.tcp_seq.wrapping_sub(carried as u32),
            ..chunk
        };
        let read = self.read_stream(joined, carried, parser, out);
        let place = self.lane(chunk.from_client).kept.get_or_insert_default();
        if read >= carried {
            (place.time_us, place.tcp_ack) = (out.now_us, chunk.tcp_ack);
        }
        kept.drain(..read);
        if kept.is_empty() && kept.capacity() > SMALL {
            kept = Vec::new();
        }
        place.bytes = kept;
    }

    /// Reads what it can of `chunk`, of which the first `carried` bytes came earlier; returns how many bytes it is done with.
    #[inline(always)]
    fn read_stream(&mut self, chunk: Chunk<'_>, carried: usize, parser: &mut dyn Parser, out: &mut Out<'_>) -> usize {
        let Chunk {
            bytes,
            tcp_seq,
            tcp_ack,
            from_client,
        } = chunk;
        let mut at = 0;
        while at < bytes.len() && !self.stopped && self.switched.is_none() {
            let left = &bytes[at..];
            let lane = &mut self.lanes[usize::from(!from_client)];
            if lane.rest != Rest::NONE {
                at += self.read_body(from_client, left.len(), out);
                continue;
            }
            if lane.lost {
                match parser.resync(from_client, left) {
                    Resync::At(offset) => {
                        at += offset.min(left.len());
                        lane.lost = false;
                        continue;
                    }
                    Resync::Drop(offset) => {
                        at += offset.min(left.len());
                        // What cannot be told within the bytes that may be kept is not the start of a message.
                        return if bytes.len() - at > MAX_KEPT { bytes.len() } else { at };
                    }
                }
            }
            let facts = lane.facts.get_or_insert_with(|| {
                let (start_us, tcp_ack) = match &lane.kept {
                    Some(kept) if at < carried => (kept.time_us, kept.tcp_ack),
                    _ => (out.now_us, tcp_ack),
                };
                let mut facts = facts::take(start_us, tcp_seq.wrapping_add(at as u32), tcp_ack);
                facts.from_client = from_client;
                facts
            });
            let full = left.len() >= MAX_KEPT;
            let waiting = if from_client { None } else { self.session.next_answered(facts) };
            // Nothing that a parser does changes what is asked of such a one.
            let answers = waiting.is_some_and(|request| !request.doubtful);
            let step = parser.parse(
                Input {
                    bytes: left,
                    from_client,
                    datagram: false,
                    full,
                    waiting,
                    settings: out.settings,
                },
                facts,
            );
            match self.step(step, (from_client, answers), left.len(), parser, out) {
                Some(taken) => at += taken,
                None if full => at += self.lose(from_client, left.len(), parser, out),
                None => break,
            }
        }
        if self.stopped { bytes.len() } else { at }
    }

    /// Does what the parser said; `None` for more bytes, else how many were taken. `answers`: as a response it answers the oldest request, no doubt.
    #[inline(always)]
    fn step(
        &mut self,
        step: Step,
        (from_client, answers): (bool, bool),
        available: usize,
        parser: &mut dyn Parser,
        out: &mut Out<'_>,
    ) -> Option<usize> {
        // A step that takes nothing would be repeated for ever.
        let fit = |size: usize| size.clamp(1, available);
        let lane = &mut self.lanes[usize::from(!from_client)];
        match step {
            Step::More => None,
            Step::Took { size } => {
                if let Some(facts) = &mut lane.facts {
                    facts.captured += fit(size) as u64;
                }
                Some(fit(size))
            }
            Step::Message { size, kind, body } => {
                let mut facts = lane.facts.take()?;
                facts.captured += fit(size) as u64;
                facts.end_us = out.now_us;
                facts.open = body != Body::Bytes(0);
                let has_body = facts.open;
                if has_body {
                    lane.body_kind = Some(kind);
                }
                lane.body_key = facts.key;
                let mut taken = fit(size);
                lane.rest = match body {
                    Body::Bytes(0) | Body::Parts => Rest::NONE,
                    // All of it is there: a message without more to come.
                    Body::Bytes(length) if length <= (available - taken) as u64 && kind != Kind::Notice && facts.first_key.is_none() => {
                        taken += length as usize;
                        let part = Part {
                            size: length,
                            content: length,
                            end: true,
                        };
                        facts.add(part, out.now_us);
                        Rest::NONE
                    }
                    Body::Bytes(length) => Rest::bytes(length),
                    Body::UntilClose => Rest::UNTIL_CLOSE,
                };
                self.losses = 0;
                self.begin(kind, (from_client, has_body, answers), facts, parser, out);
                Some(taken)
            }
            _ => self.other_step(step, from_client, available, parser, out),
        }
    }

    /// What is said more seldom, apart: what reads most packets stays small.
    #[inline(never)]
    fn other_step(&mut self, step: Step, from_client: bool, available: usize, parser: &mut dyn Parser, out: &mut Out<'_>) -> Option<usize> {
        let fit = |size: usize| size.clamp(1, available);
        let lane = &mut self.lanes[usize::from(!from_client)];
        match step {
            Step::More | Step::Took { .. } | Step::Message { .. } => None,
            Step::Part { size, content, key, end } => {
                let gathered = lane.facts.take().map_or(0, |facts| {
                    let captured = facts.captured;
                    facts::give(facts);
                    captured
                });
                let part = Part {
                    size: fit(size) as u64 + gathered,
                    content: content as u64,
                    end,
                };
                let kind = lane.kind(from_client);
                self.session.part(kind, key, part, out);
                Some(fit(size))
            }
            Step::Tail { size, key } | Step::Closed { size, key } => {
                let mut facts = lane.facts.take()?;
                facts.captured += fit(size) as u64;
                facts.end_us = out.now_us;
                facts.key = key;
                if matches!(step, Step::Closed { .. }) {
                    self.session.closed(from_client, &facts, out);
                } else {
                    let kind = lane.kind(from_client);
                    self.session.tail(kind, &facts, out);
                }
                facts::give(facts);
                Some(fit(size))
            }
            Step::Switch { size, protocol, key } => {
                for facts in self.lanes.iter_mut().filter_map(|lane| lane.facts.take()) {
                    facts::give(facts);
                }
                self.session.rekey(key, protocol, out);
                self.switched = Some(protocol);
                // Nothing more is asked of this parser, so it may leave all of it to the next one.
                Some(size.min(available))
            }
            Step::Skip { size } => {
                if let Some(facts) = lane.facts.take() {
                    facts::give(facts);
                }
                Some(fit(size))
            }
            Step::Lost { size } => Some(self.lose(from_client, fit(size), parser, out)),
            Step::Stop => {
                self.stopped = true;
                for facts in self.lanes.iter_mut().filter_map(|lane| lane.facts.take()) {
                    facts::give(facts);
                }
                self.lanes = Default::default();
                Some(available)
            }
        }
    }

    #[inline(always)]
    fn begin(
        &mut self,
        kind: Kind,
        (from_client, has_body, answers): (bool, bool, bool),
        facts: Box<Facts>,
        parser: &mut dyn Parser,
        out: &mut Out<'_>,
    ) {
        if !answers && kind == Kind::Response && !from_client && self.session.next_answered(&facts).is_none() {
            self.lanes[1].doubtful = self.begin_unasked(has_body, &facts, parser, out) && parser.breaks_off();
        } else {
            self.lane(from_client).doubtful = false;
        }
        if kind == Kind::Response && self.lanes[0].rest != Rest::NONE && parser.breaks_off() {
            // Answered early: the client may give up the rest of the body it announced, and send its next request.
            self.lanes[0].doubtful = true;
        }
        self.session.begin_asked(kind, facts, answers, out);
    }

    /// The answer to a request of which only the beginning was seen; whether the length of its body is doubtful.
    #[cold]
    fn begin_unasked(&mut self, has_body: bool, facts: &Facts, parser: &mut dyn Parser, out: &mut Out<'_>) -> bool {
        if self.lanes[0].facts.is_some() {
            let goes_on = parser.goes_on();
            let kept = self.lanes[0].kept.take_if(|_| goes_on);
            if self.cut(true, parser, out) && !goes_on {
                // What of it had come made no sense, and where reading goes on is a guess.
                out.seen.parse_failed += 1;
                self.lanes[0].lost = true;
            }
            if goes_on {
                self.lanes[0].kept = kept;
            }
        }
        has_body && self.session.next_answered(facts).is_none()
    }

    /// Takes what of `available` bytes belongs to the body.
    #[inline(never)]
    fn read_body(&mut self, from_client: bool, available: usize, out: &mut Out<'_>) -> usize {
        let lane = &mut self.lanes[usize::from(!from_client)];
        let taken = lane.rest.0.min(available as u64);
        if lane.rest != Rest::UNTIL_CLOSE {
            lane.rest.0 -= taken;
        }
        let end = lane.rest == Rest::NONE;
        let (kind, key) = (lane.kind(from_client), lane.body_key);
        self.session.part(
            kind,
            key,
            Part {
                size: taken,
                content: taken,
                end,
            },
            out,
        );
        taken as usize
    }

    /// A body whose length cannot be trusted ends where a packet starts with a message.
    #[cold]
    fn doubt(&mut self, chunk: Chunk<'_>, parser: &mut dyn Parser, out: &mut Out<'_>) {
        let lane = self.lane(chunk.from_client);
        if lane.rest != Rest::NONE && parser.resync(chunk.from_client, chunk.bytes) == Resync::At(0) {
            lane.rest = Rest::NONE;
            lane.doubtful = false;
            let kind = lane.kind(chunk.from_client);
            self.session.cut(kind, out);
        }
    }

    /// `size` bytes made no sense.
    #[cold]
    fn lose(&mut self, from_client: bool, size: usize, parser: &mut dyn Parser, out: &mut Out<'_>) -> usize {
        out.seen.parse_failed += 1;
        self.losses = self.losses.saturating_add(1);
        self.out_of_step(from_client, parser, out);
        size
    }

    /// `missing` bytes were not captured.
    #[cold]
    pub(super) fn skip(&mut self, from_client: bool, missing: u64, parser: &mut dyn Parser, out: &mut Out<'_>) {
        self.session.skipped(from_client, missing);
        let lane = self.lane(from_client);
        if lane.doubtful {
            // What was lost need not have been of the body.
            self.session.lost(from_client);
        }
        let lane = &mut self.lanes[usize::from(!from_client)];
        match lane.rest {
            Rest::UNTIL_CLOSE => return,
            Rest::NONE if lane.kept().is_empty() && parser.gap(from_client, missing) => return,
            Rest::NONE => {}
            Rest(left) if missing <= left => {
                lane.rest = Rest(left - missing);
                let end = lane.rest == Rest::NONE;
                if end {
                    let (kind, key) = (lane.kind(from_client), lane.body_key);
                    self.session.part(kind, key, Part { size: 0, content: 0, end }, out);
                }
                return;
            }
            Rest(_) => {}
        }
        self.out_of_step(from_client, parser, out);
    }

    /// The next byte can be anything: what was begun is reported as it is, and a new start is looked for.
    fn out_of_step(&mut self, from_client: bool, parser: &mut dyn Parser, out: &mut Out<'_>) {
        self.cut(from_client, parser, out);
        let lane = self.lane(from_client);
        let kind = lane.kind(from_client);
        *lane = Lane {
            lost: true,
            ..Lane::default()
        };
        self.session.cut(kind, out);
        self.session.lost(from_client);
    }

    /// Reports the half-read message of a direction, where enough of it is known.
    pub(super) fn cut(&mut self, from_client: bool, parser: &mut dyn Parser, out: &mut Out<'_>) -> bool {
        let lane = self.lane(from_client);
        let Some(mut facts) = lane.facts.take() else { return false };
        let kind = parser.cut(from_client, &mut facts);
        let Some(kind) = kind else {
            facts::give(facts);
            return false;
        };
        if let Some(kept) = &mut lane.kept {
            facts.captured += kept.bytes.len() as u64;
            kept.bytes.clear();
        }
        facts.end_us = out.now_us;
        facts.open = false;
        self.session.begin(kind, facts, out);
        true
    }

    /// A datagram holds whole messages, and nothing of it is kept.
    fn read_datagram(&mut self, chunk: Chunk<'_>, parser: &mut dyn Parser, out: &mut Out<'_>) {
        let mut at = 0;
        while at < chunk.bytes.len() && !self.stopped {
            let left = &chunk.bytes[at..];
            let mut facts = facts::take(out.now_us, 0, 0);
            facts.from_client = chunk.from_client;
            let input = Input {
                bytes: left,
                from_client: chunk.from_client,
                datagram: true,
                full: true,
                waiting: None,
                settings: out.settings,
            };
            match parser.parse(input, &mut facts) {
                Step::Message { size, kind, .. } => {
                    at += size.clamp(1, left.len());
                    facts.captured += size as u64;
                    facts.end_us = out.now_us;
                    self.losses = 0;
                    self.session.begin(kind, facts, out);
                    continue;
                }
                Step::Skip { size } | Step::Took { size } => at += size.max(1),
                Step::Stop => self.stopped = true,
                Step::More | Step::Part { .. } | Step::Tail { .. } | Step::Closed { .. } | Step::Switch { .. } | Step::Lost { .. } => {
                    out.seen.parse_failed += 1;
                    self.losses = self.losses.saturating_add(1);
                    at = chunk.bytes.len();
                }
            }
            facts::give(facts);
        }
    }
}
