//! Logs with the names, types and form of Zeek's (<https://docs.zeek.org/en/master/logs/index.html>): tab-separated, joined by `uid`.
//! What our rows do not know is unset (`-`).

mod conn;
mod requests;
mod tsv;

use super::logs::Lines;
use super::view::{Flows, Requests};
use crate::table::Batch;
use foldhash::HashMap;
use tsv::Log;

/// Connections whose requests are numbered; beyond that all begin again.
const MAX_NUMBERED: usize = 1 << 20;

pub struct Zeek {
    logs: Vec<Log>,
    now_s: i64,
    /// Requests seen so far of each connection: `trans_depth`.
    depths: HashMap<u64, u64>,
}

impl Zeek {
    pub fn new(now_s: i64) -> Zeek {
        Zeek {
            logs: Vec::new(),
            now_s,
            depths: HashMap::default(),
        }
    }

    /// The lines of a batch, and how many of its rows have no log.
    pub fn lines(&mut self, batch: &Batch) -> (Vec<Lines>, u64) {
        let mut left_out = 0;
        if let Some(flows) = Flows::of(batch) {
            let log = log(&mut self.logs, &conn::CONN, self.now_s);
            for row in 0..flows.rows {
                conn::write(&flows, row, log);
            }
        } else if let Some(rows) = Requests::of(batch) {
            for row in 0..rows.rows {
                let Some(kind) = requests::kind(rows.l7_protocol.get(row)) else {
                    left_out += 1;
                    continue;
                };
                let depth = if kind.is_numbered { self.depth(rows.flow_id.get(row)) } else { 0 };
                let log = log(&mut self.logs, kind.schema, self.now_s);
                log.start(rows.start_time.get(row), rows.flow_id.get(row), &rows.ends(row));
                (kind.write)(&rows, row, depth, log);
                log.end_line();
            }
        }
        (self.take(), left_out)
    }

    /// What closes the logs.
    pub fn end(&mut self, now_s: i64) -> Vec<Lines> {
        self.logs.iter_mut().for_each(|log| log.close(now_s));
        self.take()
    }

    fn take(&mut self) -> Vec<Lines> {
        self.logs.iter_mut().filter_map(Log::take).collect()
    }

    fn depth(&mut self, flow_id: u64) -> u64 {
        if self.depths.len() >= MAX_NUMBERED {
            self.depths.clear();
        }
        let depth = self.depths.entry(flow_id).or_default();
        *depth += 1;
        *depth
    }
}

/// The log of that kind, begun where it is new.
fn log<'a>(logs: &'a mut Vec<Log>, schema: &'static tsv::Schema, now_s: i64) -> &'a mut Log {
    let at = logs.iter().position(|log| std::ptr::eq(log.schema, schema)).unwrap_or_else(|| {
        logs.push(Log::open(schema, now_s));
        logs.len() - 1
    });
    &mut logs[at]
}
