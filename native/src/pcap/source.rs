//! Bytes from a file or pipe, unpacked where they are gzipped, in one buffer that slides.

use flate2::bufread::MultiGzDecoder;
use std::io::{self, BufReader, Cursor, Read};

/// Small enough that what was read is still in the cache of the core when it is looked at.
const BUFFER: usize = 1 << 17;

pub(super) struct Source {
    reader: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    begin: usize,
    end: usize,
    done: bool,
    broken: bool,
}

impl Source {
    pub(super) fn new(mut reader: Box<dyn Read + Send>) -> io::Result<Source> {
        let mut magic = [0; 2];
        let mut got = 0;
        while got < 2 {
            match reader.read(&mut magic[got..])? {
                0 => break,
                count => got += count,
            }
        }
        let whole = Cursor::new(magic).take(got as u64).chain(reader);
        let reader: Box<dyn Read + Send> = if magic == [0x1f, 0x8b] {
            Box::new(MultiGzDecoder::new(BufReader::with_capacity(BUFFER, whole)))
        } else {
            Box::new(whole)
        };
        Ok(Source {
            reader,
            buffer: vec![0; BUFFER],
            begin: 0,
            end: 0,
            done: false,
            broken: false,
        })
    }

    /// What has been read and not passed.
    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer[self.begin..self.end]
    }

    /// All that is in memory, also what was passed; offsets from [`Source::pass`] refer to it.
    pub(super) fn held(&self) -> &[u8] {
        &self.buffer[..self.end]
    }

    /// Where [`Source::bytes`] begins in [`Source::held`].
    #[inline]
    pub(super) fn passed(&self) -> usize {
        self.begin
    }

    /// Goes `count` bytes on; gives the offset of the first of them in [`Source::held`].
    #[inline]
    pub(super) fn pass(&mut self, count: usize) -> usize {
        let at = self.begin;
        self.begin = (at + count).min(self.end);
        at
    }

    /// Reads until `needed` bytes are there; false where they will never be.
    pub(super) fn fill(&mut self, needed: usize) -> io::Result<bool> {
        if self.end - self.begin < needed {
            self.buffer.copy_within(self.begin..self.end, 0);
            self.end -= self.begin;
            self.begin = 0;
            if self.buffer.len() < needed {
                self.buffer.resize(needed.next_power_of_two(), 0);
            }
        }
        while self.end - self.begin < needed && !self.done {
            match self.reader.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.done = true,
                Ok(count) => self.end += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // A compressed stream that stops or is damaged: what was unpacked counts.
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData
                    ) =>
                {
                    self.done = true;
                    self.broken = true;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(self.end - self.begin >= needed)
    }

    /// Whether the compressed stream was damaged or cut.
    pub(super) fn broken(&self) -> bool {
        self.broken
    }

    /// Nothing more is read.
    pub(super) fn end(&mut self) {
        self.done = true;
        self.broken = false;
        self.begin = self.end;
    }
}
