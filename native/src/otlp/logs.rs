//! ExportLogsServiceRequest → rows of the tables that event name and `weir.table` name.
//!
//! Source: opentelemetry-proto 1.x, `logs/v1/logs.proto`; field numbers below are its.

use super::bad::{Bad, Rejected};
use super::resource::Resource;
use super::traces::{Body, find};
use super::value::{Value, read_pair};
use super::wire::{BYTES, Broken, FIXED64, Reader, tag};

/// Event names of the records that are rows of ours.
pub const L4_EVENT: &str = "weir.flow.l4";
pub const METRICS_EVENT: &str = "weir.flow.metrics";
/// The attribute that names the metrics table, without its database.
pub const TABLE_ATTRIBUTE: &str = "weir.table";

/// Which table a record says it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    L4,
    Metrics(&'a [u8]),
    Unknown,
}

/// The tables that records go to.
pub trait Tables<'a> {
    /// Appends one record as a row.
    fn record(&mut self, target: Target<'a>, record: Reader<'a>, resource: &Resource, body: &Body) -> Result<Result<(), Bad>, Broken>;
}

const RESOURCE_LOGS: u32 = tag(1, BYTES);
const RESOURCE: u32 = tag(1, BYTES);
const SCOPE_LOGS: u32 = tag(2, BYTES);
const RECORDS: u32 = tag(2, BYTES);
pub const TIME: u32 = tag(1, FIXED64);
pub const ATTRIBUTE: u32 = tag(6, BYTES);
const EVENT_NAME: u32 = tag(12, BYTES);

/// Appends every record of the body. Where the body is broken the rows appended so far stay for the caller to take back.
pub fn read<'a>(body: &'a [u8], about: &Body, tables: &mut impl Tables<'a>, rejected: &mut Rejected) -> Result<(), Broken> {
    let mut request = Reader::new(body);
    while let Some(field) = request.tag()? {
        if field != RESOURCE_LOGS {
            request.skip(field)?;
            continue;
        }
        let mut group = request.message()?;
        let resource = match find(group, RESOURCE)? {
            Some(message) => Resource::read(message, None)?,
            None => Resource::default(),
        };
        while let Some(field) = group.tag()? {
            if field != SCOPE_LOGS {
                group.skip(field)?;
                continue;
            }
            let mut scope_logs = group.message()?;
            while let Some(field) = scope_logs.tag()? {
                if field != RECORDS {
                    scope_logs.skip(field)?;
                    continue;
                }
                let record = scope_logs.message()?;
                if let Err(bad) = tables.record(target(record)?, record, &resource, about)? {
                    rejected.count(bad);
                }
            }
        }
    }
    Ok(())
}

/// Reads ahead to what the record is. Our own agents say it first; whoever passed it on may have moved it.
fn target(mut record: Reader<'_>) -> Result<Target<'_>, Broken> {
    let (mut event, mut table) = (None, None);
    while let Some(field) = record.tag()? {
        match field {
            EVENT_NAME => event = Some(record.bytes()?),
            ATTRIBUTE if table.is_none() => {
                let pair = record.message()?;
                // The key comes first in any writer; a cheap look decides for nearly all attributes.
                if pair.rest().get(2..).is_none_or(|key| key.starts_with(TABLE_ATTRIBUTE.as_bytes())) || pair.rest().first() != Some(&0x0a)
                {
                    match read_pair(pair)? {
                        (key, Value::Str(name)) if key == TABLE_ATTRIBUTE.as_bytes() => table = Some(name),
                        _ => {}
                    }
                }
            }
            other => record.skip(other)?,
        }
        match (event, table) {
            (Some(event), _) if event == L4_EVENT.as_bytes() => return Ok(Target::L4),
            (Some(event), Some(table)) if event == METRICS_EVENT.as_bytes() => return Ok(Target::Metrics(table)),
            _ => {}
        }
    }
    Ok(match event {
        Some(event) if event == METRICS_EVENT.as_bytes() => Target::Metrics(&[]),
        _ => Target::Unknown,
    })
}
