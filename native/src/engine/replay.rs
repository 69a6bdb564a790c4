//! A capture file through the engine.

use super::{BATCH, Config, Core, Frame, Passing};
use crate::custom::{Endpoint, Health};
use crate::packet::parse;
use crate::pcap::{Capture, Record};
use crate::table::Batch;
use std::io;
use std::path::Path;

/// Records read at a time.
const RECORDS: usize = 4096;

/// Gives the rows of a capture batch by batch; what it holds is bounded.
pub struct Replay {
    capture: Capture,
    core: Core,
    records: Vec<Record>,
    done: bool,
}

impl Replay {
    /// # Errors
    /// What opening the file gives; `InvalidData` where it is no capture.
    pub fn open(path: &Path, config: Config, protocols: Vec<Endpoint>) -> io::Result<Replay> {
        // Whoever asks for the next batch takes it, so nothing has to be dropped.
        let config = Config {
            max_ready_bytes: usize::MAX,
            ..config
        };
        let mut core = Core::new(config, false);
        let capture = Capture::open(path)?;
        protocols.into_iter().for_each(|endpoint| core.connect_protocol(endpoint));
        Ok(Replay {
            capture,
            core,
            records: Vec::with_capacity(RECORDS),
            done: false,
        })
    }

    /// The next rows; none at the end.
    ///
    /// # Errors
    /// Reading failed.
    pub fn next_batch(&mut self) -> io::Result<Option<Batch>> {
        while !self.core.output.has_ready() && !self.done {
            self.capture.read(&mut self.records, RECORDS)?;
            if self.records.is_empty() {
                self.done = true;
                self.core.stats.capture_cut = self.capture.counts.cut;
                self.core.stats.capture_corrupt = self.capture.counts.corrupt;
                self.core.finish(false);
            }
            feed(&mut self.core, &self.records, self.capture.bytes());
        }
        Ok(self.core.output.take())
    }

    /// How the processes are that read protocols.
    pub fn protocol_health(&self) -> Vec<(u16, Health)> {
        self.core.protocol_health()
    }

    pub fn counters(&self) -> Vec<(&'static str, u64)> {
        self.core.counters()
    }
}

/// Feeds the records of one read.
fn feed(core: &mut Core, records: &[Record], bytes: &[u8]) {
    for records in records.chunks(BATCH) {
        let mut frames: Vec<Frame<'_>> = Vec::with_capacity(BATCH);
        for record in records {
            let frame = &bytes[record.at..record.at + record.len as usize];
            match parse(record.link, frame, record.wire, record.time_us) {
                Ok(packet) => frames.push(Frame {
                    packet,
                    bytes: frame,
                    link: record.link,
                    passing: Passing::Unknown,
                }),
                Err(why) => core.stats.unparsed(why, record.len),
            }
        }
        core.frames(&mut frames);
    }
}
