//! L4 measures of one place in one interval.

use super::brief::Brief;
use super::pool::List;
use crate::flow::measure::{self, Delay, Rare, TCP_EVENTS, Traffic, Traffic32};

/// `rtt` and the times of [`measure`].
pub const DELAYS: usize = measure::DELAYS + 1;
/// As [`crate::flow::state::failures`] orders them.
pub const FAILURES: usize = 5;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Meter {
    pub traffic: Traffic,
    pub new_flow: u32,
    pub closed_flow: u32,
    pub tcp: [u32; TCP_EVENTS],
    /// `rtt`, then as in [`Rare`].
    pub delays: [Delay; DELAYS],
    pub failures: [u32; FAILURES],
}

impl Meter {
    fn add_rare(&mut self, rare: &Rare) {
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

    fn add(&mut self, other: &impl Measures) {
        self.traffic.add(&other.traffic());
        self.new_flow += other.new_flow();
        self.closed_flow += other.closed_flow();
        for (event, mine) in self.tcp.iter_mut().enumerate() {
            *mine += other.tcp(event);
        }
        for (which, mine) in self.delays.iter_mut().enumerate() {
            mine.add(&other.delay(which));
        }
        for (which, mine) in self.failures.iter_mut().enumerate() {
            *mine += other.failures(which);
        }
    }
}

/// What rows say of a meter, brief or not.
pub trait Measures: Sized {
    /// Nothing is 0 in it that is not 0 in all of them.
    fn any(of: &[&Self]) -> Self;
    fn traffic(&self) -> Traffic;
    fn new_flow(&self) -> u32;
    fn closed_flow(&self) -> u32;
    fn tcp(&self, event: usize) -> u32;
    /// `rtt`, then as in [`Rare`].
    fn delay(&self, which: usize) -> Delay;
    /// As [`crate::flow::state::failures`] orders them.
    fn failures(&self, which: usize) -> u32;
}

impl Measures for Meter {
    /// A sum is as good as any: these are few, and what one counts is far below what a number can be.
    fn any(of: &[&Meter]) -> Meter {
        of.iter().fold(Meter::default(), |mut any, one| {
            any.add(*one);
            any
        })
    }

    #[inline]
    fn traffic(&self) -> Traffic {
        self.traffic
    }

    #[inline]
    fn new_flow(&self) -> u32 {
        self.new_flow
    }

    #[inline]
    fn closed_flow(&self) -> u32 {
        self.closed_flow
    }

    #[inline]
    fn tcp(&self, event: usize) -> u32 {
        self.tcp[event]
    }

    #[inline]
    fn delay(&self, which: usize) -> Delay {
        self.delays[which]
    }

    #[inline]
    fn failures(&self, which: usize) -> u32 {
        self.failures[which]
    }
}

/// A meter as it is held.
#[derive(Clone, Copy)]
pub enum View<'a> {
    Brief(&'a Brief),
    Whole(&'a Meter),
}

/// A place without measures in this interval; a meter that is brief.
pub const NONE: u32 = u32::MAX;

/// The meter of a place.
#[derive(Clone, Copy)]
pub struct Held {
    pub place: u32,
    /// The number of the whole one, where it is not brief.
    whole: u32,
    brief: Brief,
}

/// Meters for which memory is kept from one interval to the next: a flood must not hold its own for ever.
const KEPT: usize = 1 << 14;

/// The meters of the places that were active in an interval. A place keeps the number of its meter.
#[derive(Default)]
pub struct Meters {
    held: List<Held>,
    wholes: List<Meter>,
}

impl Meters {
    /// The number of the meter of a place that has none yet.
    #[inline]
    fn put(&mut self, place: u32, brief: Brief) -> u32 {
        self.held.push(Held { place, whole: NONE, brief })
    }

    /// The number of the meter of a place, from now on if not before.
    #[inline]
    pub fn of(&mut self, slot: &mut u32, place: u32) -> u32 {
        if *slot == NONE {
            *slot = self.put(place, Brief::default());
        }
        *slot
    }

    /// Adds what a flow did.
    #[inline]
    pub fn add_flow(&mut self, number: u32, traffic: &Traffic32, rare: Option<&Rare>) {
        let held = self.held.get_mut(number);
        if held.whole == NONE && Brief::takes(traffic, rare) {
            if !held.brief.add_flow(traffic, rare) {
                self.whole(number);
            }
            return;
        }
        let whole = self.whole(number);
        whole.traffic.add(&traffic.widen());
        if let Some(rare) = rare {
            whole.add_rare(rare);
        }
    }

    /// Counts a flow that begins.
    #[inline]
    pub fn begin(&mut self, number: u32) {
        let held = self.held.get_mut(number);
        if held.whole != NONE {
            self.whole(number).new_flow += 1;
            return;
        }
        if !held.brief.begin() {
            self.whole(number);
        }
    }

    /// A flow that began did not.
    pub fn take_back(&mut self, number: u32) {
        let whole = self.whole(number);
        whole.new_flow = whole.new_flow.saturating_sub(1);
    }

    /// Counts a flow that ends.
    #[inline]
    pub fn end(&mut self, number: u32, failures: [u32; FAILURES], is_closed: bool) {
        let held = self.held.get_mut(number);
        if held.whole == NONE && Brief::takes_failures(&failures) {
            if !held.brief.end(failures, is_closed) {
                self.whole(number);
            }
            return;
        }
        let whole = self.whole(number);
        whole.closed_flow += u32::from(is_closed);
        for (mine, one) in whole.failures.iter_mut().zip(failures) {
            *mine += one;
        }
    }

    /// Adds a meter of others.
    #[inline]
    pub fn add(&mut self, number: u32, theirs: View<'_>) {
        match theirs {
            View::Brief(theirs) => {
                let mine = self.held.get_mut(number);
                if mine.whole != NONE {
                    self.wholes.get_mut(mine.whole).add(theirs);
                } else if !mine.brief.add(theirs) {
                    self.whole(number);
                }
            }
            View::Whole(theirs) => self.whole(number).add(theirs),
        }
    }

    /// Adds a meter of others to that of a place, which may have none yet.
    #[inline]
    pub fn gather(&mut self, slot: &mut u32, place: u32, theirs: View<'_>) {
        if *slot != NONE {
            return self.add(*slot, theirs);
        }
        match theirs {
            View::Brief(theirs) => *slot = self.put(place, *theirs),
            View::Whole(theirs) => {
                *slot = self.put(place, Brief::NOTHING);
                *self.whole(*slot) = *theirs;
            }
        }
    }

    /// Asks for a meter before it is needed, if it is one.
    #[inline]
    pub fn prefetch(&self, number: u32) {
        if number != NONE {
            crate::flow::prefetch_all(self.held.get(number));
        }
    }

    /// What a meter says.
    #[inline]
    pub fn get(&self, number: u32) -> View<'_> {
        self.view(self.held.get(number))
    }

    /// What one of these says.
    #[inline]
    pub fn view<'a>(&'a self, held: &'a Held) -> View<'a> {
        if held.whole == NONE {
            View::Brief(&held.brief)
        } else {
            View::Whole(self.wholes.get(held.whole))
        }
    }

    /// The one with this number, with as many behind it as lie beside it.
    #[inline]
    pub fn run(&self, number: u32) -> &[Held] {
        self.held.run(number)
    }

    pub fn len(&self) -> u32 {
        self.held.len() as u32
    }

    /// Makes it a whole one.
    #[inline(never)]
    fn whole(&mut self, number: u32) -> &mut Meter {
        let held = self.held.get_mut(number);
        if held.whole == NONE {
            held.whole = self.wholes.push(held.brief.whole());
        }
        self.wholes.get_mut(held.whole)
    }

    /// Forgets all of them; every place has given its number up before.
    pub fn clear(&mut self) {
        self.held.clear(KEPT);
        self.wholes.clear(KEPT / 4);
    }

    pub fn bytes(&self) -> usize {
        self.held.bytes() + self.wholes.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    impl View<'_> {
        fn meter(self) -> Meter {
            match self {
                View::Brief(brief) => brief.whole(),
                View::Whole(meter) => *meter,
            }
        }
    }

    #[test]
    fn a_pair_that_did_little_takes_few_bytes() {
        assert!(size_of::<Held>() <= 112, "{}", size_of::<Held>());
    }

    /// Most are small; some do not fit alone, some only not together with others.
    fn count() -> impl Strategy<Value = u64> {
        prop_oneof![6 => 0u64..4, 2 => 0u64..200, 1 => 0u64..70_000, 1 => (1u64 << 31) - 5..(1 << 31) + 5]
    }

    fn any_delay() -> impl Strategy<Value = Delay> {
        (count(), count(), count()).prop_map(|(sum, samples, max)| Delay {
            sum: sum * 3,
            count: samples as u32 % 100_000,
            max: max as u32,
        })
    }

    fn any_rare() -> impl Strategy<Value = Option<Rare>> {
        let rare = (
            proptest::array::uniform5(any_delay()),
            proptest::collection::vec(count(), TCP_EVENTS),
            count(),
        );
        proptest::option::of(rare.prop_map(|(delays, tcp, rtt)| Rare {
            delays,
            tcp: std::array::from_fn(|at| tcp[at] as u32 % 100_000),
            rtt_us: rtt as u32,
        }))
    }

    fn any_traffic() -> impl Strategy<Value = Traffic32> {
        let both = || proptest::array::uniform2(count().prop_map(|count| count as u32));
        (both(), both(), both(), both()).prop_map(|(packet, byte, l3_byte, l4_byte)| Traffic32 {
            packet,
            byte,
            l3_byte,
            l4_byte,
        })
    }

    #[derive(Clone, Debug)]
    enum Step {
        Flow(Traffic32, Option<Rare>),
        Begin(usize),
        TakeBack,
        End([bool; FAILURES], bool, usize),
        /// The second is over.
        Gather,
    }

    fn any_step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (any_traffic(), any_rare()).prop_map(|(traffic, rare)| Step::Flow(traffic, rare)),
            2 => prop_oneof![9 => Just(1usize), 1 => Just(300)].prop_map(Step::Begin),
            1 => Just(Step::TakeBack),
            2 => (any::<[bool; FAILURES]>(), any::<bool>(), prop_oneof![9 => Just(1usize), 1 => Just(300)])
                .prop_map(|(failures, is_closed, times)| Step::End(failures, is_closed, times)),
            2 => Just(Step::Gather),
        ]
    }

    proptest! {
        #[test]
        fn brief_or_whole_a_meter_says_the_same(steps in proptest::collection::vec((0usize..3, any_step()), 0..40)) {
            let (mut second, mut minute, mut sum) = (Meters::default(), Meters::default(), Meters::default());
            let (mut seconds, mut minutes) = ([NONE; 3], [NONE; 3]);
            let mut expected = [(Meter::default(), Meter::default()); 3];
            for (place, step) in steps {
                let number = second.of(&mut seconds[place], place as u32);
                let meter = &mut expected[place].0;
                match step {
                    Step::Flow(traffic, rare) => {
                        second.add_flow(number, &traffic, rare.as_ref());
                        meter.traffic.add(&traffic.widen());
                        rare.iter().for_each(|rare| meter.add_rare(rare));
                    }
                    Step::Begin(times) => (0..times).for_each(|_| {
                        second.begin(number);
                        meter.new_flow += 1;
                    }),
                    Step::TakeBack => {
                        second.take_back(number);
                        meter.new_flow = meter.new_flow.saturating_sub(1);
                    }
                    Step::End(failures, is_closed, times) => (0..times).for_each(|_| {
                        second.end(number, failures.map(u32::from), is_closed);
                        meter.closed_flow += u32::from(is_closed);
                        for (mine, one) in meter.failures.iter_mut().zip(failures) {
                            *mine += u32::from(one);
                        }
                    }),
                    Step::Gather => {
                        for number in 0..second.len() {
                            let place = second.run(number)[0].place as usize;
                            prop_assert_eq!(second.get(number).meter(), expected[place].0);
                            minute.gather(&mut minutes[place], place as u32, second.get(number));
                        }
                        second.clear();
                        seconds = [NONE; 3];
                        for (of_second, of_minute) in &mut expected {
                            of_minute.add(&std::mem::take(of_second));
                        }
                    }
                }
            }
            let mut of_all = (NONE, Meter::default());
            for (place, (of_second, of_minute)) in expected.iter().enumerate() {
                for (meters, number, meter) in [(&second, seconds[place], of_second), (&minute, minutes[place], of_minute)] {
                    if number == NONE {
                        prop_assert_eq!(*meter, Meter::default());
                    } else {
                        prop_assert_eq!(meters.get(number).meter(), *meter);
                        sum.gather(&mut of_all.0, 9, meters.get(number));
                        of_all.1.add(meter);
                    }
                }
            }
            if of_all.0 != NONE {
                prop_assert_eq!(sum.get(of_all.0).meter(), of_all.1);
            }
        }
    }
}
