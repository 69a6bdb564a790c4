//! The rows of a capture as the logs of another program: lines of text, file by file.

use super::{eve::Eve, zeek::Zeek};
use crate::table::Batch;

/// Lines for the end of one file.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Lines {
    pub file: &'static str,
    pub text: Vec<u8>,
    /// Records in it; a line may be no record.
    pub records: usize,
}

/// Whose logs they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Zeek,
    Eve,
}

/// Makes the lines of one capture. One row of `l4_flow_log` becomes one record: the rows of each minute are not wanted.
pub struct Logs {
    kind: Kind,
    /// Rows of requests that these logs have no place for.
    pub left_out: u64,
}

enum Kind {
    Zeek(Zeek),
    Eve(Eve),
}

impl Logs {
    /// `now_s` is the time at which the logs say that they were opened.
    pub fn new(dialect: Dialect, now_s: i64) -> Logs {
        Logs {
            kind: match dialect {
                Dialect::Zeek => Kind::Zeek(Zeek::new(now_s)),
                Dialect::Eve => Kind::Eve(Eve::default()),
            },
            left_out: 0,
        }
    }

    /// The lines of `batch`, which are to be appended to their files; none for tables that these logs know nothing of.
    pub fn lines(&mut self, batch: &Batch) -> Vec<Lines> {
        let (lines, left_out) = match &mut self.kind {
            Kind::Zeek(zeek) => zeek.lines(batch),
            Kind::Eve(eve) => eve.lines(batch),
        };
        self.left_out += left_out;
        lines
    }

    /// What ends the files.
    pub fn end(&mut self, now_s: i64) -> Vec<Lines> {
        match &mut self.kind {
            Kind::Zeek(zeek) => zeek.end(now_s),
            Kind::Eve(_) => Vec::new(),
        }
    }
}
