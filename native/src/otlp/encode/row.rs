//! What spans and log records of ours have in common: the columns as attributes.

use super::plan::{Family, Item, Plan, int};
use super::write::{bytes_field, fixed64_field, pair_double, pair_int, pair_text};
use crate::column::Column;
use crate::otlp::logs::{L4_EVENT, METRICS_EVENT, TABLE_ATTRIBUTE};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const LOG_TIME: u32 = 1;
const LOG_ATTRIBUTE: u32 = 6;
const LOG_EVENT_NAME: u32 = 12;

/// Writes one row as a LogRecord.
pub fn log_record(plan: &Plan<'_>, row: usize, out: &mut Vec<u8>) {
    // The event name and the table come first, so that the reader knows the columns before it meets them.
    bytes_field(
        out,
        LOG_EVENT_NAME,
        if plan.metrics.is_some() { METRICS_EVENT } else { L4_EVENT }.as_bytes(),
    );
    if let Some(table) = plan.metrics {
        pair_text(out, LOG_ATTRIBUTE, TABLE_ATTRIBUTE, table);
    }
    let time_ns = if plan.special.end_time.is_some() {
        nanoseconds(int(plan.special.end_time, row))
    } else {
        int(plan.special.time, row) as u64 * 1_000_000_000
    };
    fixed64_field(out, LOG_TIME, time_ns);
    times(plan, row, LOG_ATTRIBUTE, (time_ns, time_ns), out);
    who(plan, row, LOG_ATTRIBUTE, out);
    for item in &plan.items {
        column(item, row, LOG_ATTRIBUTE, Family::Other, out);
    }
}

/// The record's own time for one in µs; 0 where it cannot say it.
pub fn nanoseconds(time_us: i64) -> u64 {
    u64::try_from(time_us)
        .ok()
        .and_then(|time_us| time_us.checked_mul(1000))
        .unwrap_or_default()
}

/// The times that do not follow from the record's own, `(start, end)` in ns. Mirrors `otlp::columns::Columns::close`.
pub fn times(plan: &Plan<'_>, row: usize, field: u32, said_ns: (u64, u64), out: &mut Vec<u8>) {
    let special = &plan.special;
    let (mut start_us, mut end_us) = ((said_ns.0 / 1000) as i64, (said_ns.1 / 1000) as i64);
    for (column, key, implied) in [
        (special.end_time, "weir.end_time", &mut end_us),
        (special.start_time, "weir.start_time", &mut start_us),
    ] {
        if column.is_some() && int(column, row) != *implied {
            *implied = int(column, row);
            pair_int(out, field, key, *implied);
        }
    }
    let duration = end_us.saturating_sub(start_us).max(0);
    if special.duration.is_some() && int(special.duration, row) != duration {
        pair_int(out, field, plan.duration_key, int(special.duration, row));
    }
    let time = (end_us / 1_000_000).clamp(0, i64::from(u32::MAX));
    if int(special.time, row) != time {
        pair_int(out, field, "weir.time", int(special.time, row));
    }
}

/// The agent where the resource names another one, and the addresses of both ends.
pub fn who(plan: &Plan<'_>, row: usize, field: u32, out: &mut Vec<u8>) {
    let special = &plan.special;
    if int(special.agent_id, row) != i64::from(plan.agent_id) {
        pair_int(out, field, "weir.agent_id", int(special.agent_id, row));
    }
    let mut saw_ipv4 = int(special.single_ip4, row) != 0;
    let client = if plan.is_l7 { "client.address" } else { "source.address" };
    for (end, key) in [client, "destination.address"].into_iter().enumerate() {
        let ip4 = ip4(special.ip4[end], row);
        let ip6 = ip6(special.ip6[end], row);
        saw_ipv4 |= ip4.is_some();
        match (ip4, ip6) {
            (None, None) => {}
            (Some(ip), None) => address(out, field, key, IpAddr::V4(ip)),
            (None, Some(ip)) => address(out, field, key, IpAddr::V6(ip)),
            (Some(ip4), Some(ip6)) => {
                address(out, field, key, IpAddr::V4(ip4));
                address(out, field, if end == 0 { "weir.ip6_0" } else { "weir.ip6_1" }, IpAddr::V6(ip6));
            }
        }
    }
    if int(special.is_ipv4, row) != i64::from(saw_ipv4) {
        pair_int(out, field, "weir.is_ipv4", int(special.is_ipv4, row));
    }
}

/// One column as an attribute, where it differs from the default.
pub fn column(item: &Item<'_>, row: usize, field: u32, family: Family, out: &mut Vec<u8>) {
    let key = &item.keys[family as usize];
    match item.column {
        Column::Label(column) if !column.get(row).is_empty() => pair_text(out, field, key, column.get(row)),
        Column::Text(column) if !column.get(row).is_empty() => pair_text(out, field, key, column.get(row)),
        Column::F64(column) if column.get(row).to_bits() != 0 => pair_double(out, field, key, column.get(row)),
        Column::Ip4(_) => {
            if let Some(ip) = ip4(Some(item.column), row) {
                address(out, field, key, IpAddr::V4(ip));
            }
        }
        Column::Ip6(_) => {
            if let Some(ip) = ip6(Some(item.column), row) {
                address(out, field, key, IpAddr::V6(ip));
            }
        }
        column => {
            let value = int(Some(column), row);
            if value != 0 {
                pair_int(out, field, key, value);
            }
        }
    }
}

fn address(out: &mut Vec<u8>, field: u32, key: &str, ip: IpAddr) {
    pair_text(out, field, key, &ip.to_string());
}

fn ip4(column: Option<&Column>, row: usize) -> Option<Ipv4Addr> {
    match column {
        Some(Column::Ip4(column)) => Some(Ipv4Addr::from_bits(column.get(row))).filter(|ip| !ip.is_unspecified()),
        _ => None,
    }
}

fn ip6(column: Option<&Column>, row: usize) -> Option<Ipv6Addr> {
    match column {
        Some(Column::Ip6(column)) => Some(Ipv6Addr::from(column.get(row))).filter(|ip| !ip.is_unspecified()),
        _ => None,
    }
}
