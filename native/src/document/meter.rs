//! L4 measures of one place in one interval.

use super::pool::List;
use crate::flow::measure::{self, Delay, Rare, TCP_EVENTS, Traffic, Traffic32};

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

/// A [`Meter`] in which nothing is large, as of most pairs in most minutes. What is added is below half of what a number can be, and so is each
/// number before: nothing carries over, and a sum that is no longer below makes it a whole one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Brief {
    packet: [u16; 2],
    /// Bytes, of layer 3 and of layer 4; then the sums of the times.
    words: [u32; BYTES + DELAYS],
    maxima: [u32; DELAYS],
    /// New and closed flows, TCP events, failures, samples of the times.
    counts: [u8; COUNTS],
}

const BYTES: usize = 6;
const TCP: usize = 2;
const FAILED: usize = TCP + TCP_EVENTS;
const SAMPLES: usize = FAILED + FAILURES;
const COUNTS: usize = SAMPLES + DELAYS;
/// What each number is below.
const WORD: u32 = 1 << 31;
const COUNT: u32 = 1 << 7;
const PACKETS: u32 = 1 << 15;
/// The bit of each of eight counts that says that it is not.
const FULL_COUNTS: u64 = u64::from_ne_bytes([COUNT as u8; 8]);

impl Brief {
    /// Whether what a flow did can be added.
    #[inline]
    fn takes(traffic: &Traffic32, rare: Option<&Rare>) -> bool {
        let words = traffic.byte[0] | traffic.byte[1] | traffic.l3_byte[0] | traffic.l3_byte[1] | traffic.l4_byte[0] | traffic.l4_byte[1];
        let is_small = (traffic.packet[0] | traffic.packet[1]) < PACKETS && words < WORD;
        is_small
            && rare.is_none_or(|rare| {
                let counts = rare.tcp.iter().fold(0, |all, count| all | count);
                let counts = rare.delays.iter().fold(counts, |all, delay| all | delay.count);
                let words = rare.delays.iter().fold(0, |all, delay| all | delay.sum | u64::from(delay.max));
                counts < COUNT && words < u64::from(WORD) && rare.rtt_us < WORD
            })
    }

    /// Adds what it takes. Whether it is still brief.
    #[inline]
    fn add_flow(&mut self, traffic: &Traffic32, rare: Option<&Rare>) -> bool {
        let [byte, l3_byte, l4_byte] = [traffic.byte, traffic.l3_byte, traffic.l4_byte];
        let bytes = [byte[0], byte[1], l3_byte[0], l3_byte[1], l4_byte[0], l4_byte[1]];
        for (mine, theirs) in self.packet.iter_mut().zip(traffic.packet) {
            *mine += theirs as u16;
        }
        for (mine, theirs) in self.words.iter_mut().zip(bytes) {
            *mine += theirs;
        }
        if let Some(rare) = rare {
            for (mine, theirs) in self.counts[TCP..].iter_mut().zip(rare.tcp) {
                *mine += theirs as u8;
            }
            self.delay(0, rare.rtt_us, u8::from(rare.rtt_us != 0), rare.rtt_us);
            for (at, delay) in (1..).zip(&rare.delays) {
                self.delay(at, delay.sum as u32, delay.count as u8, delay.max);
            }
        }
        self.is_small()
    }

    #[inline]
    fn delay(&mut self, at: usize, sum: u32, samples: u8, max: u32) {
        self.words[BYTES + at] += sum;
        self.counts[SAMPLES + at] += samples;
        self.maxima[at] = self.maxima[at].max(max);
    }

    /// Adds another. Whether it is still brief.
    #[inline]
    fn add(&mut self, other: &Brief) -> bool {
        for (mine, theirs) in self.packet.iter_mut().zip(other.packet) {
            *mine += theirs;
        }
        for (mine, theirs) in self.words.iter_mut().zip(other.words) {
            *mine += theirs;
        }
        for (mine, theirs) in self.maxima.iter_mut().zip(other.maxima) {
            *mine = (*mine as i32).max(theirs as i32) as u32;
        }
        for (mine, theirs) in self.counts.iter_mut().zip(other.counts) {
            *mine += theirs;
        }
        self.is_small()
    }

    /// Whether others can be added.
    #[inline]
    fn is_small(&self) -> bool {
        let words = self.words.iter().fold(0, |all, word| all | word);
        let (counts, _) = self.counts.as_chunks::<8>();
        let counts = counts.iter().fold(0, |all, some| all | u64::from_ne_bytes(*some));
        words < WORD && counts & FULL_COUNTS == 0 && u32::from(self.packet[0] | self.packet[1]) < PACKETS
    }

    #[inline]
    fn whole(&self) -> Meter {
        let [sent, back, l3_sent, l3_back, l4_sent, l4_back, ..] = self.words.map(u64::from);
        let count = |at: usize| u32::from(self.counts[at]);
        Meter {
            traffic: Traffic {
                packet: self.packet.map(u64::from),
                byte: [sent, back],
                l3_byte: [l3_sent, l3_back],
                l4_byte: [l4_sent, l4_back],
            },
            new_flow: count(0),
            closed_flow: count(1),
            tcp: std::array::from_fn(|at| count(TCP + at)),
            delays: std::array::from_fn(|at| Delay {
                sum: u64::from(self.words[BYTES + at]),
                count: count(SAMPLES + at),
                max: self.maxima[at],
            }),
            failures: std::array::from_fn(|at| count(FAILED + at)),
        }
    }
}

const _: () = assert!(COUNTS.is_multiple_of(8));

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
        held.brief.counts[0] += 1;
        if !held.brief.is_small() {
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
        if held.whole == NONE && failures.iter().all(|one| *one < COUNT) {
            held.brief.counts[1] += u8::from(is_closed);
            for (mine, one) in held.brief.counts[FAILED..].iter_mut().zip(failures) {
                *mine += one as u8;
            }
            if !held.brief.is_small() {
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
    pub fn add(&mut self, number: u32, others: &Meters, other: u32) {
        let (mine, theirs) = (self.held.get_mut(number), others.held.get(other));
        if mine.whole == NONE && theirs.whole == NONE {
            if !mine.brief.add(&theirs.brief) {
                self.whole(number);
            }
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
