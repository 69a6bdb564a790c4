//! A limit for the rows of a log in a second: where there are more, those written are a uniform sample of them, not the first ones.
//!
//! Vitter's algorithm R: row `n` takes the place of one that was kept with probability `room / n`. Rows stand in columns that only grow, so one
//! that lost its place is left out when the second is over; a second writes about `room * (1 + ln(rows / room))` of them.

use std::hash::{BuildHasher, RandomState};

/// The rows of one log in the second that is going on.
pub struct Reservoir {
    /// 0: no limit.
    per_s: u32,
    /// Rows that this second may still have.
    room: u32,
    /// Rows offered since the sample began.
    offered: u64,
    /// Where those that are kept stand.
    kept: Vec<u32>,
    is_replaced: bool,
    refused: u64,
    random: u64,
}

impl Reservoir {
    /// Who sends packets cannot know which of their rows are kept.
    pub fn new(per_s: u32) -> Reservoir {
        Reservoir::seeded(per_s, RandomState::new().hash_one(per_s))
    }

    fn seeded(per_s: u32, seed: u64) -> Reservoir {
        Reservoir {
            per_s,
            room: per_s,
            offered: 0,
            kept: Vec::new(),
            is_replaced: false,
            refused: 0,
            random: seed | 1,
        }
    }

    pub fn is_limited(&self) -> bool {
        self.per_s != 0
    }

    /// Whether the log's next row, which would stand at `row`, is to be written. Where there is no room for all, one more is counted as refused.
    #[inline]
    pub fn offer(&mut self, row: usize) -> bool {
        if self.per_s == 0 {
            return true;
        }
        self.offered += 1;
        if self.kept.len() < self.room as usize {
            self.kept.push(row as u32);
            return true;
        }
        self.refused += 1;
        let place = self.below(self.offered);
        let is_kept = place < u64::from(self.room);
        if is_kept {
            self.kept[place as usize] = row as u32;
            self.is_replaced = true;
        }
        is_kept
    }

    /// Ends the sample: the rows to keep, in order, where some are to be left out.
    pub fn settle(&mut self) -> Option<Vec<u32>> {
        self.room -= self.kept.len() as u32;
        self.offered = 0;
        let mut kept = std::mem::take(&mut self.kept);
        kept.sort_unstable();
        std::mem::take(&mut self.is_replaced).then_some(kept)
    }

    /// A second begins; the one before is settled.
    pub fn begin_second(&mut self) {
        self.room = self.per_s;
    }

    /// A new limit holds at once; what was written before is settled, and counts.
    pub fn limit(&mut self, per_s: u32) {
        let taken = self.per_s - self.room;
        (self.per_s, self.room) = (per_s, per_s.saturating_sub(taken));
    }

    /// Rows that were left out, since it was made.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// A number below `limit` (xorshift64*, and Lemire's way to a range).
    fn below(&mut self, limit: u64) -> u64 {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        let word = self.random.wrapping_mul(0x2545_f491_4f6c_dd1d);
        ((u128::from(word) * u128::from(limit)) >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Offers `rows` in one second, and gives the numbers of those that are kept.
    fn second(reservoir: &mut Reservoir, rows: usize) -> Vec<usize> {
        let mut written = Vec::new();
        reservoir.begin_second();
        for row in 0..rows {
            if reservoir.offer(written.len()) {
                written.push(row);
            }
        }
        match reservoir.settle() {
            Some(kept) => kept.into_iter().map(|at| written[at as usize]).collect(),
            None => written,
        }
    }

    #[test]
    fn every_row_of_a_second_is_as_likely_as_any_other() {
        const ROWS: usize = 200;
        const KEPT: usize = 20;
        const SECONDS: usize = 20_000;
        let mut reservoir = Reservoir::seeded(KEPT as u32, 0x5eed);
        let mut counts = [0u32; ROWS];
        for _ in 0..SECONDS {
            let kept = second(&mut reservoir, ROWS);
            assert_eq!(kept.len(), KEPT);
            assert!(kept.is_sorted());
            kept.into_iter().for_each(|row| counts[row] += 1);
        }
        let expected = (SECONDS * KEPT / ROWS) as f64;
        let chi_square: f64 = counts.iter().map(|count| (f64::from(*count) - expected).powi(2) / expected).sum();
        // 199 degrees of freedom: 99.9 % of fair draws give less. (Rows of a second exclude each other, which makes it smaller still.)
        assert!(chi_square < 267.0, "{chi_square}");
        assert_eq!(reservoir.refused(), (SECONDS * (ROWS - KEPT)) as u64);
    }

    #[test]
    fn a_second_with_room_for_all_keeps_all() {
        let mut reservoir = Reservoir::seeded(10, 1);
        assert_eq!(second(&mut reservoir, 10), (0..10).collect::<Vec<_>>());
        assert_eq!(reservoir.refused(), 0);
        let mut unlimited = Reservoir::seeded(0, 1);
        assert_eq!(second(&mut unlimited, 1000).len(), 1000);
    }

    #[test]
    fn a_new_limit_holds_in_the_second_it_is_set_in() {
        let mut reservoir = Reservoir::seeded(0, 1);
        let mut take = |limit: u32, rows: usize| {
            reservoir.settle();
            reservoir.limit(limit);
            for row in 0..rows {
                reservoir.offer(row);
            }
            reservoir.kept.len()
        };
        assert_eq!(take(10, 6), 6);
        assert_eq!(take(20, 50), 14);
        assert_eq!(take(5, 50), 0);
        reservoir.settle();
        reservoir.begin_second();
        for row in 0..50 {
            reservoir.offer(row);
        }
        assert_eq!(reservoir.kept.len(), 5);
    }
}
