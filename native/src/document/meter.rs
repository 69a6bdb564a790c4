//! L4 measures of one place in one interval.

use crate::flow::measure::{self, Delay, Rare, TCP_EVENTS, Traffic};

/// `rtt` and the times of [`measure`].
pub const DELAYS: usize = measure::DELAYS + 1;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Meter {
    pub traffic: Traffic,
    pub new_flow: u32,
    pub closed_flow: u32,
    pub tcp: [u32; TCP_EVENTS],
    /// `rtt`, then as in [`Rare`].
    pub delays: [Delay; DELAYS],
    /// As [`crate::flow::state::failures`] orders them.
    pub failures: [u32; 5],
}

impl Meter {
    pub fn add_rare(&mut self, rare: &Rare) {
        for (mine, theirs) in self.tcp.iter_mut().zip(rare.tcp) {
            *mine += theirs;
        }
        if rare.rtt_us != 0 {
            self.delays[0].sample(0, i64::from(rare.rtt_us), i64::MAX);
        }
        for (mine, theirs) in self.delays[1..].iter_mut().zip(&rare.delays) {
            mine.add(theirs);
        }
    }

    pub fn add(&mut self, other: &Meter) {
        self.traffic.add(&other.traffic);
        self.new_flow += other.new_flow;
        self.closed_flow += other.closed_flow;
        for (mine, theirs) in self.tcp.iter_mut().zip(other.tcp) {
            *mine += theirs;
        }
        for (mine, theirs) in self.delays.iter_mut().zip(&other.delays) {
            mine.add(theirs);
        }
        for (mine, theirs) in self.failures.iter_mut().zip(other.failures) {
            *mine += theirs;
        }
    }
}

/// A place without measures in this interval.
pub const NONE: u32 = u32::MAX;

/// The meters of the places that were active in an interval. A place keeps the number of its meter.
#[derive(Default)]
pub struct Meters {
    held: Vec<(u32, Meter)>,
}

impl Meters {
    #[inline]
    pub fn of(&mut self, slot: &mut u32, place: u32) -> &mut Meter {
        if *slot == NONE {
            *slot = self.held.len() as u32;
            self.held.push((place, Meter::default()));
        }
        &mut self.held[*slot as usize].1
    }

    /// Places and their meters.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &Meter)> {
        self.held.iter().map(|(place, meter)| (*place, meter))
    }

    /// Forgets all of them; every place has given its number up before.
    pub fn clear(&mut self) {
        self.held.clear();
        // A flood must not hold its memory for ever.
        self.held.shrink_to(1 << 14);
    }

    pub fn bytes(&self) -> usize {
        self.held.capacity() * size_of::<(u32, Meter)>()
    }
}
