//! Health checks: connections that were opened and closed without a word. On request those of a client to a port of a server that ended
//! alike become one row of the L4 log a minute, which says how many they were; documents count each of them all the same.

use crate::document::PairKey;
use crate::flow::measure::Rare;
use crate::flow::state::close;
use crate::flow::{Cold, Flow};
use crate::packet::TCP;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// Rows that grow at the same time; who checks more than that has the rest one by one.
const MAX_HELD: usize = 4096;
/// What was open for longer is no check.
const MAX_OPEN_US: i64 = 5_000_000;

/// A row that grows.
pub struct Checks {
    pub flow: Flow,
    pub cold: Cold,
    pub rare: Option<Rare>,
    pub end_us: i64,
    /// Connections after the first one.
    pub merged: u32,
}

/// Those of the minute that is going on, by where they went and how they ended.
#[derive(Default)]
pub struct HealthChecks {
    held: HashMap<(PairKey, u8), Box<Checks>>,
}

/// Whether a flow that ends, or has ended and is kept for stragglers, looks like one: no row was made of it yet, nothing was said, nothing
/// was wrong.
pub fn is_check(flow: &Flow, cold: &Cold, close_type: u8, end_us: i64) -> bool {
    flow.key.protocol() == TCP
        && flow.is_new
        && flow.synacks > 0
        && cold.traffic().l4_byte == [0, 0]
        && cold.troubles().is_none()
        && end_us - flow.start_us <= MAX_OPEN_US
        && matches!(
            close_type,
            close::FINISH | close::CLIENT_RST | close::FIN_CLIENT_RST | close::CLIENT_ESTABLISH_RST
        )
}

impl HealthChecks {
    /// Takes what there is to say about a flow that ends, where it is a health check.
    pub fn take(&mut self, over: (&Flow, &mut Cold, Option<&Rare>), pair: PairKey, close_type: u8, end_us: i64) -> bool {
        let (flow, cold, rare) = over;
        if !is_check(flow, cold, close_type, end_us) {
            return false;
        }
        let is_full = self.held.len() >= MAX_HELD;
        match self.held.entry((pair, close_type)) {
            Entry::Occupied(mut found) => found.get_mut().add(flow, cold, rare, end_us),
            Entry::Vacant(_) if is_full => false,
            Entry::Vacant(place) => {
                place.insert(Box::new(Checks {
                    flow: flow.told(),
                    cold: std::mem::take(cold),
                    rare: rare.copied(),
                    end_us,
                    merged: 0,
                }));
                true
            }
        }
    }

    /// The rows so far, in the order of their first connection, with how they ended. The next minute begins with none.
    pub fn rows(&mut self) -> Vec<((PairKey, u8), Box<Checks>)> {
        let mut rows: Vec<_> = std::mem::take(&mut self.held).into_iter().collect();
        rows.sort_unstable_by_key(|(_, checks)| (checks.flow.start_us, checks.cold.id));
        rows
    }
}

impl Checks {
    /// Adds a connection, unless it was seen in another tunnel or VLAN.
    fn add(&mut self, flow: &Flow, cold: &Cold, rare: Option<&Rare>, end_us: i64) -> bool {
        let place = |cold: &Cold| (cold.vlan, cold.vlan_inner, cold.tunnel().map(|outside| outside.tunnels));
        if place(cold) != place(&self.cold) {
            return false;
        }
        self.merged += 1;
        self.end_us = self.end_us.max(end_us);
        self.flow.start_us = self.flow.start_us.min(flow.start_us);
        for way in 0..2 {
            self.flow.directions[way].flags |= flow.directions[way].flags;
            if self.cold.processes[way] != cold.processes[way] {
                self.cold.processes[way] = 0;
            }
        }
        self.cold.add_all(cold);
        if let Some(rare) = rare {
            self.rare.get_or_insert_default().add(rare);
        }
        true
    }
}
