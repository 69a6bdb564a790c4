//! The [`Rare`] of each flow that has one, in a pool: of the current second, and since its last row.
//!
//! Most flows do little: a handshake, one request, one answer. Such a [`Brief`] takes 28 bytes; it becomes a whole one when it must.

use super::measure::{self, DELAYS, Rare, TCP_EVENTS};
use super::slab::Slab;
use std::borrow::Cow;

/// One sample of each time at most, and three of each event.
#[derive(Clone, Copy, Debug, Default)]
struct Brief {
    us: [u32; DELAYS],
    rtt_us: u32,
    /// Two bits for each event, above them a bit for each time that is there.
    bits: u32,
}

const EVENT_BITS: usize = 2;
const MOST: u32 = (1 << EVENT_BITS) - 1;
const TIMES_AT: usize = EVENT_BITS * TCP_EVENTS;
const _: () = assert!(TIMES_AT + DELAYS <= u32::BITS as usize);

impl Brief {
    #[inline]
    fn has(&self, delay: usize) -> bool {
        self.bits >> (TIMES_AT + delay) & 1 != 0
    }

    #[inline]
    fn put(&mut self, delay: usize, us: u32) {
        self.us[delay] = us;
        self.bits |= 1 << (TIMES_AT + delay);
    }

    #[inline]
    fn times(&self, event: usize) -> u32 {
        self.bits >> (event * EVENT_BITS) & MOST
    }

    fn whole(&self) -> Rare {
        let mut rare = Rare {
            rtt_us: self.rtt_us,
            ..Rare::default()
        };
        for (delay, us) in self.us.into_iter().enumerate() {
            if self.has(delay) {
                rare.delays[delay].add_one(us);
            }
        }
        for (event, count) in rare.tcp.iter_mut().enumerate() {
            *count = self.times(event);
        }
        rare
    }

    /// Both, where that is still brief.
    fn sum(&self, other: &Brief) -> Option<Brief> {
        let has_both = (self.bits & other.bits) >> TIMES_AT != 0;
        if has_both || (0..TCP_EVENTS).any(|event| self.times(event) + other.times(event) > MOST) {
            return None;
        }
        let mut sum = *self;
        // Nothing carries over from one event to the next.
        sum.bits += other.bits;
        for (mine, theirs) in sum.us.iter_mut().zip(other.us) {
            *mine |= theirs;
        }
        if other.rtt_us != 0 {
            sum.rtt_us = other.rtt_us;
        }
        Some(sum)
    }
}

/// Which one is whose, or none.
#[derive(Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Number(u32);

const NONE: u32 = u32::MAX;
/// Set in the number of a whole one.
const WHOLE: u32 = 1 << 31;

impl Number {
    #[inline]
    fn is_whole(&self) -> bool {
        (WHOLE..NONE).contains(&self.0)
    }
}

impl Default for Number {
    fn default() -> Self {
        Number(NONE)
    }
}

/// Values at small numbers that come and go; a free one knows the next.
struct Places<T> {
    held: Slab<T>,
    used: u32,
    made: u32,
    free: u32,
}

impl<T: Default> Default for Places<T> {
    fn default() -> Self {
        Places {
            held: Slab::default(),
            used: 0,
            made: 0,
            free: NONE,
        }
    }
}

impl<T: Default> Places<T> {
    #[inline]
    fn put(&mut self, value: T, next_free: impl Fn(&T) -> u32) -> u32 {
        self.used += 1;
        let at = if self.free == NONE {
            self.made += 1;
            self.held.reach(self.made - 1);
            self.made - 1
        } else {
            self.free
        };
        let place = self.held.get_mut(at);
        if self.free != NONE {
            self.free = next_free(place);
        }
        *place = value;
        // The one after it was released long ago.
        if let Some(next) = self.held.find(self.free) {
            super::prefetch_all(next);
        }
        at
    }

    #[inline]
    fn release(&mut self, at: u32, set_next: impl Fn(&mut T, u32)) {
        set_next(self.held.get_mut(at), self.free);
        self.free = at;
        self.used -= 1;
    }

    /// Gives memory back that nobody uses, where much of it is held.
    fn trim(&mut self, most: usize) {
        if self.used == 0 {
            (self.made, self.free) = (0, NONE);
            self.held.shrink_to(most);
        }
    }
}

/// All of them. Whoever has one keeps its number, and gives it back with [`Rares::release`].
#[derive(Default)]
pub struct Rares {
    briefs: Places<Brief>,
    wholes: Places<Rare>,
}

impl Rares {
    /// Adds the time from `begin_us` to `end_us`, unless it is negative or longer than `cap_us`, which is 71 minutes at most.
    #[inline(always)]
    pub fn sample(&mut self, of: &mut Number, delay: usize, begin_us: i64, end_us: i64, cap_us: i64) {
        let us = end_us - begin_us;
        if !(0..=cap_us).contains(&us) {
            return;
        }
        // A busy flow's is a whole one.
        if of.is_whole() {
            return self.wholes.held.get_mut(of.0 & !WHOLE).delays[delay].add_one(us as u32);
        }
        self.sample_brief(of, delay, us as u32);
    }

    #[inline(never)]
    fn sample_brief(&mut self, of: &mut Number, delay: usize, us: u32) {
        if of.0 == NONE {
            let mut brief = Brief::default();
            brief.put(delay, us);
            of.0 = self.put_brief(brief);
            return;
        }
        let brief = self.briefs.held.get_mut(of.0);
        if !brief.has(delay) {
            return brief.put(delay, us);
        }
        self.whole(of).delays[delay].add_one(us);
    }

    /// Counts an event so many times.
    #[inline]
    pub fn count(&mut self, of: &mut Number, event: usize, times: u32) {
        if of.0 == NONE {
            of.0 = self.put_brief(Brief::default());
        }
        if of.0 < WHOLE {
            let brief = self.briefs.held.get_mut(of.0);
            if times <= MOST - brief.times(event) {
                brief.bits += times << (event * EVENT_BITS);
                return;
            }
        }
        self.whole(of).tcp[event] += times;
    }

    /// How long the handshake took.
    pub fn set_rtt(&mut self, of: &mut Number, rtt_us: u32) {
        if of.0 == NONE {
            of.0 = self.put_brief(Brief::default());
        }
        if of.0 < WHOLE {
            self.briefs.held.get_mut(of.0).rtt_us = rtt_us;
        } else {
            self.whole(of).rtt_us = rtt_us;
        }
    }

    /// Adds `other`, which is over then.
    pub fn join(&mut self, into: &mut Number, other: Number) {
        if into.0 == NONE {
            *into = other;
            return;
        }
        if other.0 == NONE {
            return;
        }
        if into.0 < WHOLE && other.0 < WHOLE {
            let sum = self.briefs.held.get(into.0).sum(self.briefs.held.get(other.0));
            if let Some(sum) = sum {
                *self.briefs.held.get_mut(into.0) = sum;
                return self.release(other);
            }
        }
        if let Some(other) = self.get(&other).map(Cow::into_owned) {
            self.whole(into).add(&other);
        }
        self.release(other);
    }

    #[inline]
    pub fn get(&self, of: &Number) -> Option<Cow<'_, Rare>> {
        if of.0 < WHOLE {
            Some(Cow::Owned(self.briefs.held.get(of.0).whole()))
        } else if of.0 == NONE {
            None
        } else {
            Some(Cow::Borrowed(self.wholes.held.get(of.0 & !WHOLE)))
        }
    }

    pub fn release(&mut self, of: Number) {
        if of.0 < WHOLE {
            self.briefs.release(of.0, |brief, next| brief.rtt_us = next);
        } else if of.0 != NONE {
            self.wholes.release(of.0 & !WHOLE, |rare, next| rare.rtt_us = next);
        }
    }

    #[inline]
    fn put_brief(&mut self, brief: Brief) -> u32 {
        self.briefs.put(brief, |brief| brief.rtt_us)
    }

    /// Makes it a whole one.
    #[inline]
    fn whole(&mut self, of: &mut Number) -> &mut Rare {
        if of.0 < WHOLE {
            self.grow(of);
        }
        self.wholes.held.get_mut(of.0 & !WHOLE)
    }

    #[inline(never)]
    fn grow(&mut self, of: &mut Number) {
        let rare = self.briefs.held.get(of.0).whole();
        self.release(Number(of.0));
        of.0 = self.wholes.put(rare, |rare| rare.rtt_us) | WHOLE;
    }

    /// Asks for one before it is needed.
    #[inline]
    pub fn prefetch(&self, of: &Number) {
        if of.0 < WHOLE {
            super::prefetch(&self.briefs.held.get(of.0).us);
        } else if of.0 != NONE {
            let rare = self.wholes.held.get(of.0 & !WHOLE);
            super::prefetch(&rare.delays[measure::SRT]);
            super::prefetch(&rare.delays[measure::CIT]);
            super::prefetch(&rare.rtt_us);
        }
    }

    /// Gives the memory of a flood back when it is over.
    pub fn trim(&mut self) {
        self.briefs.trim(1 << 18);
        self.wholes.trim(1 << 16);
    }

    pub fn bytes(&self) -> usize {
        self.briefs.held.bytes() + self.wholes.held.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn take(rares: &mut Rares, of: &mut Number) -> Rare {
        let rare = rares.get(of).map(Cow::into_owned).unwrap_or_default();
        rares.release(std::mem::take(of));
        rare
    }

    #[test]
    fn a_handshake_takes_few_bytes() {
        assert!(size_of::<Brief>() <= 28, "{}", size_of::<Brief>());
    }

    proptest! {
        /// Of four flows in one pool: what a second adds, and when it is added to the minute, or taken.
        #[test]
        fn brief_or_whole_it_says_the_same(steps in proptest::collection::vec((0usize..4, 0u8..6, 0usize..DELAYS, 0usize..TCP_EVENTS, prop_oneof![0u32..6, Just(3_600_000_000)]), 0..200)) {
            let mut rares = Rares::default();
            let (mut seconds, mut minutes): ([Number; 4], [Number; 4]) = Default::default();
            let mut expected = [(Rare::default(), Rare::default()); 4];
            for (flow, what, delay, event, value) in steps {
                let (second, minute) = (&mut seconds[flow], &mut minutes[flow]);
                let (of_second, of_minute) = &mut expected[flow];
                match what {
                    0 | 1 => {
                        rares.sample(second, delay, 5, 5 + i64::from(value), 3_600_000_000);
                        of_second.delays[delay].sample(5, 5 + i64::from(value), 3_600_000_000);
                    }
                    2 => {
                        rares.count(second, event, value % 7);
                        of_second.tcp[event] += value % 7;
                    }
                    3 => {
                        rares.set_rtt(second, value + 1);
                        of_second.rtt_us = value + 1;
                    }
                    4 => {
                        prop_assert_eq!(rares.get(second).map(Cow::into_owned).unwrap_or_default(), *of_second);
                        rares.join(minute, std::mem::take(second));
                        of_minute.add(&std::mem::take(of_second));
                    }
                    _ => prop_assert_eq!(take(&mut rares, minute), std::mem::take(of_minute)),
                }
            }
            for flow in 0..4 {
                prop_assert_eq!(take(&mut rares, &mut seconds[flow]), expected[flow].0);
                prop_assert_eq!(take(&mut rares, &mut minutes[flow]), expected[flow].1);
            }
            prop_assert_eq!((rares.briefs.used, rares.wholes.used), (0, 0));
        }
    }
}
