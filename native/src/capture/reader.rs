//! The thread itself: reads the rings, feeds the engine, hands batches over.

use super::namespace::{self, Namespace, Wanted};
use super::processes::Processes;
use super::worker::{Shared, lock};
use super::{RingFrame, now_us};
use crate::engine::{BATCH, Config, Core, Frame, Nic, Passage, Passing};
use crate::packet::{Link, parse};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Longest sleep without packets: how late a command is seen.
const SLEEP_MS: i32 = 200;
/// A second is over for the engine when it has been over for this long: blocks come late.
const LATE_US: i64 = 250_000;
/// Interfaces are renamed when they move; their names are asked for again after this.
const RENAME_S: u64 = 30;
/// Interfaces remembered.
const MAX_NICS: usize = 60_000;

/// State of the thread.
pub(super) struct Reader {
    core: Core,
    wanted: Wanted,
    namespaces: Vec<Namespace>,
    /// Closed in a moment, when the other threads have closed theirs.
    leaving: Vec<Namespace>,
    /// Namespace and interface index → number in the engine.
    nics: HashMap<(u16, u32), u16>,
    next_number: u16,
    failed_netns: u64,
    renamed_s: u64,
    cut_s: u64,
    processes: Processes,
    /// When what is known of owners was looked for.
    owners_us: i64,
    shared: Arc<Shared>,
}

impl Reader {
    pub(super) fn new(config: Config, wanted: Wanted, own: Namespace, shared: Arc<Shared>) -> Reader {
        Reader {
            core: Core::new(config, true),
            wanted,
            namespaces: vec![own],
            leaving: Vec::new(),
            nics: HashMap::new(),
            next_number: 1,
            failed_netns: 0,
            renamed_s: 0,
            cut_s: 0,
            processes: Processes::default(),
            owners_us: 0,
            shared,
        }
    }

    /// Until it is told to stop. Gives what is still open.
    pub(super) fn run(mut self) -> Vec<Namespace> {
        let lane = self.lane();
        loop {
            let orders = std::mem::take(&mut *lock(&self.shared.orders[lane]));
            self.namespaces.extend(orders.opened);
            self.namespaces.retain(|open| !orders.closed.contains(&open.number));
            if let Some(config) = orders.config {
                self.core.configure(config);
                self.select();
            }
            for place in orders.disconnect {
                self.core.disconnect_protocol(place);
            }
            for endpoint in orders.connect {
                self.core.connect_protocol(endpoint);
            }
            if let Some(netns) = orders.netns {
                self.follow(&netns);
                self.processes.hurry();
                self.look();
            }
            if !orders.stop {
                self.sleep();
            }
            self.read();
            self.core.hear();
            self.tick(orders.stop);
            if orders.stop {
                self.namespaces.append(&mut self.leaving);
                return self.namespaces;
            }
        }
    }

    fn lane(&self) -> usize {
        usize::from(self.core.config().lane.0)
    }

    /// Opens namespaces that are new and closes those that are gone, for every thread.
    fn follow(&mut self, netns: &[(String, PathBuf)]) {
        let wanted: Vec<_> = netns
            .iter()
            .filter_map(|(name, path)| Some((namespace::identity(path).ok()?, name, path)))
            .collect();
        self.failed_netns = (netns.len() - wanted.len()) as u64;
        let is_wanted = |open: &Namespace| open.number == 0 || wanted.iter().any(|(identity, ..)| *identity == open.identity);
        let (kept, gone): (Vec<_>, Vec<_>) = std::mem::take(&mut self.namespaces).into_iter().partition(is_wanted);
        self.namespaces = kept;
        for orders in &self.shared.orders[1..] {
            lock(orders).closed.extend(gone.iter().map(|namespace| namespace.number));
        }
        self.leaving.extend(gone);
        // What was read in a namespace that comes back under the same number would be taken for the old one: numbers only grow.
        for (identity, name, path) in wanted {
            if self.namespaces.iter().any(|open| open.identity == identity) {
                continue;
            }
            match Namespace::open(name, path.clone(), self.next_number, &self.wanted) {
                Ok(mut opened) => {
                    for orders in self.shared.orders[1..].iter().rev() {
                        lock(orders).opened.extend(opened.pop());
                    }
                    self.namespaces.append(&mut opened);
                    self.next_number = self.next_number.wrapping_add(1).max(1);
                }
                Err(_) => self.failed_netns += 1,
            }
        }
    }

    /// Looks for the processes at the ends of flows; threads but the first take what that one finds.
    fn look(&mut self) {
        if self.lane() == 0 {
            if let Some(owners) = self.processes.look(&self.namespaces) {
                self.shared.wants_owners.store(false, Ordering::Relaxed);
                *lock(&self.shared.owners) = Arc::new(owners);
            }
        } else {
            self.shared.wants_owners.store(true, Ordering::Relaxed);
        }
        let found = Arc::clone(&lock(&self.shared.owners));
        if found.looked_us != self.owners_us {
            self.owners_us = found.looked_us;
            self.core.set_owners(found);
        }
    }

    /// Waits for packets.
    fn sleep(&mut self) {
        let mut polled: Vec<_> = self
            .namespaces
            .iter()
            .map(|namespace| libc::pollfd {
                fd: namespace.ring.descriptor(),
                events: libc::POLLIN | libc::POLLERR,
                revents: 0,
            })
            .collect();
        // SAFETY: the pointer and the length describe `polled`.
        unsafe { libc::poll(polled.as_mut_ptr(), polled.len() as libc::nfds_t, SLEEP_MS) };
    }

    /// Reads every full block, in turns, so that no ring runs ahead of the others.
    fn read(&mut self) {
        loop {
            let mut any = false;
            for at in 0..self.namespaces.len() {
                let (core, nics, shared) = (&mut self.core, &mut self.nics, &self.shared);
                let Namespace {
                    ring,
                    interfaces,
                    number,
                    name: netns,
                    ..
                } = &mut self.namespaces[at];
                let number = *number;
                any |= ring.read(|block| {
                    let name = |core: &mut Core, frame: &RingFrame<'_>| {
                        *nics.entry((number, frame.if_index)).or_insert_with(|| {
                            let (name, kind) = interfaces.describe(frame.if_index, frame.hardware);
                            let is_left_out = core.config().interfaces.leaves_out(netns, &name);
                            let known = &mut core.output.seen.nics;
                            if known.len() >= MAX_NICS {
                                return 0;
                            }
                            known.push(Nic {
                                name,
                                kind,
                                netns: number,
                                index: frame.if_index,
                                hardware: frame.hardware,
                                is_left_out,
                            });
                            known.len() as u16 - 1
                        })
                    };
                    feed(core, shared, block, number, name);
                });
            }
            if !any {
                return;
            }
        }
    }

    /// Lets a second pass, and hands over what is finished.
    fn tick(&mut self, is_last: bool) {
        let second = ((now_us() - LATE_US) / 1_000_000).max(0) as u64;
        if second == self.cut_s && !is_last {
            return;
        }
        self.cut_s = second;
        self.leaving.clear();
        let is_asked = self.lane() == 0 && self.shared.wants_owners.load(Ordering::Relaxed);
        if is_asked || self.core.wants_owners() {
            self.look();
        }
        self.core.begin_advance(second as u32);
        turn(&mut self.core, &self.shared);
        if second >= self.renamed_s + RENAME_S {
            self.renamed_s = second;
            self.rename();
        }
        for namespace in &self.namespaces {
            let (packets, drops) = namespace.ring.statistics();
            self.core.stats.kernel_packets += packets;
            self.core.stats.kernel_drops += drops;
        }
        if is_last {
            self.core.begin_finish(true);
            turn(&mut self.core, &self.shared);
        }
        self.core.output.cut();
        self.publish();
    }

    fn publish(&mut self) {
        let mut counters = self.core.counters();
        let rings: usize = self.namespaces.iter().map(|namespace| namespace.ring.bytes()).sum();
        // Said once, not by every thread.
        let netns = if self.lane() == 0 { self.namespaces.len() } else { 0 };
        counters.extend([
            ("netns", netns as u64),
            ("netns_failed", self.failed_netns),
            ("ring_bytes", rings as u64),
        ]);
        let lane = self.lane();
        {
            let mut ready = lock(&self.shared.ready);
            ready.counters[lane] = counters;
            ready.protocols[lane] = self.core.protocol_health();
        }
        hand_over(&mut self.core, &self.shared);
    }

    /// Asks for the names of interfaces again.
    fn rename(&mut self) {
        for nic in self.core.output.seen.nics.iter_mut().skip(1) {
            if let Some(namespace) = self.namespaces.iter().find(|namespace| namespace.number == nic.netns) {
                let (name, kind) = namespace.interfaces.describe(nic.index, nic.hardware);
                if !name.is_empty() {
                    (nic.name, nic.kind) = (name, kind);
                }
            }
        }
        self.select();
    }

    /// Decides again which interfaces are looked at.
    fn select(&mut self) {
        let wanted = self.core.config().interfaces.clone();
        for nic in self.core.output.seen.nics.iter_mut().skip(1) {
            if let Some(namespace) = self.namespaces.iter().find(|namespace| namespace.number == nic.netns) {
                nic.is_left_out = wanted.leaves_out(&namespace.name, &nic.name);
            }
        }
    }
}

/// Hands finished batches over to whoever drains them.
fn hand_over(core: &mut Core, shared: &Shared) {
    if !core.output.has_ready() {
        return;
    }
    let max_bytes = core.config().max_ready_bytes;
    let mut ready = lock(&shared.ready);
    while let Some(batch) = core.output.take() {
        ready.bytes += batch.nbytes();
        ready.batches.push_back(batch);
        while ready.bytes > max_bytes && ready.batches.len() > 1 {
            if let Some(oldest) = ready.batches.pop_front() {
                ready.bytes -= oldest.nbytes();
                ready.dropped_rows += oldest.rows as u64;
            }
        }
    }
    drop(ready);
    shared.has_ready.notify_all();
}

/// Lets time go on where it has to, and hands over what that makes as it is made.
fn turn(core: &mut Core, shared: &Shared) {
    while core.go_on() {
        hand_over(core, shared);
    }
}

/// Counts frames.
fn pass(core: &mut Core, shared: &Shared, frames: &mut Vec<Frame<'_>>) {
    let mut passage = Passage::default();
    core.begin(frames, &mut passage);
    while !core.pass(frames, &mut passage) {
        turn(core, shared);
    }
    frames.clear();
}

/// Feeds the frames of one block.
fn feed<'a>(
    core: &mut Core,
    shared: &Shared,
    block: impl Iterator<Item = RingFrame<'a>>,
    netns: u16,
    mut nic: impl FnMut(&mut Core, &RingFrame<'_>) -> u16,
) {
    let mut frames: Vec<Frame<'a>> = Vec::with_capacity(BATCH);
    for frame in block {
        let number = nic(core, &frame);
        if core.output.seen.nic(number).is_left_out {
            core.stats.left_out_packets += 1;
            continue;
        }
        let passing = match (frame.hardware, frame.kind) {
            (libc::ARPHRD_LOOPBACK, libc::PACKET_OUTGOING) => continue,
            (libc::ARPHRD_LOOPBACK, _) => Passing::Loopback,
            (_, libc::PACKET_OUTGOING) => Passing::Out,
            (_, libc::PACKET_HOST) => Passing::In,
            _ => Passing::Unknown,
        };
        let (link, bytes, wire) = if matches!(frame.hardware, libc::ARPHRD_ETHER | libc::ARPHRD_LOOPBACK) {
            (Link::Ethernet, frame.bytes, frame.wire)
        } else {
            (
                Link::Raw,
                frame.bytes.get(frame.net_at as usize..).unwrap_or(&[]),
                frame.wire.saturating_sub(frame.net_at),
            )
        };
        match parse(link, bytes, wire, frame.time_us) {
            Ok(mut packet) => {
                packet.nic = number;
                packet.netns = netns;
                packet.segment_bytes = frame.segment_bytes;
                if passing == Passing::Loopback {
                    // Nothing has this header but the capture; the interface's own counters leave it out too.
                    packet.frame_bytes -= 14;
                }
                if packet.vlan == 0 {
                    packet.vlan = frame.vlan;
                }
                frames.push(Frame {
                    packet,
                    bytes,
                    link,
                    passing,
                });
            }
            Err(why) => core.stats.unparsed(why, frame.wire),
        }
        if frames.len() == BATCH {
            pass(core, shared, &mut frames);
        }
    }
    pass(core, shared, &mut frames);
}
