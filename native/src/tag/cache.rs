//! Answers kept while the table stays the same: rows of a batch have few distinct ends.

use super::resolve::{End, Tags, resolve};
use super::table::{Shared, Table};
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use std::sync::Arc;

/// Answers kept at most; then all are forgotten, which costs one lookup each.
const MAX_ANSWERS: usize = 1 << 16;

/// Looks ends up in the shared table.
pub struct Tagger {
    shared: Arc<Shared>,
    table: Arc<Table>,
    places: HashMap<End, u32, RandomState>,
    answers: Vec<Tags>,
    /// The ends asked for last, one of each side: neighbouring rows often share them.
    last: [Option<(End, u32)>; 2],
}

impl Tagger {
    pub fn new(shared: Arc<Shared>) -> Tagger {
        let table = shared.current();
        Tagger {
            shared,
            table,
            places: HashMap::default(),
            answers: Vec::new(),
            last: [None; 2],
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
        self.last = [None; 2];
    }

    /// What is known of an end; `side` is 0 for clients and 1 for servers.
    #[inline]
    pub fn find(&mut self, side: usize, end: End) -> &Tags {
        let place = match self.last[side] {
            Some((last, place)) if last == end => place,
            _ => self.look_up(side, end),
        };
        &self.answers[place as usize]
    }

    fn look_up(&mut self, side: usize, end: End) -> u32 {
        if self.answers.len() >= MAX_ANSWERS {
            self.forget();
        }
        let (table, answers) = (&self.table, &mut self.answers);
        let place = *self.places.entry(end).or_insert_with(|| {
            answers.push(resolve(table, &end));
            answers.len() as u32 - 1
        });
        self.last[side] = Some((end, place));
        place
    }
}
