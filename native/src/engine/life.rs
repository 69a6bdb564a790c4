//! Flows begin, are reported and end; seconds and minutes pass.

use super::health::is_check;
use super::owners::MAX_FRESH;
use super::rows::{RowSink, seconds};
use super::turn::L7_TICK_S;
use super::{Core, Frame, Lookup, Passing, prefetch_flow};
use crate::document::PairKey;
use crate::flow::key::Key;
use crate::flow::state::{self, close};
use crate::flow::{Cold, Flow, Outside, side};
use crate::packet::{self, ICMP, ICMP6, tunnel};

/// After so much silence a flow gives back the buffers that it does not need just now.
const SPARE_US: i64 = 4_000_000;
/// How many flows ahead memory is asked for where many are gone through.
pub(super) const AHEAD: usize = 8;
/// Flows looked at to find one to evict.
const EVICT_LOOKS: u32 = 64;

impl Core {
    /// Moves what flows did in this second to where it is kept.
    pub(super) fn flush_all(&mut self) {
        let mut dirty = std::mem::take(&mut self.dirty);
        for (at, slot) in dirty.iter().enumerate() {
            // What a flow refers to is asked for when the flow has come.
            if let Some(later) = dirty.get(at + 2 * AHEAD) {
                self.prefetch(*later);
            }
            if let Some(later) = dirty.get(at + AHEAD) {
                let flow = self.flows.get(*later);
                // What is over has given its pair up.
                if flow.is_dirty {
                    self.rares.prefetch(&flow.rare);
                    self.documents.prefetch(flow.pair);
                }
            }
            self.flush(*slot);
        }
        dirty.clear();
        dirty.shrink_to(1 << 16);
        self.dirty = dirty;
        self.rares.trim();
    }

    /// Asks for both parts of a flow.
    #[inline]
    pub(super) fn prefetch(&self, slot: u32) {
        prefetch_flow(self.flows.get(slot));
        let cold = self.cold.get(slot);
        crate::flow::prefetch(cold);
        crate::flow::prefetch(&cold.rare);
    }

    /// Asks for what a flow that has come refers to, where it may end in this second.
    #[inline]
    pub(super) fn prefetch_end(&self, slot: u32) {
        let flow = self.flows.get(slot);
        // What is over has given its pair up.
        if flow.is_alive() && flow.timer_at == self.now_s {
            self.index.prefetch(self.seed.hash(&flow.key));
            self.rares.prefetch(&self.cold.get(slot).rare);
            self.documents.prefetch(flow.pair);
        }
    }

    /// Moves what a flow did in this second to its documents and to its next row.
    pub(super) fn flush(&mut self, slot: u32) {
        let flow = self.flows.get_mut(slot);
        if !flow.is_dirty {
            return;
        }
        flow.is_dirty = false;
        let (delta, number) = (std::mem::take(&mut flow.delta), std::mem::take(&mut flow.rare));
        self.documents.add(flow.pair, &delta, self.rares.get(&number).as_deref());
        let cold = self.cold.get_mut(slot);
        cold.add(&delta);
        self.rares.join(&mut cold.rare, number);
    }

    /// Begins the flow of a packet.
    #[inline(never)]
    pub(super) fn open(&mut self, frame: &Frame<'_>, lookup: &Lookup) -> u32 {
        if self.alive >= self.config.max_flows {
            self.evict();
        }
        let slot = self.free.pop().unwrap_or_else(|| {
            self.next += 1;
            self.flows.reach(self.next - 1);
            self.cold.reach(self.next - 1);
            self.next - 1
        });
        // The one that begins after this is asked for now.
        if let Some(later) = self.free.last() {
            self.prefetch(*later);
        }
        let packet = &frame.packet;
        let icmp_type = if packet.protocol == ICMP || packet.protocol == ICMP6 {
            frame.bytes.get(packet.payload_at as usize).copied().unwrap_or(0)
        } else {
            0
        };
        let (source_is_client, direction_score) = side::source_is_client(packet, icmp_type, &mut self.servers);
        let ((client, _), (server, server_port)) = if source_is_client {
            ((packet.src, packet.src_port), (packet.dst, packet.dst_port))
        } else {
            ((packet.dst, packet.dst_port), (packet.src, packet.src_port))
        };
        let observation_point = match (frame.passing, source_is_client) {
            (Passing::Unknown, _) => 0,
            (Passing::Out, true) | (Passing::In, false) => 1,
            (Passing::Out, false) | (Passing::In, true) => 2,
            (Passing::Loopback, _) => 3,
        };
        let key = PairKey {
            client,
            server,
            is_ipv6: packet.is_ipv6,
            server_port,
            protocol: packet.protocol,
            nic: packet.nic,
            observation_point,
        };
        let pair = self.documents.open(&key);
        let due = self.wheel.add(
            slot,
            self.now_s + self.config.timeouts.opening_s.min(self.config.timeouts.one_way_s) + 1,
            self.now_s,
        );
        *self.flows.get_mut(slot) = Flow {
            key: lookup.key,
            start_us: packet.time_us,
            timer_at: due,
            pair,
            client_is_low: source_is_client == lookup.forward,
            direction_score,
            ..Flow::default()
        };
        // The second in which it began, the agent, and a running number: sorted by time, and the same nowhere else.
        let (lane, lanes) = self.config.lane;
        let number = self.made * u64::from(lanes) + u64::from(lane);
        let id = u64::from(seconds(packet.time_us)) << 32 | u64::from(self.config.agent_id & 0xff) << 24 | (number & 0xff_ffff);
        let mut cold = Cold::new(id, tunnel_of(frame, source_is_client));
        cold.bound_ms = super::milliseconds(packet.time_us);
        (cold.vlan, cold.vlan_inner) = (packet.vlan, packet.vlan_inner);
        *self.cold.get_mut(slot) = cold;
        if self.is_live {
            self.own(slot);
        }
        self.made += 1;
        self.alive += 1;
        self.index.insert(lookup.hash, slot);
        slot
    }

    /// Says what is known about the processes of a new flow, and has the rest looked for.
    fn own(&mut self, slot: u32) {
        self.cold.get_mut(slot).processes = self.owners.of(self.flows.get(slot));
        if self.fresh.len() < MAX_FRESH {
            self.fresh.push(slot);
        }
    }

    /// Looks at a flow sooner if its state says so.
    pub(super) fn rearm(&mut self, slot: u32) {
        let flow = self.flows.get_mut(slot);
        let due = seconds(flow.last_us()) + flow.timeout_s(&self.config.timeouts) + 1;
        if due < flow.timer_at {
            flow.timer_at = self.wheel.add(slot, due, self.now_s);
        }
    }

    /// Ends a flow that has been silent for long enough.
    pub(super) fn look(&mut self, slot: u32) {
        let flow = self.flows.get(slot);
        if !flow.is_alive() || flow.timer_at != self.now_s {
            return;
        }
        let mut over_s = seconds(flow.last_us()) + flow.timeout_s(&self.config.timeouts) + 1;
        if over_s <= self.now_s && flow.awaits_response() {
            over_s = self.now_s + L7_TICK_S;
        }
        if over_s <= self.now_s {
            let (close_type, end_us) = (flow.close_type(), flow.last_us());
            self.close(slot, close_type, end_us, true);
        } else {
            self.flows.get_mut(slot).timer_at = self.wheel.add(slot, over_s, self.now_s);
        }
    }

    /// Writes the row of the minute that ended for a flow that did something in it.
    pub(super) fn report(&mut self, slot: u32) {
        let (flow, cold) = (self.flows.get(slot), self.cold.get(slot));
        if self.config.merge_health_checks && is_check(flow, cold, flow.close_type(), flow.last_us()) {
            return;
        }
        if flow.is_alive() && cold.has_traffic() {
            self.write_row(slot, close::FORCED_REPORT, i64::from(self.now_s) * 1_000_000);
        }
    }

    fn write_row(&mut self, slot: u32, close_type: u8, end_us: i64) {
        let (flow, cold) = (self.flows.get_mut(slot), self.cold.get_mut(slot));
        let pair = self.documents.key(flow.pair);
        let number = std::mem::take(&mut cold.rare);
        let rare = self.rares.get(&number);
        let rare = rare.as_deref();
        let is_merged = self.config.merge_health_checks && self.health_checks.take((flow, cold, rare), pair, close_type, end_us);
        if !is_merged && self.config.l4_log && self.output.may_write_l4() {
            self.output.write_l4((flow, cold, rare), pair, (close_type, end_us, 0));
        }
        self.rares.release(number);
        flow.is_new = false;
        cold.begin_row();
    }

    /// Writes the rows of the health checks that were merged so far.
    pub(super) fn write_health_checks(&mut self) {
        for ((pair, close_type), checks) in self.health_checks.rows() {
            if self.config.l4_log && self.output.may_write_l4() {
                let end = (close_type, checks.end_us, checks.merged);
                self.output.write_l4((&checks.flow, &checks.cold, checks.rare.as_ref()), pair, end);
            }
        }
    }

    /// Ends a flow: its last row, its last requests, its place is free. Where it is not `closed`, it goes on without us.
    pub(super) fn close(&mut self, slot: u32, close_type: u8, end_us: i64, closed: bool) {
        self.close_l7(slot);
        self.flush(slot);
        let flow = self.flows.get(slot);
        let is_tcp = flow.key.protocol() == crate::packet::TCP;
        let failures = if is_tcp { state::failures(close_type) } else { [0; 5] };
        self.documents.close(flow.pair, failures, closed);
        self.write_row(slot, close_type, end_us);
        self.index.remove(self.seed.hash(&self.flows.get(slot).key), slot);
        let flow = self.flows.get_mut(slot);

        flow.key = Key::NONE;
        (flow.app, flow.holes) = (None, None);
        self.cold.get_mut(slot).end();
        self.free.push(slot);
        self.alive -= 1;
    }

    fn close_l7(&mut self, slot: u32) {
        let Some(mut app) = self.flows.get_mut(slot).app.take() else {
            return;
        };
        self.drain_early(slot, &mut app);
        let end_us = self.flows.get(slot).last_us().max(i64::from(self.now_s) * 1_000_000);
        self.end_custom(slot, &mut app, end_us);
        let seen = self.with_sink(slot, |sink| app.l7.close(end_us, sink));
        self.count_l7(slot, seen, app.l7.protocol());
    }

    /// Gives up requests of a flow that waited too long, and what it holds that is silent.
    pub(super) fn tick_l7(&mut self, slot: u32) {
        let now_us = i64::from(self.now_s) * 1_000_000;
        let flow = self.flows.get_mut(slot);
        flow.attention.tick();
        let Some(app) = &mut flow.app else { return };
        if app.l7.is_idle() && !app.streams.iter().any(|stream| stream.has_early()) {
            // Not at once, so that a busy flow keeps its buffers; and not again at each look.
            let silent_us = now_us.saturating_sub(flow.directions[0].last_us.max(flow.directions[1].last_us));
            if (SPARE_US..SPARE_US + 2_000_000 * i64::from(L7_TICK_S)).contains(&silent_us) {
                app.l7.shrink();
            }
            return;
        }
        let Some(mut app) = flow.app.take() else { return };
        self.give_up_stale(slot, &mut app, now_us);
        let seen = self.with_sink(slot, |sink| app.l7.tick(now_us, sink));
        self.count_l7(slot, seen, app.l7.protocol());
        self.flows.get_mut(slot).app = Some(app);
    }

    /// What is read of the flows that live changes too, not only of those to come.
    pub(super) fn configure_l7(&mut self) {
        let settings = std::sync::Arc::clone(&self.config.l7_settings);
        self.strangers.forget();
        self.configure_custom(&settings);
        for slot in 0..self.next {
            let flow = self.flows.get_mut(slot);
            let now_us = flow.last_us();
            // What was not recognised may be now.
            flow.attention.wake();
            if let Some(mut app) = flow.app.take() {
                let before = app.l7.protocol();
                let seen = self.with_sink(slot, |sink| app.l7.configure(&settings, now_us, sink));
                self.count_l7(slot, seen, before);
                self.flows.get_mut(slot).app = Some(app);
            }
        }
    }

    /// Calls `with` with something that takes the requests of a flow.
    pub(super) fn with_sink<T>(&mut self, slot: u32, with: impl FnOnce(&mut RowSink<'_>) -> T) -> T {
        with(&mut RowSink {
            output: &mut self.output,
            documents: &mut self.documents,
            flow: self.flows.get(slot),
            cold: self.cold.get(slot),
            writes_log: self.config.l7_log,
        })
    }

    /// Makes room for a flow: of some, the one that was silent for longest goes.
    fn evict(&mut self) {
        let looks = (0..EVICT_LOOKS).map(|step| (self.hand + step) % self.next.max(1));
        let oldest = looks
            .filter(|slot| self.flows.get(*slot).is_alive())
            .min_by_key(|slot| self.flows.get(*slot).last_us());
        self.hand = (self.hand + EVICT_LOOKS) % self.next.max(1);
        if let Some(slot) = oldest {
            self.stats.flows_evicted += 1;
            let end_us = self.flows.get(slot).last_us();
            self.close(slot, close::FORCED_REPORT, end_us, false);
        }
    }

    /// Ends a flow, where there is one, because the capture is over.
    pub(super) fn end_flow(&mut self, slot: u32, goes_on: bool) {
        let flow = self.flows.get(slot);
        if flow.is_alive() {
            let close_type = if goes_on { close::FORCED_REPORT } else { flow.close_type() };
            let end_us = flow.last_us();
            self.close(slot, close_type, end_us, !goes_on);
        }
    }
}

#[inline]
fn tunnel_of(frame: &Frame<'_>, source_is_client: bool) -> Option<Box<Outside>> {
    let packet = &frame.packet;
    if packet.tunnels[0].kind == tunnel::Kind::None {
        return None;
    }
    let ends = packet::outside(frame.link, frame.bytes, packet).map(|(src, dst, is_ipv6)| {
        let ends = if source_is_client { [src, dst] } else { [dst, src] };
        (ends, is_ipv6)
    });
    Some(Box::new(Outside {
        tunnels: packet.tunnels,
        ends,
    }))
}
