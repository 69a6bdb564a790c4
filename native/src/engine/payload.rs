//! Payload on its way to the application layer, TCP in order.

use super::rows::RowSink;
use super::turn::L7_TICK_S;
use super::{Core, Frame};
use crate::flow::App;
use crate::flow::history::letter;
use crate::flow::stream::{Placed, Stream};
use crate::l7::table::{self, Found};
use crate::l7::{FlowL7, L7Packet, L7Seen, Opening};
use crate::packet::{Fragment, Packet, TCP, UDP, flag};

/// A hole in a stream that is not filled within this time stays one. Where the other end can be heard, it says itself when it has what
/// was not captured, and a segment may be lost several times.
const HOLE_US: i64 = 3_000_000;
const HEARD_HOLE_US: i64 = 30_000_000;
/// Bytes that segments of all flows together take which wait for one before them.
const MAX_EARLY_BYTES: usize = 64 << 20;
/// How long a flow without a recognised protocol is left alone before its packets are looked at again.
const REST_TICKS: u8 = (60 / L7_TICK_S) as u8;

impl Core {
    /// Hands the payload of a packet on.
    #[inline]
    pub(super) fn payload(&mut self, slot: u32, frame: &Frame<'_>, way: usize) {
        let packet = &frame.packet;
        let has_data = packet.l4_bytes > 0 && packet.fragment != Fragment::Later;
        // An acknowledgement of what never came says that it was lost on the way to us, not on the way.
        let missed = match &self.flows.get(slot).app {
            Some(app) => packet.tcp_flags & flag::ACK != 0 && app.streams[1 - way].missed(packet.ack),
            None => false,
        };
        if has_data || missed {
            self.read(slot, frame, way, (has_data, missed));
        }
    }

    #[inline(never)]
    fn read(&mut self, slot: u32, frame: &Frame<'_>, way: usize, (has_data, missed): (bool, bool)) {
        let packet = &frame.packet;
        let mut app = match self.flows.get_mut(slot).app.take() {
            Some(app) => app,
            None if self.is_custom(slot) || self.is_promising(slot, frame, way) => self.new_app(),
            None => return,
        };
        if missed && packet.protocol == TCP {
            self.give_up(slot, &mut app, 1 - way, packet.time_us);
        }
        let is_new = !app.l7.is_read() && app.l7.protocol() == 0;
        if has_data {
            let bytes = frame.payload();
            if !self.custom.is_empty() {
                let opening = self.opening(slot, packet, bytes, way);
                self.offer(slot, &mut app, &opening);
            }
            self.tls_times(slot, &mut app, packet.time_us, bytes);
            if packet.protocol == TCP {
                self.segment(slot, &mut app, packet, bytes, way);
            } else {
                self.deliver_other(slot, &mut app, way, ((0, 0), packet.l4_bytes, packet.time_us, bytes));
            }
        }
        if app.l7.is_reversed() != app.is_turned {
            self.turn(slot, &mut app);
        }
        if is_new && app.l7.protocol() != 0 {
            let flow = self.flows.get(slot);
            let (ip, port) = flow.server();
            self.strangers.known((ip, port, flow.key.protocol()));
        }
        if app.l7.is_read() {
            self.flows.get_mut(slot).app = Some(app);
        } else {
            self.look_on(slot, app, packet.time_us);
        }
    }

    #[cold]
    fn new_app(&self) -> Box<App> {
        Box::new(App {
            l7: FlowL7::new(&self.config.l7_settings),
            is_turned: false,
            streams: Default::default(),
            remote: None,
            offered: None,
            tls_hello_us: 0,
        })
    }

    /// What becomes of a flow of which no protocol is being read.
    #[cold]
    fn look_on(&mut self, slot: u32, app: Box<App>, now_us: i64) {
        let flow = self.flows.get_mut(slot);
        if app.l7.is_done() {
            flow.attention.stop();
            self.early_bytes -= app.streams.iter().map(Stream::early_bytes).sum::<usize>();
        } else if app.offered.is_none() && app.l7.is_unknown() && !app.streams.iter().any(Stream::has_early) {
            // Whatever this was, it leaves nothing behind but the number of times.
            flow.unread = 3;
            if app.l7.rests(now_us) {
                flow.attention.rest(REST_TICKS);
            } else {
                self.not_known(slot);
            }
        } else {
            flow.app = Some(app);
        }
    }

    /// Whether the payload of a flow without an application side may be something that can be read. What is not costs no more than this.
    fn is_promising(&mut self, slot: u32, frame: &Frame<'_>, way: usize) -> bool {
        let packet = &frame.packet;
        let flow = self.flows.get_mut(slot);
        if !flow.attention.looks() {
            let begins_again = packet.protocol == UDP && way == 0 && table::begins_again(self.cold.get(slot).l7_protocol, frame.payload());
            let opening = begins_again.then(|| self.opening(slot, packet, frame.payload(), way));
            if opening.is_some_and(|opening| matches!(table::find(&opening, &self.config.l7_settings), Found::Known(..))) {
                return true;
            }
            self.flows.get_mut(slot).unread |= 1 << way;
            return false;
        }
        // Segments that are not in order are put in order first.
        if flow.has_holes(way) {
            return true;
        }
        let bytes = frame.payload();
        let opening = self.opening(slot, packet, bytes, way);
        if !matches!(table::find(&opening, &self.config.l7_settings), Found::Unknown) || self.takes_unknown(slot) {
            return true;
        }
        self.flows.get_mut(slot).unread |= 1 << way;
        self.not_known(slot);
        false
    }

    fn opening<'a>(&self, slot: u32, packet: &Packet, bytes: &'a [u8], way: usize) -> Opening<'a> {
        let flow = self.flows.get(slot);
        Opening {
            bytes,
            from_client: way == 0,
            client_port: flow.client().1,
            server_port: flow.server().1,
            transport: packet.protocol,
        }
    }

    /// No protocol knew a packet of this flow: after some of them it is left alone for a while.
    fn not_known(&mut self, slot: u32) {
        let flow = self.flows.get_mut(slot);
        let ((_, client_port), (ip, port)) = (flow.client(), flow.server());
        let server = (ip, port, flow.key.protocol());
        let looks = self.strangers.looks(server, client_port, self.config.l7_settings.max_guesses);
        flow.attention.in_vain(looks, REST_TICKS);
        if !flow.attention.looks() {
            self.strangers.in_vain(server);
        }
    }

    /// What is said shows that the server is the client. Nobody saw them open the connection, and nothing was reported yet:
    /// the flow is turned round.
    #[cold]
    fn turn(&mut self, slot: u32, app: &mut App) {
        let (flow, cold) = (self.flows.get_mut(slot), self.cold.get_mut(slot));
        if flow.direction_score == 255 || cold.has_traffic() || cold.total() != [[0; 2]; 2] {
            return;
        }
        flow.turn();
        cold.turn();
        app.streams.swap(0, 1);
        app.is_turned = !app.is_turned;
        let (ip, port) = flow.server();
        self.servers.learn(ip, port, flow.key.protocol());
        flow.pair = self.documents.turn(flow.pair, port);
    }

    #[inline]
    fn segment(&mut self, slot: u32, app: &mut App, packet: &Packet, bytes: &[u8], way: usize) {
        let direction = &self.flows.get(slot).directions[way];
        if direction.flags & flag::SYN != 0 && self.flows.get(slot).unread & 1 << way == 0 {
            app.streams[way].sync(direction.first_seq.wrapping_add(1));
        }
        if packet.tcp_flags & flag::RST != 0 {
            return;
        }
        let early_bytes = app.streams[way].early_bytes();
        let ack = if packet.tcp_flags & flag::ACK != 0 { packet.ack } else { 0 };
        // A SYN takes a number before its data (TCP Fast Open, RFC 7413).
        let seq = packet.seq.wrapping_add(u32::from(packet.tcp_flags & flag::SYN != 0));
        match app.streams[way].place((seq, ack), packet.l4_bytes, packet.time_us, bytes) {
            Placed::Now { skip } => {
                let rest = bytes.get(skip as usize..).unwrap_or(&[]);
                self.deliver(
                    slot,
                    app,
                    way,
                    ((seq.wrapping_add(skip), ack), packet.l4_bytes - skip, packet.time_us, rest),
                );
                if app.streams[way].has_early() {
                    self.pop(slot, app, way);
                }
            }
            Placed::Early { is_full } => {
                self.early_bytes += app.streams[way].early_bytes() - early_bytes;
                if is_full || self.early_bytes > MAX_EARLY_BYTES {
                    self.give_up(slot, app, way, packet.time_us);
                }
            }
            Placed::Old => {}
        }
    }

    /// Hands on what was kept and is in order now.
    #[cold]
    fn pop(&mut self, slot: u32, app: &mut App, way: usize) {
        let early_bytes = app.streams[way].early_bytes();
        while let Some((segment, skip)) = app.streams[way].pop() {
            let rest = segment.bytes.get(skip as usize..).unwrap_or(&[]);
            self.deliver_other(
                slot,
                app,
                way,
                (
                    (segment.seq.wrapping_add(skip), segment.ack),
                    segment.wire_len - skip,
                    segment.time_us,
                    rest,
                ),
            );
        }
        self.early_bytes -= early_bytes - app.streams[way].early_bytes();
    }

    /// Tells the application layer that bytes are missing, and goes on behind them.
    #[cold]
    fn give_up(&mut self, slot: u32, app: &mut App, way: usize, now_us: i64) {
        let (missing, turned) = (app.streams[way].give_up(), app.is_turned);
        if missing > 0 {
            self.stats.stream_gaps += 1;
            self.flows.get_mut(slot).tell(way, letter::GAP);
            if !self.hand_gap(app, (way == 0) != turned, missing, now_us) {
                let seen = self.with_sink(slot, |sink| app.l7.gap((way == 0) != turned, missing, now_us, sink));
                self.count_l7(slot, seen, app.l7.protocol());
            }
        }
        self.pop(slot, app, way);
    }

    /// Gives up holes that are too old.
    pub(super) fn give_up_stale(&mut self, slot: u32, app: &mut App, now_us: i64) {
        for way in 0..2 {
            let patience_us = if self.flows.get(slot).directions[1 - way].seen {
                HEARD_HOLE_US
            } else {
                HOLE_US
            };
            while app.streams[way].waits_since().is_some_and(|since| now_us - since > patience_us) {
                self.give_up(slot, app, way, now_us);
            }
        }
    }

    /// Hands on everything that was kept.
    pub(super) fn drain_early(&mut self, slot: u32, app: &mut App) {
        for way in 0..2 {
            while let Some(since) = app.streams[way].waits_since() {
                self.give_up(slot, app, way, since);
            }
        }
    }

    /// `data`: sequence and acknowledgement number, length on the wire, time, captured bytes.
    #[inline(always)]
    fn deliver(&mut self, slot: u32, app: &mut App, way: usize, data: ((u32, u32), u32, i64, &[u8])) {
        let ((tcp_seq, tcp_ack), wire_len, time_us, payload) = data;
        let (flow, cold) = (self.flows.get(slot), self.cold.get(slot));
        let packet = L7Packet {
            time_us,
            from_client: (way == 0) != app.is_turned,
            payload,
            wire_len,
            tcp_seq,
            tcp_ack,
            protocol: flow.key.protocol(),
            client_port: flow.client().1,
            server_port: flow.server().1,
        };
        if app.remote.is_some() {
            return self.deliver_apart(slot, app, &packet);
        }
        let (output, documents, writes_log) = (&mut self.output, &mut self.documents, self.config.l7_log);
        let mut sink = RowSink {
            output,
            documents,
            flow,
            cold,
            writes_log,
        };
        let seen = app.l7.read(&packet, &mut sink);
        if !seen.is_nothing() {
            self.count_l7(slot, seen, app.l7.protocol());
        }
    }

    /// The same for what is no segment in order: one copy of all that is read on the way is enough where most comes by.
    #[inline(never)]
    fn deliver_other(&mut self, slot: u32, app: &mut App, way: usize, data: ((u32, u32), u32, i64, &[u8])) {
        self.deliver(slot, app, way, data);
    }

    /// The same where another process may read the flow.
    #[cold]
    fn deliver_apart(&mut self, slot: u32, app: &mut App, packet: &L7Packet<'_>) {
        if !self.hand_over(app, *packet) {
            let seen = self.with_sink(slot, |sink| app.l7.packet(packet, sink));
            self.count_l7(slot, seen, app.l7.protocol());
        }
    }

    /// Adds what the application layer recognised to the flow's next row.
    #[inline]
    pub(super) fn count_l7(&mut self, slot: u32, seen: L7Seen, protocol: u8) {
        if seen.is_nothing() {
            return;
        }
        let cold = self.cold.get_mut(slot);
        cold.l7_protocol = protocol;
        let counts = &mut cold.extra_mut().l7;
        counts.request += seen.requests;
        counts.response += seen.responses;
        counts.parse_failed += seen.parse_failed;
        counts.client_error += seen.client_errors;
        counts.server_error += seen.server_errors;
        counts.timeout += seen.timeouts;
        self.stats.requests_evicted += u64::from(seen.evicted);
    }

    /// Client hello to the first application data.
    #[inline]
    fn tls_times(&mut self, slot: u32, app: &mut App, now_us: i64, bytes: &[u8]) {
        match bytes {
            [0x16, 3, _, _, _, 1, ..] => app.tls_hello_us = now_us,
            [0x17, 3, ..] if app.tls_hello_us != 0 => {
                let took_us = (now_us - app.tls_hello_us).clamp(0, i64::from(u32::MAX));
                self.cold.get_mut(slot).extra_mut().tls_rtt_us = took_us as u32;
                app.tls_hello_us = 0;
            }
            _ => {}
        }
    }
}
