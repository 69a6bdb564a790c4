//! Documents: what each end, and each pair of ends, did in a second and in a minute.
//!
//! A flow holds the number of its pair, so adding to a document costs no lookup. Pairs and ends stay while flows of theirs are alive;
//! their measures exist only for intervals in which something happened.

mod application;
mod meter;
mod network;
mod places;
pub(crate) mod rows;

pub use application::{L7Key, L7Meter};
pub use meter::{DELAYS, Meter};
pub use places::{End, Pair, PairKey};

use crate::engine::Output;
use crate::flow::measure::Rare;
use application::Applications;
use meter::Meters;
use places::Places;

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
    ends: Meters,
    applications: [Applications; 2],
}

impl Documents {
    /// The pair of a new flow, which is counted as alive from now on.
    pub fn open(&mut self, key: &PairKey) -> u32 {
        let pair = self.places.open(key);
        self.meter(pair).new_flow += 1;
        pair
    }

    /// The pair of a flow that began in this second, the other way round; `server_port` is that of the new server.
    pub fn turn(&mut self, pair: u32, server_port: u16) -> u32 {
        let old = self.places.pairs[pair as usize].key;
        // Seen at the client is seen at the server now.
        let observation_point = [0, 2, 1, 3][usize::from(old.observation_point & 3)];
        let turned = self.open(&PairKey {
            client: old.server,
            server: old.client,
            server_port,
            observation_point,
            ..old
        });
        let old = self.meter(pair);
        old.new_flow = old.new_flow.saturating_sub(1);
        self.places.close(pair);
        turned
    }

    /// One flow less is alive.
    pub fn close(&mut self, pair: u32, failures: [u32; 5], is_closed: bool) {
        let meter = self.meter(pair);
        meter.closed_flow += u32::from(is_closed);
        for (mine, one) in meter.failures.iter_mut().zip(failures) {
            *mine += one;
        }
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

    /// Adds what a flow did in this second.
    pub fn add(&mut self, pair: u32, traffic: &crate::flow::measure::Traffic, rare: Option<&Rare>) {
        let meter = self.meter(pair);
        meter.traffic.add(traffic);
        if let Some(rare) = rare {
            meter.add_rare(rare);
        }
    }

    fn meter(&mut self, pair: u32) -> &mut Meter {
        self.pairs[SECOND].of(&mut self.places.pairs[pair as usize].meters[SECOND], pair)
    }

    /// Counts one finished request.
    #[inline]
    pub fn add_l7(&mut self, pair: u32, protocol: u8, endpoint: &str, counts: &L7Meter) {
        self.applications[SECOND].add(pair, protocol, endpoint, counts);
    }

    /// Writes the documents of the second that began at `time_s`, and adds them to those of the minute.
    pub fn end_second(&mut self, time_s: u32, output: &mut Output) {
        let mut seconds = std::mem::take(&mut self.pairs[SECOND]);
        for (pair, meter) in seconds.iter() {
            let slot = &mut self.places.pairs[pair as usize].meters[MINUTE];
            self.pairs[MINUTE].of(slot, pair).add(meter);
        }
        let [second, minute] = &mut self.applications;
        minute.gather(second);
        self.write(SECOND, &mut seconds, time_s, output);
        self.pairs[SECOND] = seconds;
    }

    /// Writes the documents of the minute that began at `time_s`, and forgets pairs without flows. The second has ended before.
    pub fn end_minute(&mut self, time_s: u32, output: &mut Output) {
        let mut minutes = std::mem::take(&mut self.pairs[MINUTE]);
        self.write(MINUTE, &mut minutes, time_s, output);
        self.pairs[MINUTE] = minutes;
        self.places.sweep();
    }

    fn write(&mut self, interval: usize, meters: &mut Meters, time_s: u32, output: &mut Output) {
        if output.documents() {
            network::write(&mut self.places, meters, &mut self.ends, (interval, time_s), output);
            if interval == MINUTE {
                // A flow that said nothing for a minute is still there: `flow_load` counts it.
                network::write_idle(&self.places, interval, time_s, output);
            }
            network::forget(&mut self.places, &mut self.ends);
            self.applications[interval].write(&self.places, interval, time_s, output);
        }
        self.applications[interval].clear();
        for (pair, _) in meters.iter() {
            self.places.pairs[pair as usize].meters[interval] = meter::NONE;
        }
        meters.clear();
    }

    pub fn pair(&self, pair: u32) -> &Pair {
        &self.places.pairs[pair as usize]
    }

    /// Pairs held.
    pub fn pairs(&self) -> usize {
        self.places.len()
    }

    pub fn bytes(&self) -> usize {
        self.places.bytes()
            + self.pairs.iter().chain([&self.ends]).map(Meters::bytes).sum::<usize>()
            + self.applications.iter().map(Applications::bytes).sum::<usize>()
    }

    /// Requests counted without their endpoint, because there were too many different ones.
    pub fn endpoints_merged(&self) -> u64 {
        self.applications.iter().map(|applications| applications.merged).sum()
    }
}
