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
    passage: Passage,
    /// Packets of the passage, which wait until time has gone on, and the records they are from.
    waiting: Option<Vec<(Packet, usize)>>,
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
            begun: 0,
            passage: Passage::default(),
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
        let (core, passage, bytes) = (&mut self.core, &mut self.passage, self.capture.bytes());
        let framed = |record: &Record, packet: Packet| Frame {
            packet,
            bytes: &bytes[record.at..record.at + record.len as usize],
            link: record.link,
            passing: Passing::Unknown,
        };
        if let Some(packets) = self.waiting.take() {
            let frames: Vec<_> = packets.iter().map(|(packet, at)| framed(&self.records[*at], *packet)).collect();
            if !core.pass(&frames, passage) {
                self.waiting = Some(packets);
                return false;
            }
        }
        // Places that are filled again and again: what a packet says is written once, to where it stays.
        let mut frames = [Frame::default(); BATCH];
        let mut places = [0; BATCH];
        while self.begun < self.records.len() {
            let some = self.begun..self.records.len().min(self.begun + BATCH);
            let mut count = 0;
            for (at, record) in some.clone().zip(&self.records[some.clone()]) {
                let frame = &bytes[record.at..record.at + record.len as usize];
                let (place, from) = (&mut frames[count], &mut places[count]);
                *from = at;
                // Two places that write: where both kinds of packet meet first, each is copied once more.
                match usual(record.link, frame, record.wire, record.time_us) {
                    Some(packet) => *place = framed(record, packet),
                    None => match every(record.link, frame, record.wire, record.time_us) {
                        Ok(packet) => *place = framed(record, packet),
                        Err(why) => {
                            core.stats.unparsed(why, record.len);
                            continue;
                        }
                    },
                }
                count += 1;
            }
            self.begun = some.end;
            let frames = &mut frames[..count];
            core.begin(frames, passage);
            if !core.pass(frames, passage) {
                self.waiting = Some(frames.iter().zip(places).map(|(frame, at)| (frame.packet, at)).collect());
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
