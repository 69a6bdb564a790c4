//! Capture files of every kind, read at once and in small pieces: the same records.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read};
use weir_fuzz::budget::Budget;
use weir_native::pcap::{Capture, Counts};

/// A gzipped file can be a thousand times as large as it looks.
const MAX_RECORDS: u64 = 20_000;
const MAX_BYTES: u64 = 8 << 20;

/// Gives at most `most` bytes at a time.
struct Pieces {
    bytes: io::Cursor<Vec<u8>>,
    most: usize,
}

impl Read for Pieces {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = self.most.min(into.len());
        self.bytes.read(&mut into[..most])
    }
}

/// Every record as a number, and what was counted.
fn read(input: &[u8], most: usize) -> Option<(u64, Counts, u64)> {
    let reader = Pieces {
        bytes: io::Cursor::new(input.to_vec()),
        most,
    };
    let mut capture = Capture::from_reader(Box::new(reader)).ok()?;
    let (mut digest, mut records, mut bytes) = (DefaultHasher::new(), Vec::new(), 0u64);
    while capture.counts.records < MAX_RECORDS && bytes < MAX_BYTES {
        // One at a time: how many come at once depends on what was there to be read.
        if capture.read(&mut records, 1).is_err() || records.is_empty() {
            break;
        }
        for record in &records {
            let frame = &capture.bytes()[record.at..record.at + record.len as usize];
            bytes += frame.len() as u64 + 16;
            (frame, record.wire, record.time_us, format!("{:?}", record.link)).hash(&mut digest);
        }
    }
    Some((digest.finish(), capture.counts, bytes))
}

fuzz_target!(|input: &[u8]| {
    let budget = Budget::begin((16 << 20) + 4 * input.len(), input);
    let whole = read(input, usize::MAX);
    assert_eq!(read(input, 7), whole, "read in pieces, other records came out");
    budget.end(whole.is_some_and(|(_, counts, _)| counts.records > 0));
});
