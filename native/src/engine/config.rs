//! What can be set on an engine.

use super::Selection;
use crate::flow::Timeouts;
use crate::l7::L7Settings;
use std::sync::Arc;

/// Settings of one engine.
#[derive(Clone, Debug)]
pub struct Config {
    pub agent_id: u32,
    /// Read application protocols.
    pub l7: bool,
    /// Write `flow_log.l4_flow_log`.
    pub l4_log: bool,
    /// Write `flow_log.l7_flow_log`. Documents and the L7 counts of L4 rows do not depend on it.
    pub l7_log: bool,
    /// Write the documents of the second and of the minute.
    pub documents: bool,
    /// Write a row of `flow_log.l4_flow_log` each minute that a flow lives, not only the one at its end.
    pub minute_rows: bool,
    /// Connections that were opened and closed without a word become one row of `flow_log.l4_flow_log` a minute.
    pub merge_health_checks: bool,
    /// Rows of `flow_log.l4_flow_log` in a second, 0 for no limit: of more, a uniform sample is written and the rest counted.
    /// Documents count everything.
    pub l4_rows_per_s: u32,
    /// The same for `flow_log.l7_flow_log`.
    pub l7_rows_per_s: u32,
    /// Interfaces that live packets are taken from.
    pub interfaces: Selection,
    /// Flows kept; beyond that the one that was silent for longest is reported and forgotten.
    pub max_flows: u32,
    /// Rows that make a batch.
    pub batch_rows: usize,
    /// Finished batches kept for whoever drains them; beyond that the oldest is dropped.
    pub max_ready_bytes: usize,
    pub timeouts: Timeouts,
    pub l7_settings: Arc<L7Settings>,
    /// Which one of how many engines that share the flows of one capture this is.
    pub lane: (u16, u16),
}

impl Default for Config {
    fn default() -> Self {
        Config {
            agent_id: 0,
            l7: true,
            l4_log: true,
            l7_log: true,
            documents: true,
            minute_rows: true,
            merge_health_checks: false,
            l4_rows_per_s: 0,
            l7_rows_per_s: 0,
            interfaces: Selection::default(),
            max_flows: 262_144,
            batch_rows: 8192,
            max_ready_bytes: 64 << 20,
            timeouts: Timeouts::default(),
            l7_settings: Arc::default(),
            lane: (0, 1),
        }
    }
}

impl Config {
    /// The part of engine `lane` of `lanes`: what is limited is limited for all of them together.
    pub fn share(&self, lane: u16, lanes: u16) -> Config {
        let part = |whole: u32| whole.div_ceil(u32::from(lanes));
        Config {
            max_flows: part(self.max_flows),
            l4_rows_per_s: part(self.l4_rows_per_s),
            l7_rows_per_s: part(self.l7_rows_per_s),
            lane: (lane, lanes),
            ..self.clone()
        }
    }
}
