//! Capture files: pcap in all its magics, pcapng, either of them gzipped, from a file or a pipe.
//!
//! A file that was cut in the middle gives every whole record, and says in [`Counts`] what is missing.

mod classic;
mod ng;
mod source;
#[cfg(test)]
mod tests;

use crate::packet::Link;
use source::Source;
use std::io::{self, Read};
use std::path::Path;

/// One captured frame; its bytes are `Capture::bytes()[at..at + len]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    pub at: usize,
    pub len: u32,
    /// Length before it was cut, as the file claims.
    pub wire: u32,
    pub time_us: i64,
    pub link: Link,
}

/// What was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub records: u64,
    /// The file ends in the middle of a record.
    pub cut: u64,
    /// The file cannot be read on: a length that cannot be, a broken compressed stream.
    pub corrupt: u64,
}

/// Larger records do not exist: the largest are segments of offloaded TCP.
const MAX_RECORD: usize = 1 << 20;

/// Outcome of looking for the next record in the bytes at hand.
enum Next {
    Record(Record),
    /// Bytes that hold no frame were passed over.
    Skipped,
    /// This many bytes are needed to go on.
    More(usize),
    Corrupt,
}

enum Format {
    Classic(classic::Layout),
    Ng(ng::Sections),
}

/// An open capture.
pub struct Capture {
    source: Source,
    format: Format,
    pub counts: Counts,
}

impl Capture {
    /// # Errors
    /// What opening and reading give, and `InvalidData` where the file is no capture.
    pub fn open(path: &Path) -> io::Result<Capture> {
        Capture::from_reader(Box::new(std::fs::File::open(path)?))
    }

    /// # Errors
    /// As [`Capture::open`].
    pub fn from_reader(reader: Box<dyn Read + Send>) -> io::Result<Capture> {
        let mut source = Source::new(reader)?;
        source.fill(24)?;
        let head = source.bytes();
        let format = if let Some(layout) = classic::Layout::read(head) {
            source.pass(24);
            Format::Classic(layout)
        } else if ng::is_section(head) {
            Format::Ng(ng::Sections::default())
        } else {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "not a pcap or pcapng file"));
        };
        Ok(Capture {
            source,
            format,
            counts: Counts::default(),
        })
    }

    /// Puts up to `max` records into `records`, which is emptied first; none at the end. They refer to [`Capture::bytes`] until the next call.
    ///
    /// # Errors
    /// Reading failed.
    pub fn read(&mut self, records: &mut Vec<Record>, max: usize) -> io::Result<()> {
        records.clear();
        while records.len() < max {
            let next = match &mut self.format {
                Format::Classic(layout) => match layout.read_some(&mut self.source, records, max) {
                    Some(next) => next,
                    None => break,
                },
                Format::Ng(sections) => sections.next(&mut self.source),
            };
            match next {
                Next::Record(record) => records.push(record),
                Next::Skipped => {}
                Next::Corrupt => {
                    self.counts.corrupt += 1;
                    self.source.end();
                    break;
                }
                // Filling moves the bytes that the records at hand refer to.
                Next::More(_) if !records.is_empty() => break,
                Next::More(needed) => {
                    if !self.source.fill(needed)? {
                        self.counts.cut += u64::from(!self.source.bytes().is_empty());
                        self.counts.corrupt += u64::from(self.source.broken());
                        self.source.end();
                        break;
                    }
                }
            }
        }
        self.counts.records += records.len() as u64;
        Ok(())
    }

    /// What the records of the last `read` refer to.
    pub fn bytes(&self) -> &[u8] {
        self.source.held()
    }
}

/// An unsigned number in the writer's byte order.
#[derive(Clone, Copy, Default)]
struct Order {
    big: bool,
}

impl Order {
    fn u16(self, bytes: &[u8], at: usize) -> u16 {
        let word = bytes.get(at..at + 2).and_then(|word| word.try_into().ok()).unwrap_or([0; 2]);
        if self.big {
            u16::from_be_bytes(word)
        } else {
            u16::from_le_bytes(word)
        }
    }

    #[inline]
    fn u32(self, bytes: &[u8], at: usize) -> u32 {
        self.word(bytes.get(at..at + 4).and_then(|word| word.try_into().ok()).unwrap_or([0; 4]))
    }

    #[inline]
    fn word(self, word: [u8; 4]) -> u32 {
        if self.big {
            u32::from_be_bytes(word)
        } else {
            u32::from_le_bytes(word)
        }
    }
}
