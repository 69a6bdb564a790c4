//! L4 measures of one place in one interval.

use super::pool::List;
use crate::flow::measure::{self, Delay, Rare, TCP_EVENTS, Traffic};

/// `rtt` and the times of [`measure`].
pub const DELAYS: usize = measure::DELAYS + 1;
/// As [`crate::flow::state::failures`] orders them.
const FAILURES: usize = 5;

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

    fn add(&mut self, other: &Meter) {
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

/// A [`Meter`] in which nothing is large, as of most pairs in most minutes. What does not fit makes it a whole one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Brief {
    packet: [u16; 2],
    byte: [u32; 2],
    l3_byte: [u32; 2],
    l4_byte: [u32; 2],
    new_flow: u8,
    closed_flow: u8,
    tcp: [u8; TCP_EVENTS],
    failures: [u8; FAILURES],
    samples: [u8; DELAYS],
    sums: [u32; DELAYS],
    maxima: [u32; DELAYS],
}

/// Adds numbers of which each has to fit.
macro_rules! add_all {
    ($type:ty, $is_over:ident, $mine:expr, $theirs:expr) => {
        for (mine, theirs) in $mine.iter_mut().zip($theirs) {
            let (sum, over) = mine.overflowing_add(theirs);
            *mine = sum;
            $is_over |= over;
        }
    };
}

impl Brief {
    /// With the traffic of a flow, where that fits.
    #[inline]
    fn with_traffic(&self, traffic: &Traffic) -> Option<Brief> {
        let mut sum = *self;
        let mut is_over = traffic.packet[0] > 0x7fff || traffic.packet[1] > 0x7fff;
        // What is on the wire is more than what is in it.
        let high = traffic.byte[0] | traffic.byte[1] | traffic.l3_byte[0] | traffic.l3_byte[1] | traffic.l4_byte[0] | traffic.l4_byte[1];
        is_over |= high >> 32 != 0;
        add_all!(u16, is_over, sum.packet, traffic.packet.map(|count| count as u16));
        add_all!(u32, is_over, sum.byte, traffic.byte.map(|bytes| bytes as u32));
        add_all!(u32, is_over, sum.l3_byte, traffic.l3_byte.map(|bytes| bytes as u32));
        add_all!(u32, is_over, sum.l4_byte, traffic.l4_byte.map(|bytes| bytes as u32));
        (!is_over).then_some(sum)
    }

    #[inline]
    fn with_rare(&self, rare: &Rare) -> Option<Brief> {
        let mut sum = *self;
        let mut is_over = rare.tcp.iter().any(|count| *count > 0xff);
        add_all!(u8, is_over, sum.tcp, rare.tcp.map(|count| count as u8));
        if rare.rtt_us != 0 {
            let rtt = Delay {
                sum: u64::from(rare.rtt_us),
                count: 1,
                max: rare.rtt_us,
            };
            is_over |= sum.delay(0, &rtt);
        }
        for (at, delay) in (1..).zip(&rare.delays) {
            is_over |= sum.delay(at, delay);
        }
        (!is_over).then_some(sum)
    }

    /// Adds to one of the times; whether that was too much.
    #[inline]
    fn delay(&mut self, at: usize, delay: &Delay) -> bool {
        let (sum, sum_over) = self.sums[at].overflowing_add(delay.sum as u32);
        let (samples, samples_over) = self.samples[at].overflowing_add(delay.count as u8);
        (self.sums[at], self.samples[at]) = (sum, samples);
        self.maxima[at] = self.maxima[at].max(delay.max);
        sum_over | samples_over | (delay.sum >> 32 != 0) | (delay.count > 0xff)
    }

    #[inline]
    fn with(&self, other: &Brief) -> Option<Brief> {
        let (mut sum, mut is_over) = (*self, false);
        add_all!(u16, is_over, sum.packet, other.packet);
        add_all!(u32, is_over, sum.byte, other.byte);
        add_all!(u32, is_over, sum.l3_byte, other.l3_byte);
        add_all!(u32, is_over, sum.l4_byte, other.l4_byte);
        let mut flows = [sum.new_flow, sum.closed_flow];
        add_all!(u8, is_over, flows, [other.new_flow, other.closed_flow]);
        [sum.new_flow, sum.closed_flow] = flows;
        add_all!(u8, is_over, sum.tcp, other.tcp);
        add_all!(u8, is_over, sum.failures, other.failures);
        add_all!(u8, is_over, sum.samples, other.samples);
        add_all!(u32, is_over, sum.sums, other.sums);
        for (mine, theirs) in sum.maxima.iter_mut().zip(other.maxima) {
            *mine = theirs.max(*mine);
        }
        (!is_over).then_some(sum)
    }

    #[inline]
    fn whole(&self) -> Meter {
        Meter {
            traffic: Traffic {
                packet: self.packet.map(u64::from),
                byte: self.byte.map(u64::from),
                l3_byte: self.l3_byte.map(u64::from),
                l4_byte: self.l4_byte.map(u64::from),
            },
            new_flow: u32::from(self.new_flow),
            closed_flow: u32::from(self.closed_flow),
            tcp: self.tcp.map(u32::from),
            delays: std::array::from_fn(|at| Delay {
                sum: u64::from(self.sums[at]),
                count: u32::from(self.samples[at]),
                max: self.maxima[at],
            }),
            failures: self.failures.map(u32::from),
        }
    }
}

/// A place without measures in this interval; a meter that is brief.
pub const NONE: u32 = u32::MAX;

/// The meter of a place.
#[derive(Clone, Copy)]
struct Held {
    place: u32,
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
    pub fn add_flow(&mut self, number: u32, traffic: &Traffic, rare: Option<&Rare>) {
        let held = self.held.get_mut(number);
        if held.whole == NONE
            && let Some(sum) = held.brief.with_traffic(traffic)
            && let Some(sum) = rare.map_or(Some(sum), |rare| sum.with_rare(rare))
        {
            held.brief = sum;
            return;
        }
        let whole = self.whole(number);
        whole.traffic.add(traffic);
        if let Some(rare) = rare {
            whole.add_rare(rare);
        }
    }

    /// Counts a flow that begins.
    #[inline]
    pub fn begin(&mut self, number: u32) {
        let held = self.held.get_mut(number);
        if held.whole == NONE && held.brief.new_flow < u8::MAX {
            held.brief.new_flow += 1;
        } else {
            self.whole(number).new_flow += 1;
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
        let brief = &mut held.brief;
        let has_room = brief.closed_flow < u8::MAX
            && brief
                .failures
                .iter()
                .zip(failures)
                .all(|(mine, one)| u32::from(*mine) + one <= 0xff);
        if held.whole == NONE && has_room {
            brief.closed_flow += u8::from(is_closed);
            for (mine, one) in brief.failures.iter_mut().zip(failures) {
                *mine += one as u8;
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
    pub fn add(&mut self, number: u32, others: &Meters, other: u32) {
        let (mine, theirs) = (self.held.get_mut(number), others.held.get(other));
        if mine.whole == NONE
            && theirs.whole == NONE
            && let Some(sum) = mine.brief.with(&theirs.brief)
        {
            mine.brief = sum;
            return;
        }
        let theirs = others.get(other);
        self.whole(number).add(&theirs);
    }

    /// Adds a meter of others to that of a place, which may have none yet.
    #[inline]
    pub fn gather(&mut self, slot: &mut u32, place: u32, others: &Meters, other: u32) {
        if *slot != NONE {
            return self.add(*slot, others, other);
        }
        let theirs = others.held.get(other);
        *slot = self.put(place, theirs.brief);
        if theirs.whole != NONE {
            *self.whole(*slot) = *others.wholes.get(theirs.whole);
        }
    }

    /// What a meter says.
    #[inline]
    pub fn get(&self, number: u32) -> Meter {
        let held = self.held.get(number);
        if held.whole == NONE {
            held.brief.whole()
        } else {
            *self.wholes.get(held.whole)
        }
    }

    /// The place that a meter is of.
    #[inline]
    pub fn place(&self, number: u32) -> u32 {
        self.held.get(number).place
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

    fn any_traffic() -> impl Strategy<Value = Traffic> {
        let both = || proptest::array::uniform2(count());
        (both(), both(), both(), both()).prop_map(|(packet, byte, l3_byte, l4_byte)| Traffic {
            packet,
            byte,
            l3_byte,
            l4_byte,
        })
    }

    #[derive(Clone, Debug)]
    enum Step {
        Flow(Traffic, Option<Rare>),
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
                        meter.traffic.add(&traffic);
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
                            let place = second.place(number) as usize;
                            prop_assert_eq!(second.get(number), expected[place].0);
                            minute.gather(&mut minutes[place], place as u32, &second, number);
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
                        prop_assert_eq!(meters.get(number), *meter);
                        sum.gather(&mut of_all.0, 9, meters, number);
                        of_all.1.add(meter);
                    }
                }
            }
            if of_all.0 != NONE {
                prop_assert_eq!(sum.get(of_all.0), of_all.1);
            }
        }
    }
}
