//! A capture file through the engine.

use super::{BATCH, Config, Core, Frame, Passage, Passing};
use crate::custom::{Endpoint, Health};
use crate::packet::{Packet, every, usual};
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
    /// Records of which the engine has the packets, or some of them.
    begun: usize,
    waiting: Option<Waiting>,
    done: bool,
}

/// Packets that wait until time has gone on, and the records they are from.
struct Waiting {
    packets: Vec<(Packet, usize)>,
    passage: Passage,
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
            begun: 0,
            waiting: None,
            done: false,
        })
    }

    /// The next rows; none at the end.
    ///
    /// # Errors
    /// Reading failed.
    pub fn next_batch(&mut self) -> io::Result<Option<Batch>> {
        while !self.core.output.has_ready() {
            if self.core.go_on() {
                continue;
            }
            if self.done {
                break;
            }
            if self.feed() {
                self.read()?;
            }
        }
        Ok(self.core.output.take())
    }

    /// Reads the next records, or ends.
    fn read(&mut self) -> io::Result<()> {
        self.capture.read(&mut self.records, RECORDS)?;
        self.begun = 0;
        if self.records.is_empty() {
            self.done = true;
            self.core.stats.capture_cut = self.capture.counts.cut;
            self.core.stats.capture_corrupt = self.capture.counts.corrupt;
            self.core.begin_finish(false);
        }
        Ok(())
    }

    /// Feeds what was read, up to where time has to go on first. Whether that was all.
    fn feed(&mut self) -> bool {
        let (core, bytes) = (&mut self.core, self.capture.bytes());
        let framed = |record: &Record, packet: Packet| Frame {
            packet,
            bytes: &bytes[record.at..record.at + record.len as usize],
            link: record.link,
            passing: Passing::Unknown,
        };
        if let Some(Waiting { packets, mut passage }) = self.waiting.take() {
            let frames: Vec<_> = packets.iter().map(|(packet, at)| framed(&self.records[*at], *packet)).collect();
            if !core.pass(&frames, &mut passage) {
                self.waiting = Some(Waiting { packets, passage });
                return false;
            }
        }
        let mut frames: Vec<Frame<'_>> = Vec::with_capacity(BATCH);
        let mut places = [0; BATCH];
        while self.begun < self.records.len() {
            frames.clear();
            let some = self.begun..self.records.len().min(self.begun + BATCH);
            self.begun = some.end;
            for at in some {
                let record = &self.records[at];
                let frame = &bytes[record.at..record.at + record.len as usize];
                places[frames.len()] = at;
                // Two places that push: where both kinds of packet meet first, each is copied once more.
                match usual(record.link, frame, record.wire, record.time_us) {
                    Some(packet) => frames.push(framed(record, packet)),
                    None => match every(record.link, frame, record.wire, record.time_us) {
                        Ok(packet) => frames.push(framed(record, packet)),
                        Err(why) => core.stats.unparsed(why, record.len),
                    },
                }
            }
            let mut passage = core.begin(&mut frames);
            if !core.pass(&frames, &mut passage) {
                let packets = frames.iter().zip(places).map(|(frame, at)| (frame.packet, at)).collect();
                self.waiting = Some(Waiting { packets, passage });
                return false;
            }
        }
        true
    }

    /// How the processes are that read protocols.
    pub fn protocol_health(&self) -> Vec<(u16, Health)> {
        self.core.protocol_health()
    }

    pub fn counters(&self) -> Vec<(&'static str, u64)> {
        self.core.counters()
    }
}
