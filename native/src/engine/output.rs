//! Rows on their way out: open blocks, and finished batches that wait to be taken.

use super::flows;
use super::requests::{TOGETHER, Waiting};
use super::reservoir::Reservoir;
use super::rows::FlowEnds;
use crate::document::PairKey;
use crate::flow::measure::Rare;
use crate::flow::{Cold, Flow, Outside};
use crate::l7::{Finished, L7Row};
use crate::table::generated::{Application, ApplicationMap, L4FlowLog, L7FlowLog, Network, NetworkMap};
use crate::table::{Batch, Layout, TableDef, generated};
use std::collections::{HashMap, VecDeque};

/// What `observation_point` can be, from here.
pub const OBSERVATION_POINTS: [&str; 4] = ["rest", "c", "s", "local"];

/// An interface that packets were seen on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nic {
    pub name: String,
    /// `capture_nic_type`
    pub kind: u8,
    /// Number of its network namespace.
    pub netns: u16,
    pub index: u32,
    /// `ARPHRD_*`
    pub hardware: u16,
    /// Nobody wants its packets.
    pub is_left_out: bool,
}

/// What rows say about where they were seen.
#[derive(Debug)]
pub struct Seen {
    pub agent_id: u32,
    pub nics: Vec<Nic>,
    /// Names of processes at the ends of flows.
    pub processes: HashMap<u32, String>,
}

impl Seen {
    /// Name of a process, empty where not known.
    pub fn process(&self, process: u32) -> &str {
        self.processes.get(&process).map_or("", String::as_str)
    }

    #[inline]
    pub fn nic(&self, nic: u16) -> &Nic {
        self.nics.get(usize::from(nic)).unwrap_or(&self.nics[0])
    }
}

pub struct Output {
    pub seen: Seen,
    l4: L4FlowLog,
    /// What becomes rows of it.
    flows: flows::Waiting,
    l7: L7FlowLog,
    /// What becomes rows of it, and its texts.
    waiting: Waiting,
    kept: Vec<Finished>,
    network: [Network; 2],
    network_map: [NetworkMap; 2],
    application: [Application; 2],
    application_map: [ApplicationMap; 2],
    ready: VecDeque<Batch>,
    ready_bytes: usize,
    max_ready_bytes: usize,
    batch_rows: usize,
    /// Rows of documents go nowhere.
    drops_documents: bool,
    /// Rows dropped because nobody took them in time.
    pub dropped_rows: u64,
    pub rows: u64,
    /// Of the L4 and of the L7 log.
    reservoirs: [Reservoir; 2],
}

static LOGS: [&TableDef; 2] = [&generated::FLOW_LOG_L4_FLOW_LOG, &generated::FLOW_LOG_L7_FLOW_LOG];
static NETWORK: [&TableDef; 2] = [&generated::FLOW_METRICS_NETWORK_1S, &generated::FLOW_METRICS_NETWORK_1M];
static NETWORK_MAP: [&TableDef; 2] = [&generated::FLOW_METRICS_NETWORK_MAP_1S, &generated::FLOW_METRICS_NETWORK_MAP_1M];
static APPLICATION: [&TableDef; 2] = [&generated::FLOW_METRICS_APPLICATION_1S, &generated::FLOW_METRICS_APPLICATION_1M];
static APPLICATION_MAP: [&TableDef; 2] = [
    &generated::FLOW_METRICS_APPLICATION_MAP_1S,
    &generated::FLOW_METRICS_APPLICATION_MAP_1M,
];

/// Accessors for one layout: the open block, and the note that rows were added to it.
macro_rules! block {
    ($name:ident, $written:ident, $table:ty, $definition:expr) => {
        pub fn $name(&mut self, interval: usize) -> (&mut $table, &Seen) {
            (&mut self.$name[interval], &self.seen)
        }

        pub fn $written(&mut self, interval: usize) {
            if self.$name[interval].rows() >= self.batch_rows {
                let batch = Batch::take($definition[interval], &mut self.$name[interval]);
                self.push(batch);
            }
        }
    };
}

impl Output {
    pub fn new(config: &super::Config) -> Output {
        Output {
            reservoirs: [config.l4_rows_per_s, config.l7_rows_per_s].map(Reservoir::new),
            seen: Seen {
                agent_id: config.agent_id,
                nics: vec![Nic::default()],
                processes: HashMap::new(),
            },
            l4: L4FlowLog::default(),
            flows: flows::Waiting::default(),
            l7: L7FlowLog::default(),
            waiting: Waiting::default(),
            kept: Vec::with_capacity(TOGETHER),
            network: Default::default(),
            network_map: Default::default(),
            application: Default::default(),
            application_map: Default::default(),
            ready: VecDeque::new(),
            ready_bytes: 0,
            max_ready_bytes: config.max_ready_bytes,
            batch_rows: config.batch_rows.max(1),
            drops_documents: !config.documents,
            dropped_rows: 0,
            rows: 0,
        }
    }

    pub fn configure(&mut self, config: &super::Config) {
        self.write_waiting();
        self.seen.agent_id = config.agent_id;
        self.max_ready_bytes = config.max_ready_bytes;
        self.batch_rows = config.batch_rows.max(1);
        self.drops_documents = !config.documents;
        self.settle();
        self.reservoirs[0].limit(config.l4_rows_per_s);
        self.reservoirs[1].limit(config.l7_rows_per_s);
    }

    /// A second of the engine begins.
    pub fn begin_second(&mut self) {
        self.settle();
        self.reservoirs.iter_mut().for_each(Reservoir::begin_second);
    }

    /// Ends the samples of the second so far: their rows are finished batches.
    fn settle(&mut self) {
        self.write_waiting();
        let [l4, l7] = &mut self.reservoirs;
        let l4 = l4.is_limited().then(|| sampled(l4, LOGS[0], &mut self.l4));
        let l7 = l7.is_limited().then(|| sampled(l7, LOGS[1], &mut self.l7));
        [l4, l7].into_iter().flatten().for_each(|batch| self.push(batch));
    }

    /// Whether the next row of the L4 log is to be written; where the second has more than may be, one more is counted as over the limit.
    #[inline]
    pub fn may_write_l4(&mut self) -> bool {
        self.reservoirs[0].offer(self.l4.rows() + self.flows.len())
    }

    /// The same for the L7 log.
    #[inline]
    pub fn may_write_l7(&mut self) -> bool {
        self.reservoirs[1].offer(self.l7.rows() + self.kept.len())
    }

    /// Rows of the L4 and of the L7 log that were left out because of the limit.
    pub fn over_limit(&self) -> [u64; 2] {
        [self.reservoirs[0].refused(), self.reservoirs[1].refused()]
    }

    /// Whether documents are wanted.
    pub fn documents(&self) -> bool {
        !self.drops_documents
    }

    block!(network, network_written, Network, NETWORK);
    block!(network_map, network_map_written, NetworkMap, NETWORK_MAP);
    block!(application, application_written, Application, APPLICATION);
    block!(application_map, application_map_written, ApplicationMap, APPLICATION_MAP);

    /// Rows until the open block of ends is a batch.
    pub fn network_room(&self, interval: usize) -> usize {
        self.batch_rows.saturating_sub(self.network[interval].rows()).max(1)
    }

    /// Rows until the open block of pairs is a batch.
    pub fn network_map_room(&self, interval: usize) -> usize {
        self.batch_rows.saturating_sub(self.network_map[interval].rows()).max(1)
    }

    /// Keeps the row of a flow until there are some of them, or they are asked for: `over` is the flow, `end` how and when it ended.
    pub fn write_l4(&mut self, over: (&Flow, &Cold, Option<&Rare>), pair: PairKey, end: (u8, i64, u32)) {
        self.flows.put(over, pair, end);
        if self.flows.len() >= TOGETHER || self.l4.rows() + self.flows.len() >= self.batch_rows {
            self.write_flows();
        }
    }

    fn write_flows(&mut self) {
        if self.flows.len() == 0 {
            return;
        }
        self.flows.write(&mut self.l4, &self.seen);
        if self.l4.rows() >= self.batch_rows && !self.reservoirs[0].is_limited() {
            let batch = Batch::take(LOGS[0], &mut self.l4);
            self.push(batch);
        }
    }

    /// Writes the rows of both logs that are kept.
    pub fn write_waiting(&mut self) {
        self.write_flows();
        self.write_kept();
    }

    /// Keeps what becomes a row of the L7 log until there are some of them, or they are asked for.
    #[inline(always)]
    pub fn keep_l7(&mut self, finished: Finished, ends: &FlowEnds, tunnel: Option<&Outside>) {
        self.waiting.put(&finished.sides(), ends, tunnel, &self.seen);
        self.kept.push(finished);
        if self.kept.len() >= TOGETHER || self.l7.rows() + self.kept.len() >= self.batch_rows {
            self.write_kept();
        }
    }

    /// Writes the rows of the L7 log that are kept.
    fn write_kept(&mut self) {
        if let Some(first) = self.kept.first() {
            let mut sides = [first.sides(); TOGETHER];
            sides.iter_mut().zip(&self.kept).for_each(|(sides, kept)| *sides = kept.sides());
            self.waiting.write(&mut self.l7, &self.seen, &sides[..self.kept.len()]);
            Finished::give_back(self.kept.drain(..));
            self.l7_written();
        }
    }

    /// Writes a row of the L7 log behind those that are kept.
    pub fn write_l7(&mut self, row: &L7Row<'_>, ends: &FlowEnds, tunnel: Option<&Outside>) {
        self.write_kept();
        self.waiting.put(row, ends, tunnel, &self.seen);
        self.waiting.write(&mut self.l7, &self.seen, std::slice::from_ref(row));
        self.l7_written();
    }

    fn l7_written(&mut self) {
        if self.l7.rows() >= self.batch_rows && !self.reservoirs[1].is_limited() {
            let batch = Batch::take(LOGS[1], &mut self.l7);
            self.push(batch);
        }
    }

    /// Ends every open block that has rows, samples of a second that goes on too.
    pub fn finish(&mut self) {
        self.settle();
        self.cut();
    }

    /// Ends every open block that has rows. The sample of a limited log goes on until its second is over.
    pub fn cut(&mut self) {
        self.write_waiting();
        let mut batches = Vec::with_capacity(10);
        if !self.reservoirs[0].is_limited() {
            batches.push(Batch::take(LOGS[0], &mut self.l4));
        }
        if !self.reservoirs[1].is_limited() {
            batches.push(Batch::take(LOGS[1], &mut self.l7));
        }
        for interval in 0..2 {
            batches.push(Batch::take(NETWORK[interval], &mut self.network[interval]));
            batches.push(Batch::take(NETWORK_MAP[interval], &mut self.network_map[interval]));
            batches.push(Batch::take(APPLICATION[interval], &mut self.application[interval]));
            batches.push(Batch::take(APPLICATION_MAP[interval], &mut self.application_map[interval]));
        }
        batches.into_iter().for_each(|batch| self.push(batch));
    }

    fn push(&mut self, batch: Batch) {
        if batch.rows == 0 {
            return;
        }
        self.rows += batch.rows as u64;
        self.ready_bytes += batch.nbytes();
        self.ready.push_back(batch);
        while self.ready_bytes > self.max_ready_bytes && self.ready.len() > 1 {
            if let Some(oldest) = self.take() {
                self.dropped_rows += oldest.rows as u64;
            }
        }
    }

    /// The oldest finished batch.
    pub fn take(&mut self) -> Option<Batch> {
        let batch = self.ready.pop_front()?;
        self.ready_bytes -= batch.nbytes();
        Some(batch)
    }

    pub fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    pub fn ready_bytes(&self) -> usize {
        self.ready_bytes
    }
}

/// The rows of a log that its sample keeps.
fn sampled(reservoir: &mut Reservoir, table: &'static TableDef, log: &mut impl Layout) -> Batch {
    let batch = Batch::take(table, log);
    match reservoir.settle() {
        Some(rows) => batch.pick(&rows),
        None => batch,
    }
}
