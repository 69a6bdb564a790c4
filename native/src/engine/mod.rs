//! From packets to rows: finds each packet's flow, keeps its measures, and writes rows and documents as time goes on.
//!
//! Time is that of the packets; in live capture the clock pushes it on when no packets come.

mod config;
mod custom;
mod flows;
mod fragments;
mod health;
mod icmp;
mod life;
mod output;
mod owners;
mod payload;
pub mod replay;
mod requests;
mod reservoir;
mod rows;
mod selection;
mod stats;
mod strangers;
#[cfg(test)]
mod tests;
mod turn;

pub use config::Config;
pub use output::{Nic, OBSERVATION_POINTS, Output, Seen};
pub use owners::Owners;
pub use selection::{Pattern, Selection};
pub use stats::Stats;

use crate::document::Documents;
use crate::flow::index::Index;
use crate::flow::key::{Key, Seed};
use crate::flow::rares::Rares;
use crate::flow::side::Servers;
use crate::flow::slab::Slab;
use crate::flow::state::State;
use crate::flow::timer::Wheel;
use crate::flow::{Beside, Cold, Flow, NO_NIC};
use crate::packet::{Fragment, ICMP, ICMP6, Ip, Link, Packet, TCP, UDP, flag, tunnel};
use custom::Custom;
use fragments::Fragments;
use health::HealthChecks;
use rows::seconds;
use strangers::Strangers;
use turn::Turn;

/// The bytes of an IPv6 address.
pub fn ip6(ip: Ip) -> [u8; 16] {
    (u128::from(ip[0]) << 64 | u128::from(ip[1])).to_be_bytes()
}

/// Which way a frame went past the interface it was seen on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Passing {
    /// A file does not say, or it was not for this machine.
    #[default]
    Unknown,
    In,
    Out,
    Loopback,
}

/// A parsed frame with its bytes.
#[derive(Clone, Copy, Default)]
pub struct Frame<'a> {
    pub packet: Packet,
    pub bytes: &'a [u8],
    pub link: Link,
    pub passing: Passing,
}

impl<'a> Frame<'a> {
    /// The captured bytes behind the last header.
    #[inline]
    pub fn payload(&self) -> &'a [u8] {
        let begin = self.packet.payload_at as usize;
        self.bytes.get(begin..begin + self.packet.payload_len as usize).unwrap_or(&[])
    }
}

/// Frames that are looked up together, so that memory is asked for before it is needed.
pub const BATCH: usize = 32;
/// Packets between the one that is taken and the one whose rare measures are asked for.
const AHEAD: usize = 4;

/// The same packet is seen on several interfaces within this time.
const SIGHTING_US: i64 = 1_000_000;
/// After this without a packet, another network namespace may have the flow.
const FAR_SIGHTING_US: i64 = 5_000_000;
/// How long the other direction may be missing in the namespace of the first.
const MISSING_MS: i32 = 500;

/// A time in µs as one of [`Cold::bound_ms`].
fn milliseconds(time_us: i64) -> u32 {
    time_us.div_euclid(1000) as u32
}

fn since_ms(then_ms: u32, now_us: i64) -> i32 {
    milliseconds(now_us).wrapping_sub(then_ms) as i32
}

/// The engine without its sources of packets. Not shared: whoever feeds it owns it.
pub struct Core {
    config: Config,
    pub output: Output,
    pub stats: Stats,
    documents: Documents,
    flows: Slab<Flow>,
    cold: Slab<Cold>,
    /// Slots that were used and are free; every slot from `next` on is free too.
    free: Vec<u32>,
    next: u32,
    alive: u32,
    index: Index,
    seed: Seed,
    wheel: Wheel,
    rares: Rares,
    /// Flows with traffic in this second.
    dirty: Vec<u32>,
    /// The second that is going on; 0 before the first packet.
    now_s: u32,
    /// Flows made so far.
    made: u64,
    /// Where to look for a flow to evict.
    hand: u32,
    servers: Servers,
    strangers: Strangers,
    fragments: Fragments,
    health_checks: HealthChecks,
    /// What waits in the streams of all flows for segments before it.
    early_bytes: usize,
    owners: std::sync::Arc<Owners>,
    /// Protocols read by processes of their own.
    custom: Custom,
    /// New flows whose processes are still to be looked for.
    fresh: Vec<u32>,
    /// Packets come from interfaces, which may see the same one again.
    is_live: bool,
    /// Time that passes.
    turn: Option<Turn>,
}

/// A packet with its key, on the way to its flow.
#[derive(Clone, Copy)]
struct Lookup {
    key: Key,
    hash: u64,
    /// The slot that is probably its flow's; [`NO_SLOT`] where there is none.
    slot: u32,
    forward: bool,
}

const NO_SLOT: u32 = u32::MAX;

impl Default for Lookup {
    fn default() -> Self {
        Lookup {
            key: Key::default(),
            hash: 0,
            slot: NO_SLOT,
            forward: false,
        }
    }
}

/// Frames on their way to their flows, and how far they came. What is in it may be left from others.
#[derive(Default)]
pub struct Passage {
    lookups: [Lookup; BATCH],
    at: usize,
}

/// Asks for the parts of a flow that every packet touches.
#[inline]
fn prefetch_flow(flow: &Flow) {
    crate::flow::prefetch(flow);
    crate::flow::prefetch(&flow.delta);
    crate::flow::prefetch(&flow.directions[1]);
}

impl Core {
    pub fn new(config: Config, is_live: bool) -> Core {
        Core {
            output: Output::new(&config),
            config,
            stats: Stats::default(),
            documents: Documents::default(),
            flows: Slab::default(),
            cold: Slab::default(),
            free: Vec::new(),
            next: 0,
            alive: 0,
            index: Index::default(),
            seed: Seed::default(),
            wheel: Wheel::default(),
            rares: Rares::default(),
            dirty: Vec::new(),
            now_s: 0,
            made: 0,
            hand: 0,
            servers: Servers::default(),
            strangers: Strangers::default(),
            fragments: Fragments::default(),
            health_checks: HealthChecks::default(),
            early_bytes: 0,
            owners: Default::default(),
            fresh: Vec::new(),
            custom: Custom::new(!is_live),
            is_live,
            turn: None,
        }
    }

    pub fn configure(&mut self, config: Config) {
        let is_new = !std::sync::Arc::ptr_eq(&self.config.l7_settings, &config.l7_settings);
        self.output.configure(&config);
        self.config = config;
        if is_new {
            self.configure_l7();
        }
    }

    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Takes up to [`BATCH`] frames, oldest first.
    pub fn frames(&mut self, frames: &mut [Frame<'_>]) {
        let mut passage = Passage::default();
        self.begin(frames, &mut passage);
        while !self.pass(frames, &mut passage) {
            self.go_on();
        }
    }

    /// As [`Core::frames`], but where time has to go on first it is [`Core::pass`] that says so.
    #[inline]
    pub fn begin(&mut self, frames: &mut [Frame<'_>], passage: &mut Passage) {
        passage.at = 0;
        let lookups = &mut passage.lookups[..frames.len()];
        for (frame, lookup) in frames.iter_mut().zip(&mut *lookups) {
            if frame.packet.fragment != Fragment::Whole {
                self.fragments.resolve(&mut frame.packet);
            }
            let scope = if frame.passing == Passing::Loopback {
                frame.packet.netns
            } else if self.is_live {
                // The same packet is seen inside its tunnel and without it.
                0
            } else {
                tunnel::scope(&frame.packet)
            };
            (lookup.key, lookup.forward) = Key::of(&frame.packet, scope);
            lookup.hash = self.seed.hash(&lookup.key);
            self.index.prefetch(lookup.hash);
        }
        for lookup in lookups {
            lookup.slot = self.index.guess(lookup.hash).unwrap_or(NO_SLOT);
            if let Some(flow) = self.flows.find(lookup.slot) {
                prefetch_flow(flow);
            }
        }
    }

    /// Takes the frames that are left, all of them or those before the one that time has to go on for: then call [`Core::go_on`] and come back.
    #[inline]
    pub fn pass(&mut self, frames: &[Frame<'_>], passage: &mut Passage) -> bool {
        let Passage { lookups, at } = passage;
        let mut left = frames[*at..].iter().zip(&lookups[*at..]);
        let later = frames.len().min(*at + AHEAD);
        let mut ahead = frames[later..].iter().zip(&lookups[later..]);
        while let Some((frame, lookup)) = left.next() {
            // Data mostly ends some time that is measured, and by now its flow, which says where that is kept, has come from memory.
            if let Some((frame, lookup)) = ahead.next()
                && frame.packet.l4_bytes > 0
                && let Some(flow) = self.flows.find(lookup.slot)
            {
                self.rares.prefetch(&flow.rare);
            }
            let packet = &frame.packet;
            if packet.fragment == Fragment::Later && packet.ip_id == fragments::ORPHAN {
                self.stats.fragment_orphans += 1;
                continue;
            }
            // Most packets are of the second that is going on, which says so without a division.
            let since_us = packet.time_us.wrapping_sub(i64::from(self.now_s) * 1_000_000);
            if !(0..1_000_000).contains(&since_us) {
                let second = seconds(packet.time_us);
                if second != self.now_s && !self.is_at(second) {
                    *at = frames.len() - left.len() - 1;
                    return false;
                }
            }
            self.frame(frame, lookup);
        }
        true
    }

    fn frame(&mut self, frame: &Frame<'_>, lookup: &Lookup) {
        let packet = &frame.packet;
        let mut slot = self.slot(frame, lookup);
        let mut flow = self.flows.get_mut(slot);
        let mut way = flow.way(lookup.forward);
        // Where few packets come it is found once more.
        if self.is_live {
            if !self.is_first_sighting(slot, way, packet) {
                self.stats.duplicate_packets += 1;
                return;
            }
            flow = self.flows.get_mut(slot);
        }
        if packet.tcp_flags & (flag::SYN | flag::ACK) == flag::SYN && packet.protocol == TCP {
            if self.is_reused(slot, way, packet) {
                let flow = self.flows.get(slot);
                let (close_type, end_us) = (flow.close_type(), flow.last_us());
                self.close(slot, close_type, end_us, true);
                slot = self.open(frame, lookup);
                way = self.flows.get(slot).way(lookup.forward);
                self.flows.get_mut(slot).directions[way].nic = packet.nic;
            }
            flow = self.flows.get_mut(slot);
        }
        self.stats.packets += 1;
        self.stats.bytes += u64::from(packet.frame_bytes);
        if !flow.is_dirty {
            flow.is_dirty = true;
            self.dirty.push(slot);
        }
        let state = flow.state;
        if !flow.directions[way].seen {
            let (src, dst) = crate::packet::macs(frame.link, frame.bytes, frame.packet.ethernet_at);
            let cold = self.cold.get_mut(slot);
            cold.set_mac(way, src);
            if cold.mac(1 - way) == 0 {
                cold.set_mac(1 - way, dst);
            }
        }
        let mut beside = Beside {
            rares: &mut self.rares,
            cold: &mut self.cold,
            slot,
        };
        let has_room = flow.update(packet, way, &mut beside);
        if flow.state != state {
            self.rearm(slot);
        }
        if !has_room {
            self.flush(slot);
        }
        if packet.protocol == TCP || packet.protocol == UDP {
            if self.config.l7 {
                self.payload(slot, frame, way);
            }
        } else if packet.protocol == ICMP || packet.protocol == ICMP6 {
            self.icmp(slot, frame, way, lookup.key.scope());
        }
    }

    /// The flow of a packet, opened where there is none.
    #[inline]
    fn slot(&mut self, frame: &Frame<'_>, lookup: &Lookup) -> u32 {
        // What was guessed may have ended since, and its place may be another flow's.
        if self.flows.find(lookup.slot).is_some_and(|flow| flow.key == lookup.key) {
            return lookup.slot;
        }
        self.other_slot(frame, lookup)
    }

    #[cold]
    fn other_slot(&mut self, frame: &Frame<'_>, lookup: &Lookup) -> u32 {
        let flows = &self.flows;
        let found = self.index.find(lookup.hash, |slot| flows.get(slot).key == lookup.key);
        found.unwrap_or_else(|| self.open(frame, lookup))
    }

    /// Whether this interface is the one that counts this direction of the flow. A direction belongs to the interface that saw it
    /// first: paths may differ there and back. Rings of different namespaces are read one after the other, so the far namespace
    /// gets a direction only where the near one does not see it.
    #[inline]
    fn is_first_sighting(&mut self, slot: u32, way: usize, packet: &Packet) -> bool {
        let flow = self.flows.get_mut(slot);
        let bound = flow.directions[way].nic;
        if bound == packet.nic {
            return true;
        }
        let netns = |nic: u16| self.output.seen.nic(nic).netns;
        if bound != NO_NIC && self.output.seen.nic(bound).is_left_out {
            // It is not looked at any more; there is nobody to wait for.
        } else if bound == NO_NIC {
            let other = flow.directions[1 - way].nic;
            if other != NO_NIC && netns(other) != packet.netns && since_ms(self.cold.get(slot).bound_ms, packet.time_us) < MISSING_MS {
                return false;
            }
        } else {
            let silent_us = packet.time_us.saturating_sub(flow.directions[way].last_us);
            if silent_us
                < if netns(bound) == packet.netns {
                    SIGHTING_US
                } else {
                    FAR_SIGHTING_US
                }
            {
                return false;
            }
            // The other direction follows into the new namespace, so that both come from one ring, in order.
            if netns(bound) != packet.netns {
                flow.directions[1 - way].nic = NO_NIC;
            }
        }
        flow.directions[way].nic = packet.nic;
        self.cold.get_mut(slot).bound_ms = milliseconds(packet.time_us);
        true
    }

    /// Whether a SYN begins another connection with the ports of this one.
    fn is_reused(&self, slot: u32, way: usize, packet: &Packet) -> bool {
        let flow = self.flows.get(slot);
        let direction = &flow.directions[way];
        let is_repeated = direction.flags & flag::SYN != 0 && direction.first_seq == packet.seq;
        !matches!(flow.state, State::Raw | State::Opening | State::Answered | State::Stranger) && !is_repeated
    }

    /// Flows alive.
    pub fn alive(&self) -> u32 {
        self.alive
    }

    /// Bytes held for flows, documents and rows.
    pub fn bytes(&self) -> usize {
        let flows = self.flows.bytes() + self.cold.bytes() + self.index.bytes() + self.wheel.bytes() + self.rares.bytes();
        flows + self.documents.bytes() + self.output.ready_bytes() + self.early_bytes
    }

    /// Counters by name.
    pub fn counters(&self) -> Vec<(&'static str, u64)> {
        let mut counters = self.stats.named();
        counters.extend([
            ("flows", u64::from(self.alive)),
            ("flows_made", self.made),
            ("memory_bytes", self.bytes() as u64),
            ("rows", self.output.rows),
            ("dropped_rows", self.output.dropped_rows),
            ("l4_rows_over_limit", self.output.over_limit()[0]),
            ("l7_rows_over_limit", self.output.over_limit()[1]),
            ("endpoints_merged", self.documents.endpoints_merged()),
        ]);
        counters
    }
}
