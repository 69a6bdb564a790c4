//! The meters of ends: the sum of those of their pairs, while an interval is written.

use super::meter::{Meters, NONE, View};
use super::pool::List;

/// Set where the meter of an end is that of its one pair.
const BORROWED: u32 = 1 << 31;

/// An end keeps the number of its meter. Most have one pair that did something, and need no meter of their own.
#[derive(Default)]
pub struct EndMeters {
    /// Each end, and the number of its meter.
    held: List<(u32, u32)>,
    own: Meters,
}

impl EndMeters {
    /// Adds the meter of a pair to that of its end.
    #[inline]
    pub fn gather(&mut self, slot: &mut u32, end: u32, pairs: &Meters, pair: u32) {
        if *slot == NONE {
            *slot = self.held.push((end, pair | BORROWED));
            return;
        }
        let (_, number) = self.held.get_mut(*slot);
        if *number & BORROWED != 0 {
            let mut own = NONE;
            self.own.gather(&mut own, end, pairs.get(*number & !BORROWED));
            *number = own;
        }
        self.own.add(*number, pairs.get(pair));
    }

    /// An end, and what its meter says; `pairs` are those that were gathered.
    #[inline]
    pub fn get<'a>(&'a self, at: u32, pairs: &'a Meters) -> (u32, View<'a>) {
        let (end, number) = *self.held.get(at);
        let meter = if number & BORROWED != 0 {
            pairs.get(number & !BORROWED)
        } else {
            self.own.get(number)
        };
        (end, meter)
    }

    pub fn len(&self) -> u32 {
        self.held.len() as u32
    }

    /// Forgets all of them; every end has given its number up before.
    pub fn clear(&mut self) {
        self.held.clear(1 << 14);
        self.own.clear();
    }

    pub fn bytes(&self) -> usize {
        self.held.bytes() + self.own.bytes()
    }
}
