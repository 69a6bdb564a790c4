//! Batches → OTLP export requests, for `columns` to read back exactly.
//!
//! Only what differs from what the reader would assume is written: defaults, times that follow from the record's own, the agent
//! that the resource names. Spans always carry valid ids, as every OTLP receiver asks for; a row that has none of its own says so.

mod plan;
mod row;
mod span;
pub mod write;

use crate::table::Batch;
use plan::Plan;
use write::{bytes_field, header, pair_int, pair_text};

/// A resource attribute's value.
pub enum ResourceValue {
    Text(String),
    Int(i64),
}

/// The batch as one export request: traces for `flow_log.l7_flow_log`, logs for every other table.
pub fn encode(batch: &Batch, resource: &[(String, ResourceValue)]) -> Vec<u8> {
    let mut attributes = Vec::new();
    let mut agent_id = 0;
    for (key, value) in resource {
        match value {
            ResourceValue::Text(text) => pair_text(&mut attributes, RESOURCE_ATTRIBUTE, key, text),
            ResourceValue::Int(int) => pair_int(&mut attributes, RESOURCE_ATTRIBUTE, key, *int),
        }
        if key == "weir.agent.id"
            && let ResourceValue::Int(int) = value
        {
            agent_id = u32::try_from(*int).unwrap_or_default();
        }
    }
    let plan = Plan::of(batch, agent_id);
    let mut records = Vec::with_capacity(batch.nbytes() + batch.rows * 64);
    let mut record = Vec::new();
    for row in 0..batch.rows {
        record.clear();
        if plan.is_l7 {
            span::write(&plan, row, &mut record)
        } else {
            row::log_record(&plan, row, &mut record)
        }
        bytes_field(&mut records, RECORDS, &record);
    }
    wrap(&attributes, &records)
}

const RESOURCE_ATTRIBUTE: u32 = 1;
const RECORDS: u32 = 2;

/// Puts resource and scope around the records. Traces and logs have the same field numbers here.
fn wrap(attributes: &[u8], records: &[u8]) -> Vec<u8> {
    let mut scope = Vec::new();
    bytes_field(&mut scope, 1, b"weir");
    let mut group = Vec::new();
    bytes_field(&mut group, 1, attributes);
    let mut inner = Vec::new();
    bytes_field(&mut inner, 1, &scope);
    header(&mut group, 2, inner.len() + records.len());
    let mut out = Vec::with_capacity(records.len() + attributes.len() + 64);
    header(&mut out, 1, group.len() + inner.len() + records.len());
    out.extend_from_slice(&group);
    out.extend_from_slice(&inner);
    out.extend_from_slice(records);
    out
}
