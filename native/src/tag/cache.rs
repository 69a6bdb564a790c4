//! Answers kept while the table stays the same: rows of a batch have few distinct ends.

use super::resolve::{End, Tags, resolve};
use super::table::{Shared, Table};
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use std::sync::Arc;

/// Answers kept at most; then all are forgotten, which costs one lookup each.
const MAX_ANSWERS: usize = 1 << 16;

/// Places in front of the map, which settle ends that come again soon without hashing them whole.
const SLOTS: usize = 1 << 12;

/// Looks ends up in the shared table.
pub struct Tagger {
    shared: Arc<Shared>,
    table: Arc<Table>,
    places: HashMap<End, u32, RandomState>,
    answers: Vec<(End, Tags)>,
    recent: Box<[u32; SLOTS]>,
}

impl Tagger {
    pub fn new(shared: Arc<Shared>) -> Tagger {
        let table = shared.current();
        Tagger {
            shared,
            table,
            places: HashMap::default(),
            answers: Vec::new(),
            recent: Box::new([0; SLOTS]),
        }
    }

    /// Takes up a newer table where there is one; rows tagged from now on see it.
    pub fn refresh(&mut self) {
        let current = self.shared.current();
        if !Arc::ptr_eq(&current, &self.table) {
            self.table = current;
            self.forget();
        }
    }

    fn forget(&mut self) {
        self.places.clear();
        self.answers.clear();
    }

    /// What is known of an end.
    #[inline]
    pub fn find(&mut self, end: End) -> &Tags {
        let slot = slot(&end);
        let recent = self.recent[slot] as usize;
        if self.answers.get(recent).is_none_or(|(known, _)| *known != end) {
            self.recent[slot] = self.look_up(end);
        }
        &self.answers[self.recent[slot] as usize].1
    }

    fn look_up(&mut self, end: End) -> u32 {
        if self.answers.len() >= MAX_ANSWERS {
            self.forget();
        }
        let (table, answers) = (&self.table, &mut self.answers);
        *self.places.entry(end).or_insert_with(|| {
            answers.push((end, resolve(table, &end)));
            answers.len() as u32 - 1
        })
    }
}

/// A place that depends on what usually differs between ends: address, port and agent.
#[inline(always)]
fn slot(end: &End) -> usize {
    let ip = end.ip.0 as u64 ^ (end.ip.0 >> 64) as u64;
    let rest = u64::from(end.agent_id) << 40 ^ u64::from(end.port) << 16 ^ u64::from(end.process_id);
    ((ip ^ rest.rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - SLOTS.trailing_zeros())) as usize
}
