//! An open block per table: bodies go in one after the other, finished batches come out.

use super::bad::{Bad, Rejected};
use super::columns::{Columns, Places};
use super::inflate::{Encoding, Refused, inflate};
use super::json;
use super::keys::Keys;
use super::logs::{self, Target};
use super::resource::Resource;
use super::span::Foreign;
use super::traces::{self, Body};
use super::wire::{Broken, Reader};
use crate::column::ColumnMut;
use crate::table::generated::{
    Application, ApplicationMap, FLOW_LOG_L4_FLOW_LOG, FLOW_LOG_L7_FLOW_LOG, FLOW_METRICS_APPLICATION_1M, FLOW_METRICS_APPLICATION_1S,
    FLOW_METRICS_APPLICATION_MAP_1M, FLOW_METRICS_APPLICATION_MAP_1S, FLOW_METRICS_NETWORK_1M, FLOW_METRICS_NETWORK_1S,
    FLOW_METRICS_NETWORK_MAP_1M, FLOW_METRICS_NETWORK_MAP_1S, L4FlowLog, L7FlowLog, Network, NetworkMap,
};
use crate::table::{Batch, Layout, TableDef};
use crate::tag::{Shared, TagRow, Tagger};
use std::borrow::Cow;
use std::sync::Arc;

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

/// The open rows of one table.
struct Open<L> {
    table: &'static TableDef,
    rows: L,
    places: Places,
    /// Keys of rows that Weir's agents made.
    keys: Keys,
    serial: u64,
    /// Rows before the body that is being read.
    before: usize,
}

impl<L: Layout> Open<L> {
    fn new(table: &'static TableDef) -> Open<L> {
        Open {
            table,
            rows: L::default(),
            places: Places::of::<L>(),
            keys: Keys::default(),
            serial: 0,
            before: 0,
        }
    }
}

/// What surrounds a record.
struct About<'a> {
    body: &'a Body,
    resource: &'a Resource,
}

/// A table's open rows, whichever table it is.
trait Block: Send {
    fn name(&self) -> &'static str;
    fn rows(&self) -> usize;
    fn nbytes(&mut self) -> usize;
    /// A body begins.
    fn begin(&mut self);
    /// The body was broken: forgets what came of it.
    fn undo(&mut self);
    /// The body is read: marks its rows and says how many there are.
    fn done(&mut self, batch_id: u64) -> usize;
    fn record(&mut self, record: Reader<'_>, about: &About<'_>, tagger: Option<&mut Tagger>) -> Result<Result<(), Bad>, Broken>;
    fn take(&mut self) -> Option<Batch>;
}

impl<L: Layout + TagRow> Block for Open<L> {
    fn name(&self) -> &'static str {
        self.table.name
    }

    fn rows(&self) -> usize {
        self.rows.rows()
    }

    fn nbytes(&mut self) -> usize {
        self.rows.nbytes()
    }

    fn begin(&mut self) {
        self.before = self.rows.rows();
    }

    fn undo(&mut self) {
        // Also where no row was finished: what was written of the one that broke must not go to the next.
        self.rows.rollback(self.before);
    }

    fn done(&mut self, batch_id: u64) -> usize {
        let rows = self.rows.rows();
        let last = L::COLUMNS.len() - 1;
        if let ColumnMut::U64(column) = self.rows.column_mut(last) {
            // The declaration puts `batch_id` last, and the sender has no say in it.
            column.values.truncate(self.before);
            column.values.resize(rows, batch_id);
        }
        rows - self.before
    }

    fn record(&mut self, mut record: Reader<'_>, about: &About<'_>, tagger: Option<&mut Tagger>) -> Result<Result<(), Bad>, Broken> {
        let mut columns = Columns::new(&self.places, &mut self.keys, &mut self.serial);
        let row = self.rows.rows();
        let mut time_ns = 0;
        while let Some(field) = record.tag()? {
            match field {
                logs::ATTRIBUTE => columns.read(&mut self.rows, record.message()?)?,
                logs::TIME => time_ns = record.fixed64()?,
                other => record.skip(other)?,
            }
        }
        let closed = columns.close(&mut self.rows, time_ns, time_ns, about.resource, about.body.now_us);
        match closed {
            Ok(()) => {
                self.rows.commit();
                if let Some(tagger) = tagger {
                    self.rows.tag(row, about.resource.vpc_id, tagger);
                }
            }
            Err(_) => self.rows.rollback(row),
        }
        Ok(closed)
    }

    fn take(&mut self) -> Option<Batch> {
        self.keys = Keys::default();
        (self.rows.rows() > 0).then(|| Batch::take(self.table, &mut self.rows))
    }
}

/// The open blocks of one decoder.
pub struct Gather {
    decoder: Decoder,
    l4: Open<L4FlowLog>,
    l7: Open<L7FlowLog>,
    /// Keys of spans of foreign senders.
    foreign: Keys,
    metrics: Vec<Box<dyn Block>>,
    tagger: Option<Tagger>,
}

/// The decompressed body as protobuf, whichever way it came; needs no open block and so can run beside others.
pub fn prepare<'a>(body: &'a [u8], request: &Request) -> Result<Cow<'a, [u8]>, Refusal> {
    let body = inflate(body, request.encoding, request.max_bytes)?;
    Ok(match (request.content, request.signal) {
        (Content::Protobuf, _) => body,
        (Content::Json, Signal::Traces) => Cow::Owned(json::to_protobuf(&body, &json::TRACES)?),
        (Content::Json, Signal::Logs) => Cow::Owned(json::to_protobuf(&body, &json::LOGS)?),
    })
}

fn block<L: Layout + TagRow + 'static>(table: &'static TableDef) -> Box<dyn Block> {
    Box::new(Open::<L>::new(table))
}

impl Gather {
    /// `tags` is the table to look addresses up in; without one ids stay as the sender set them.
    pub fn new(decoder: Decoder, tags: Option<Arc<Shared>>) -> Gather {
        let metrics = match decoder {
            Decoder::FlowLog => Vec::new(),
            Decoder::FlowMetrics => vec![
                block::<NetworkMap>(&FLOW_METRICS_NETWORK_MAP_1S),
                block::<NetworkMap>(&FLOW_METRICS_NETWORK_MAP_1M),
                block::<Network>(&FLOW_METRICS_NETWORK_1S),
                block::<Network>(&FLOW_METRICS_NETWORK_1M),
                block::<ApplicationMap>(&FLOW_METRICS_APPLICATION_MAP_1S),
                block::<ApplicationMap>(&FLOW_METRICS_APPLICATION_MAP_1M),
                block::<Application>(&FLOW_METRICS_APPLICATION_1S),
                block::<Application>(&FLOW_METRICS_APPLICATION_1M),
            ],
        };
        Gather {
            decoder,
            l4: Open::new(&FLOW_LOG_L4_FLOW_LOG),
            l7: Open::new(&FLOW_LOG_L7_FLOW_LOG),
            foreign: Keys::default(),
            metrics,
            tagger: tags.map(Tagger::new),
        }
    }

    fn blocks(&mut self) -> impl Iterator<Item = &mut dyn Block> {
        let logs: [&mut dyn Block; 2] = [&mut self.l4, &mut self.l7];
        logs.into_iter()
            .chain(self.metrics.iter_mut().map(|block| &mut **block as &mut dyn Block))
    }

    /// Rows of all open blocks.
    pub fn rows(&self) -> usize {
        self.l4.rows() + self.l7.rows() + self.metrics.iter().map(|block| block.rows()).sum::<usize>()
    }

    /// Bytes held in the columns of all open blocks.
    pub fn nbytes(&mut self) -> usize {
        self.blocks().map(Block::nbytes).sum()
    }

    /// Appends a prepared body: all of its rows that can be stored, or nothing.
    pub fn append(&mut self, body: &[u8], request: &Request) -> Result<Appended, Refusal> {
        self.blocks().for_each(Block::begin);
        if let Some(tagger) = &mut self.tagger {
            tagger.refresh();
        }
        let pairs = self.l7.rows.resource.values.keys.len();
        let about = Body {
            now_us: request.now_us,
            max_pairs: pairs + body.len() + 1024,
        };
        let mut rejected = Rejected::default();
        let read = match request.signal {
            Signal::Traces => self.traces(body, &about, &mut rejected),
            Signal::Logs => logs::read(body, &about, self, &mut rejected),
        };
        if let Err(broken) = read {
            self.blocks().for_each(Block::undo);
            return Err(broken.into());
        }
        let rows = self.blocks().map(|block| block.done(request.batch_id)).sum();
        Ok(Appended { rows, rejected })
    }

    fn traces(&mut self, body: &[u8], about: &Body, rejected: &mut Rejected) -> Result<(), Broken> {
        if self.decoder != Decoder::FlowLog {
            return traces::refuse(body, rejected);
        }
        let Open {
            rows,
            places,
            keys,
            serial,
            ..
        } = &mut self.l7;
        let mut foreign_serial = *serial;
        let mut foreign = Foreign::new(&mut self.foreign, &mut foreign_serial);
        let mut own = Columns::new(places, keys, serial);
        let tagger = &mut self.tagger;
        let read = traces::read(body, about, rows, &mut foreign, &mut own, rejected, &mut |rows, row, resource| {
            if let Some(tagger) = tagger {
                rows.tag(row, resource.vpc_id, tagger);
            }
        });
        self.l7.serial = self.l7.serial.max(foreign_serial);
        read
    }

    /// Everything appended so far, a batch for each table that has rows.
    pub fn take(&mut self) -> Vec<Batch> {
        self.foreign = Keys::default();
        self.blocks().filter_map(Block::take).collect()
    }
}

impl<'a> logs::Tables<'a> for Gather {
    fn record(&mut self, target: Target<'a>, record: Reader<'a>, resource: &Resource, body: &Body) -> Result<Result<(), Bad>, Broken> {
        let about = About { body, resource };
        let tagger = self.tagger.as_mut();
        let refused = |bad| record.check().map(|()| Err(bad));
        match target {
            Target::Unknown => refused(Bad::UnknownEvent),
            Target::L4 if self.decoder == Decoder::FlowLog => self.l4.record(record, &about, tagger),
            Target::Metrics(name) if self.decoder == Decoder::FlowMetrics => {
                let named = |block: &dyn Block| block.name().split_once('.').is_some_and(|(_, short)| short.as_bytes() == name);
                match self.metrics.iter_mut().find(|block| named(&***block)) {
                    Some(block) => block.record(record, &about, tagger),
                    None => refused(Bad::UnknownTable),
                }
            }
            Target::L4 | Target::Metrics(_) => refused(Bad::OtherDecoder),
        }
    }
}
