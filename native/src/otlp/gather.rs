//! An open block per table: bodies go in one after the other, finished batches come out.

use super::bad::Rejected;
use super::inflate::{Encoding, Refused, inflate};
use super::keys::Keys;
use super::span::Foreign;
use super::traces::{self, Body};
use super::wire::Broken;
use crate::table::generated::{FLOW_LOG_L7_FLOW_LOG, L7FlowLog};
use crate::table::{Batch, Layout};

/// Why a body was not taken; nothing of it is kept.
#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    TooLarge,
    Malformed(String),
}

impl From<Broken> for Refusal {
    fn from(broken: Broken) -> Refusal {
        Refusal::Malformed(format!("{} at byte {}", broken.what, broken.offset))
    }
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Refusal {
        match refused {
            Refused::TooLarge => Refusal::TooLarge,
            Refused::Corrupt(what) => Refusal::Malformed(what.to_owned()),
        }
    }
}

/// Which tables a gather fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decoder {
    FlowLog,
    FlowMetrics,
}

/// Which request message a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    Traces,
    Logs,
}

/// How that message is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    Protobuf,
    Json,
}

/// What a request says about its body.
#[derive(Debug, Clone, Copy)]
pub struct Request {
    pub signal: Signal,
    pub content: Content,
    pub encoding: Encoding,
    pub batch_id: u64,
    pub now_us: i64,
    pub max_bytes: usize,
}

/// What became of one body.
#[derive(Debug, Default)]
pub struct Appended {
    pub rows: usize,
    pub rejected: Rejected,
}

/// The open blocks of one decoder.
pub struct Gather {
    decoder: Decoder,
    l7: L7FlowLog,
    span_keys: Keys,
    serial: u64,
}

/// The decompressed body as protobuf, whichever way it came; needs no open block and so can run beside others.
pub fn prepare<'a>(body: &'a [u8], request: &Request) -> Result<std::borrow::Cow<'a, [u8]>, Refusal> {
    Ok(inflate(body, request.encoding, request.max_bytes)?)
}

impl Gather {
    pub fn new(decoder: Decoder) -> Gather {
        Gather {
            decoder,
            l7: L7FlowLog::default(),
            span_keys: Keys::default(),
            serial: 0,
        }
    }

    /// Which tables it fills.
    pub fn decoder(&self) -> Decoder {
        self.decoder
    }

    /// Rows of all open blocks.
    pub fn rows(&self) -> usize {
        self.l7.rows()
    }

    /// Bytes held in the columns of all open blocks.
    pub fn nbytes(&mut self) -> usize {
        self.l7.nbytes()
    }

    /// Appends a prepared body: all of its rows that can be stored, or nothing.
    pub fn append(&mut self, body: &[u8], request: &Request) -> Result<Appended, Refusal> {
        let before = self.l7.rows();
        let mut appended = Appended::default();
        let pairs = self.l7.resource.values.keys.len();
        let about = Body {
            now_us: request.now_us,
            batch_id: request.batch_id,
            max_pairs: pairs + body.len() + 1024,
        };
        let mut foreign = Foreign::new(&mut self.span_keys, &mut self.serial);
        if let Err(broken) = traces::read(body, &about, &mut self.l7, &mut foreign, &mut appended.rejected, |_, _, _| {}) {
            self.l7.rollback(before);
            return Err(broken.into());
        }
        self.l7.batch_id.values.resize(self.l7.rows(), request.batch_id);
        appended.rows = self.l7.rows() - before;
        Ok(appended)
    }

    /// Everything appended so far, a batch for each table that has rows.
    pub fn take(&mut self) -> Vec<Batch> {
        self.span_keys = Keys::default();
        if self.l7.rows() == 0 {
            return Vec::new();
        }
        vec![Batch::take(&FLOW_LOG_L7_FLOW_LOG, &mut self.l7)]
    }
}
