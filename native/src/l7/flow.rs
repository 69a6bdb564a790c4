//! The application side of one flow: finds the protocol, feeds its parser, hands messages to the session.

mod lane;

use super::parser::Opening;
use super::table::{Found, PROTOCOLS, Protocol, TCP, find};
use super::{L7Packet, L7Seen, L7Settings, L7Sink, Parser};
use crate::session::Out;
use lane::{Chunk, Lane, MAX_KEPT, Streams};
use std::sync::Arc;

/// How long a flow without a recognised protocol is left alone before its packets are looked at again.
const REST_US: i64 = 60_000_000;
/// Losses in a row, without a message between them, after which the protocol was probably guessed wrong.
const MAX_LOSSES: u8 = 16;

/// Application-layer state of one flow. Make it when the first payload comes; drop it once [`FlowL7::is_done`].
pub struct FlowL7 {
    settings: Arc<L7Settings>,
    protocol: Option<&'static Protocol>,
    parser: Option<Box<dyn Parser>>,
    streams: Streams,
    rest_until_us: i64,
    guesses: u8,
    reversed: bool,
    datagram: bool,
}

impl FlowL7 {
    pub fn new(settings: &Arc<L7Settings>) -> FlowL7 {
        FlowL7 {
            settings: Arc::clone(settings),
            protocol: None,
            parser: None,
            streams: Streams::default(),
            rest_until_us: i64::MIN,
            guesses: 0,
            reversed: false,
            datagram: false,
        }
    }

    /// Reads the payload of one packet.
    pub fn packet(&mut self, packet: &L7Packet<'_>, sink: &mut dyn L7Sink) -> L7Seen {
        self.read(packet, sink)
    }

    /// The same, within whoever calls it: for the place where nearly all of them come by.
    #[inline(always)]
    pub(crate) fn read(&mut self, packet: &L7Packet<'_>, sink: &mut dyn L7Sink) -> L7Seen {
        let mut seen = L7Seen::default();
        if self.streams.stopped || (self.parser.is_none() && packet.time_us < self.rest_until_us) {
            return seen;
        }
        if self.parser.is_none() && !self.recognise(packet) {
            return seen;
        }
        let from_client = packet.from_client != self.reversed;
        let chunk = Chunk {
            bytes: packet.payload,
            tcp_seq: packet.tcp_seq,
            tcp_ack: packet.tcp_ack,
            from_client,
        };
        self.with(packet.time_us, sink, &mut seen, |streams, parser, out| {
            streams.read(chunk, parser, out);
            let missing = packet.wire_len.saturating_sub(packet.payload.len() as u32);
            if missing > 0 && !out.datagram {
                streams.skip(from_client, u64::from(missing), parser, out);
            }
        });
        if let Some(id) = self.streams.switched.take() {
            self.switch(id, packet, sink, &mut seen);
        }
        if self.streams.losses >= MAX_LOSSES {
            self.forget(packet.time_us, sink, &mut seen);
        }
        seen
    }

    /// `missing` bytes of TCP payload will never come; what comes next in this direction lies behind them.
    pub fn gap(&mut self, from_client: bool, missing: u32, now_us: i64, sink: &mut dyn L7Sink) -> L7Seen {
        let mut seen = L7Seen::default();
        let from_client = from_client != self.reversed;
        if self.parser.is_none() {
            self.streams.lanes[usize::from(!from_client)] = Lane::default();
            self.streams.session.lost_before(from_client);
        } else if !self.streams.stopped && missing > 0 {
            self.with(now_us, sink, &mut seen, |streams, parser, out| {
                streams.skip(from_client, u64::from(missing), parser, out)
            });
        }
        seen
    }

    /// Gives up requests that waited too long. Call about once a second, or at each look at the flow.
    pub fn tick(&mut self, now_us: i64, sink: &mut dyn L7Sink) -> L7Seen {
        let mut seen = L7Seen::default();
        if !self.streams.session.is_idle() {
            self.with(now_us, sink, &mut seen, |streams, _, out| streams.session.expire(out));
        }
        seen
    }

    /// From now on other settings hold. A protocol that is not to be read any more is reported as far as it came, and forgotten.
    pub fn configure(&mut self, settings: &Arc<L7Settings>, now_us: i64, sink: &mut dyn L7Sink) -> L7Seen {
        let mut seen = L7Seen::default();
        if self.protocol.is_some_and(|protocol| !settings.reads(protocol)) {
            self.forget(now_us, sink, &mut seen);
        }
        if self.settings.left_out != settings.left_out {
            // What was not recognised may be now.
            (self.rest_until_us, self.guesses) = (i64::MIN, 0);
        }
        self.settings = Arc::clone(settings);
        seen
    }

    /// The flow is over: reports everything that is still open.
    pub fn close(&mut self, now_us: i64, sink: &mut dyn L7Sink) -> L7Seen {
        let mut seen = L7Seen::default();
        self.with(now_us, sink, &mut seen, |streams, parser, out| {
            streams.cut(true, parser, out);
            streams.cut(false, parser, out);
            streams.session.close(out);
        });
        self.streams.stopped = true;
        seen
    }

    /// Whether nothing is open, so that `tick` and `close` have nothing to report.
    pub fn is_idle(&self) -> bool {
        self.streams.session.is_idle() && self.streams.lanes.iter().all(Lane::is_idle)
    }

    /// Gives back what only busy flows need. Call where nothing happened for some seconds.
    pub fn shrink(&mut self) {
        self.streams.lanes.iter_mut().for_each(Lane::shrink);
        self.streams.session.shrink();
    }

    /// Whether a request waits for the rest of its response: `tick` gives it up when that takes too long.
    pub fn awaits(&self) -> bool {
        !self.streams.session.is_idle()
    }

    /// Whether this flow will never report anything again.
    pub fn is_done(&self) -> bool {
        self.streams.stopped && self.is_idle()
    }

    /// Whether a protocol is being read.
    #[inline]
    pub fn is_read(&self) -> bool {
        self.parser.is_some() && !self.streams.stopped
    }

    /// Whether no protocol was recognised, and nothing waits to be looked at again with more bytes.
    pub fn is_unknown(&self) -> bool {
        self.parser.is_none() && self.streams.lanes.iter().all(|lane| lane.kept().is_empty())
    }

    /// Whether its packets are not looked at now.
    pub fn rests(&self, now_us: i64) -> bool {
        self.parser.is_none() && now_us < self.rest_until_us
    }

    /// Whether the end that the flow takes for the client turned out to be the one that answers.
    pub fn is_reversed(&self) -> bool {
        self.reversed
    }

    /// The recognised protocol's id, or that of what was spoken over it last; 0 for none.
    pub fn protocol(&self) -> u8 {
        match self.streams.session.dialect() {
            Some(dialect) => dialect.id,
            None => self.protocol.map_or(0, |protocol| protocol.id),
        }
    }

    /// Bytes held on the heap besides `size_of::<FlowL7>()`.
    pub fn heap_bytes(&self) -> usize {
        let parser = self
            .parser
            .as_ref()
            .map_or(0, |parser| size_of_val(&**parser) + parser.heap_bytes());
        parser + self.streams.session.heap_bytes() + self.streams.lanes.iter().map(Lane::heap_bytes).sum::<usize>()
    }

    /// Runs `work` where a protocol is known.
    #[inline]
    fn with(
        &mut self,
        now_us: i64,
        sink: &mut dyn L7Sink,
        seen: &mut L7Seen,
        work: impl FnOnce(&mut Streams, &mut dyn Parser, &mut Out<'_>),
    ) {
        if let (Some(protocol), Some(parser)) = (self.protocol, &mut self.parser) {
            let mut out = Out {
                protocol,
                settings: &self.settings,
                sink,
                seen,
                datagram: self.datagram,
                now_us,
            };
            work(&mut self.streams, &mut **parser, &mut out);
        }
    }

    /// Looks for the protocol of this packet. Bytes that are too few to tell stay in the lane.
    #[cold]
    fn recognise(&mut self, packet: &L7Packet<'_>) -> bool {
        self.datagram = packet.protocol != TCP;
        let lane = &mut self.streams.lanes[usize::from(!packet.from_client)];
        let joined;
        let bytes = if lane.kept().is_empty() {
            packet.payload
        } else {
            joined = [lane.kept(), packet.payload].concat();
            &joined
        };
        let opening = Opening {
            bytes,
            from_client: packet.from_client,
            client_port: packet.client_port,
            server_port: packet.server_port,
            transport: packet.protocol,
        };
        let found = find(&opening, &self.settings);
        if let Found::Known(protocol, reversed) = found {
            self.reversed = reversed;
            if reversed {
                self.streams.lanes.swap(0, 1);
            }
            self.protocol = Some(protocol);
            self.parser = Some((protocol.parser)(&opening));
            return true;
        }
        let lane = &mut self.streams.lanes[usize::from(!packet.from_client)];
        if matches!(found, Found::Undecided) && !self.datagram && bytes.len() < MAX_KEPT {
            lane.keep(packet.payload, packet.time_us, packet.tcp_ack);
        } else {
            *lane = Lane::default();
            self.guesses = self.guesses.saturating_add(1);
        }
        if self.guesses >= self.settings.max_guesses {
            self.guesses = 0;
            self.rest_until_us = packet.time_us + REST_US;
            self.streams.lanes = Default::default();
        }
        false
    }

    /// Both ends agreed on another protocol in the middle of the flow; its first bytes may have been in the same packet.
    #[cold]
    fn switch(&mut self, id: u8, packet: &L7Packet<'_>, sink: &mut dyn L7Sink, seen: &mut L7Seen) {
        let from_client = packet.from_client != self.reversed;
        let next = PROTOCOLS.iter().find(|protocol| protocol.id == id && self.settings.reads(protocol));
        let Some(protocol) = next else {
            *seen += self.close(packet.time_us, sink);
            return;
        };
        let opening = Opening {
            bytes: self.streams.lanes[usize::from(!from_client)].kept(),
            from_client,
            client_port: packet.client_port,
            server_port: packet.server_port,
            transport: packet.protocol,
        };
        self.parser = Some((protocol.parser)(&opening));
        self.protocol = Some(protocol);
        let chunk = Chunk {
            bytes: &[],
            tcp_seq: packet.tcp_seq.wrapping_add(packet.payload.len() as u32),
            tcp_ack: packet.tcp_ack,
            from_client,
        };
        self.with(packet.time_us, sink, seen, |streams, parser, out| streams.read(chunk, parser, out));
    }

    /// The protocol was guessed wrong: reports what was recognised and leaves the flow alone for a while.
    #[cold]
    fn forget(&mut self, now_us: i64, sink: &mut dyn L7Sink, seen: &mut L7Seen) {
        *seen += self.close(now_us, sink);
        let settings = Arc::clone(&self.settings);
        *self = FlowL7 {
            rest_until_us: now_us + REST_US,
            ..FlowL7::new(&settings)
        };
    }
}
