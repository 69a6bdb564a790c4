//! A meter in which nothing is large: of most pairs in most minutes.

use super::meter::{DELAYS, FAILURES, Measures, Meter};
use crate::flow::measure::{Delay, Rare, TCP_EVENTS, Traffic, Traffic32};

/// A [`Meter`] in which nothing is large, as of most pairs in most minutes. What is added is below half of what a number can be, and so is each
/// number before: nothing carries over, and a sum that is no longer below makes it a whole one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Brief {
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
    /// Of a place where nothing happened.
    pub const NOTHING: Brief = Brief {
        packet: [0; 2],
        words: [0; BYTES + DELAYS],
        maxima: [0; DELAYS],
        counts: [0; COUNTS],
    };

    /// Whether what a flow did can be added.
    #[inline]
    pub fn takes(traffic: &Traffic32, rare: Option<&Rare>) -> bool {
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
    pub fn add_flow(&mut self, traffic: &Traffic32, rare: Option<&Rare>) -> bool {
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
            self.sample(0, rare.rtt_us, u8::from(rare.rtt_us != 0), rare.rtt_us);
            for (at, delay) in (1..).zip(&rare.delays) {
                self.sample(at, delay.sum as u32, delay.count as u8, delay.max);
            }
        }
        self.is_small()
    }

    /// Counts a flow that begins. Whether it is still brief.
    #[inline]
    pub fn begin(&mut self) -> bool {
        self.counts[0] += 1;
        self.is_small()
    }

    /// Whether a flow that failed like this can be added.
    #[inline]
    pub fn takes_failures(failures: &[u32; FAILURES]) -> bool {
        failures.iter().all(|one| *one < COUNT)
    }

    /// Counts a flow that ends as it takes it. Whether it is still brief.
    #[inline]
    pub fn end(&mut self, failures: [u32; FAILURES], is_closed: bool) -> bool {
        self.counts[1] += u8::from(is_closed);
        for (mine, one) in self.counts[FAILED..].iter_mut().zip(failures) {
            *mine += one as u8;
        }
        self.is_small()
    }

    #[inline]
    fn sample(&mut self, at: usize, sum: u32, samples: u8, max: u32) {
        self.words[BYTES + at] += sum;
        self.counts[SAMPLES + at] += samples;
        self.maxima[at] = self.maxima[at].max(max);
    }

    /// Adds another. Whether it is still brief.
    #[inline]
    pub fn add(&mut self, other: &Brief) -> bool {
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
    pub fn whole(&self) -> Meter {
        Meter {
            traffic: self.traffic(),
            new_flow: self.new_flow(),
            closed_flow: self.closed_flow(),
            tcp: std::array::from_fn(|event| self.tcp(event)),
            delays: std::array::from_fn(|which| self.delay(which)),
            failures: std::array::from_fn(|which| self.failures(which)),
        }
    }
}

const _: () = assert!(COUNTS.is_multiple_of(8));

impl Measures for Brief {
    #[inline]
    fn any(of: &[&Brief]) -> Brief {
        fn merge<T: Copy + std::ops::BitOrAssign>(mine: &mut [T], theirs: &[T]) {
            mine.iter_mut().zip(theirs).for_each(|(mine, theirs)| *mine |= *theirs);
        }
        of.iter().fold(Brief::default(), |mut any, one| {
            merge(&mut any.packet, &one.packet);
            merge(&mut any.words, &one.words);
            merge(&mut any.maxima, &one.maxima);
            merge(&mut any.counts, &one.counts);
            any
        })
    }

    #[inline]
    fn traffic(&self) -> Traffic {
        let [sent, back, l3_sent, l3_back, l4_sent, l4_back, ..] = self.words.map(u64::from);
        Traffic {
            packet: self.packet.map(u64::from),
            byte: [sent, back],
            l3_byte: [l3_sent, l3_back],
            l4_byte: [l4_sent, l4_back],
        }
    }

    #[inline]
    fn new_flow(&self) -> u32 {
        u32::from(self.counts[0])
    }

    #[inline]
    fn closed_flow(&self) -> u32 {
        u32::from(self.counts[1])
    }

    #[inline]
    fn tcp(&self, event: usize) -> u32 {
        u32::from(self.counts[TCP + event])
    }

    #[inline]
    fn delay(&self, which: usize) -> Delay {
        Delay {
            sum: u64::from(self.words[BYTES + which]),
            count: u32::from(self.counts[SAMPLES + which]),
            max: self.maxima[which],
        }
    }

    #[inline]
    fn failures(&self, which: usize) -> u32 {
        u32::from(self.counts[FAILED + which])
    }
}
