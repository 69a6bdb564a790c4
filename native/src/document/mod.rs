//! Documents: what each end, and each pair of ends, did in a second and in a minute.
//!
//! A flow holds the number of its pair, so adding to a document costs no lookup. Pairs and ends stay while flows of theirs are alive;
//! their measures exist only for intervals in which something happened.

mod application;
mod brief;
mod ends;
mod meter;
mod network;
mod places;
mod pool;
pub(crate) mod rows;
mod writing;

pub use application::{L7Key, L7Meter};
pub use places::PairKey;

use crate::flow::measure::{Rare, Traffic32};
use application::Applications;
use ends::EndMeters;
use meter::Meters;
use places::Places;
use writing::Writing;

/// The two intervals, as indices.
pub const SECOND: usize = 0;
pub const MINUTE: usize = 1;

/// Documents of the second and of the minute that are going on.
#[derive(Default)]
pub struct Documents {
    places: Places,
    /// By interval.
    pairs: [Meters; 2],
    /// Of the interval that is being written; empty between.
    ends: EndMeters,
    applications: [Applications; 2],
    /// Which documents are being written, and how far.
    writing: Option<Writing>,
    /// Bytes freed since somebody asked.
    freed: usize,
}

impl Documents {
    /// The pair of a new flow, which is counted as alive from now on.
    pub fn open(&mut self, key: &PairKey) -> u32 {
        let pair = self.places.open(key);
        let meter = self.meter(pair);
        self.pairs[SECOND].begin(meter);
        pair
    }

    /// The pair of a flow that began in this second, the other way round; `server_port` is that of the new server.
    pub fn turn(&mut self, pair: u32, server_port: u16) -> u32 {
        let old = self.key(pair);
        // Seen at the client is seen at the server now.
        let observation_point = [0, 2, 1, 3][usize::from(old.observation_point & 3)];
        let turned = self.open(&PairKey {
            client: old.server,
            server: old.client,
            server_port,
            observation_point,
            ..old
        });
        let meter = self.meter(pair);
        self.pairs[SECOND].take_back(meter);
        self.places.close(pair);
        turned
    }

    /// One flow less is alive.
    pub fn close(&mut self, pair: u32, failures: [u32; 5], is_closed: bool) {
        let meter = self.meter(pair);
        self.pairs[SECOND].end(meter, failures, is_closed);
        self.places.close(pair);
    }

    /// Keeps a pair although its flow is over, because rows of it are still to come.
    pub fn hold(&mut self, pair: u32) {
        self.places.hold(pair);
    }

    /// Ends a [`Documents::hold`].
    pub fn release(&mut self, pair: u32) {
        self.places.release(pair);
    }

    /// Asks for a pair before it is needed.
    #[inline]
    pub fn prefetch(&self, pair: u32) {
        crate::flow::prefetch(&self.places.pairs.get(pair).meters);
    }

    /// Adds what a flow did in this second.
    pub fn add(&mut self, pair: u32, traffic: &Traffic32, rare: Option<&Rare>) {
        let meter = self.meter(pair);
        self.pairs[SECOND].add_flow(meter, traffic, rare);
    }

    /// The number of a pair's meter of the second.
    #[inline]
    fn meter(&mut self, pair: u32) -> u32 {
        self.pairs[SECOND].of(&mut self.places.pairs.get_mut(pair).meters[SECOND], pair)
    }

    /// Counts one finished request.
    #[inline]
    pub fn add_l7(&mut self, pair: u32, protocol: u8, endpoint: &str, counts: &L7Meter) {
        self.applications[SECOND].add(pair, protocol, endpoint, counts);
    }

    /// What the rows of a pair have in common.
    #[inline(always)]
    pub fn key(&self, pair: u32) -> PairKey {
        self.places.key(self.places.pairs.get(pair).ends)
    }

    /// Bytes that ends of minutes have freed since this was asked last.
    pub fn take_freed(&mut self) -> usize {
        std::mem::take(&mut self.freed)
    }

    /// Pairs held.
    pub fn pairs(&self) -> usize {
        self.places.len()
    }

    pub fn bytes(&self) -> usize {
        self.places.bytes()
            + self.pairs.iter().map(Meters::bytes).sum::<usize>()
            + self.ends.bytes()
            + self.applications.iter().map(Applications::bytes).sum::<usize>()
    }

    /// Requests counted without their endpoint, because there were too many different ones.
    pub fn endpoints_merged(&self) -> u64 {
        self.applications.iter().map(|applications| applications.merged).sum()
    }
}
