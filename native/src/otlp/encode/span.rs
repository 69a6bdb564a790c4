//! A request as a span: kind and name as the conventions want them, ids that every receiver accepts.

use super::plan::{Family, Plan, int, text};
use super::row::{column, nanoseconds, times, who};
use super::write::{bytes_field, fixed64_field, pair_map, pair_text, varint_field};

const TRACE_ID: u32 = 1;
const SPAN_ID: u32 = 2;
const PARENT_SPAN_ID: u32 = 4;
const NAME: u32 = 5;
const KIND: u32 = 6;
const START: u32 = 7;
const END: u32 = 8;
const ATTRIBUTE: u32 = 9;
const STATUS: u32 = 15;

const STATUS_MESSAGE: u32 = 2;
const STATUS_CODE: u32 = 3;
const STATUS_ERROR: u64 = 2;

/// Writes one row of `flow_log.l7_flow_log` as a Span.
pub fn write(plan: &Plan<'_>, row: usize, out: &mut Vec<u8>) {
    let special = &plan.special;
    let family = Family::of(int(special.l7_protocol, row) as u8);
    let named = [
        text(special.trace_id, row),
        text(special.span_id, row),
        text(special.parent_span_id, row),
    ];
    let made = made_ids(plan, row);
    match unhex::<16>(named[0]) {
        Some(id) => bytes_field(out, TRACE_ID, &id),
        None => bytes_field(out, TRACE_ID, &made),
    }
    match unhex::<8>(named[1]) {
        Some(id) => bytes_field(out, SPAN_ID, &id),
        None => bytes_field(out, SPAN_ID, &made[4..12]),
    }
    if let Some(id) = unhex::<8>(named[2]) {
        bytes_field(out, PARENT_SPAN_ID, &id);
    }
    bytes_field(out, NAME, name(plan, row).as_bytes());
    let server_side = text(special.observation_point, row).starts_with('s');
    varint_field(out, KIND, if server_side { 2 } else { 3 });
    let said_ns = (nanoseconds(int(special.start_time, row)), nanoseconds(int(special.end_time, row)));
    fixed64_field(out, START, said_ns.0);
    fixed64_field(out, END, said_ns.1);
    ids(named, out);
    times(plan, row, ATTRIBUTE, said_ns, out);
    who(plan, row, ATTRIBUTE, out);
    system(int(special.l7_protocol, row), text(special.l7_protocol_str, row), out);
    for item in &plan.items {
        match (item.name, family) {
            ("request_resource", Family::Http) => url(text(special.request_resource, row), out),
            // The convention for databases wants a text.
            ("response_code", Family::Db) if int(Some(item.column), row) != 0 => {
                pair_text(
                    out,
                    ATTRIBUTE,
                    &item.keys[family as usize],
                    &int(Some(item.column), row).to_string(),
                );
            }
            ("response_code", Family::Rpc) if int(special.l7_protocol, row) == GRPC => {
                let code = int(Some(item.column), row);
                if code != 0 {
                    super::write::pair_int(out, ATTRIBUTE, "rpc.grpc.status_code", code);
                }
            }
            _ => column(item, row, ATTRIBUTE, family, out),
        }
    }
    maps(plan, row, out);
    status(plan, row, out);
}

const GRPC: i64 = 41;

/// The ids that the fields above could not say. Mirrors `otlp::columns::Columns::span`.
fn ids(named: [&str; 3], out: &mut Vec<u8>) {
    if unhex::<16>(named[0]).is_none() {
        pair_text(out, ATTRIBUTE, "weir.trace_id", named[0]);
    }
    if unhex::<8>(named[1]).is_none() {
        pair_text(out, ATTRIBUTE, "weir.span_id", named[1]);
    }
    if !named[2].is_empty() && unhex::<8>(named[2]).is_none() {
        pair_text(out, ATTRIBUTE, "weir.parent_span_id", named[2]);
    }
}

/// Ids for a row that has none: the same whenever it is written, other than those of its neighbours.
fn made_ids(plan: &Plan<'_>, row: usize) -> [u8; 16] {
    let special = &plan.special;
    let about = [
        int(special.flow_id, row),
        int(special.start_time, row),
        int(special.end_time, row),
        i64::from(plan.agent_id),
        row as i64,
    ];
    let hash = cityhash_rs::cityhash_102_128(&about.map(i64::to_le_bytes).concat());
    // All zeros would be invalid, in the whole and in the part that serves as span id.
    (hash | 1 << 64).to_le_bytes()
}

/// The bytes of a valid id in lower-case hexadecimal: of full length and not all zero.
fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    bytes.iter().any(|byte| *byte != 0).then_some(bytes)
}

fn digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

/// "GET /orders/{id}": method and route, or what of them there is.
fn name(plan: &Plan<'_>, row: usize) -> String {
    let parts = [text(plan.special.request_type, row), text(plan.special.endpoint, row)];
    match parts {
        ["", ""] if text(plan.special.l7_protocol_str, row).is_empty() => "request".to_owned(),
        ["", ""] => text(plan.special.l7_protocol_str, row).to_owned(),
        [one, ""] | ["", one] => one.to_owned(),
        [method, endpoint] => format!("{method} {endpoint}"),
    }
}

fn url(resource: &str, out: &mut Vec<u8>) {
    let (path, query) = resource
        .split_once('?')
        .map_or((resource, None), |(path, query)| (path, Some(query)));
    if !resource.is_empty() {
        pair_text(out, ATTRIBUTE, "url.path", path);
    }
    if let Some(query) = query {
        pair_text(out, ATTRIBUTE, "url.query", query);
    }
}

/// The attribute by which other readers see what kind of span it is; ours go by `l7_protocol`.
fn system(l7_protocol: i64, name: &str, out: &mut Vec<u8>) {
    let key = match Family::of(l7_protocol as u8) {
        Family::Db => "db.system.name",
        Family::Rpc => "rpc.system",
        Family::Messaging => "messaging.system",
        Family::Other if l7_protocol != 0 => "network.protocol.name",
        Family::Http | Family::Dns | Family::Other => return,
    };
    if !name.is_empty() {
        pair_text(out, ATTRIBUTE, key, &name.to_ascii_lowercase());
    }
}

fn maps(plan: &Plan<'_>, row: usize, out: &mut Vec<u8>) {
    if let Some(map) = plan.special.attributes
        && map.row(row).next().is_some()
    {
        let mut labels: Vec<u32> = map.labels(row).to_vec();
        let all_free = labels
            .iter()
            .all(|label| plan.free.get(*label as usize).copied().unwrap_or_default());
        labels.sort_unstable();
        let alone = labels.windows(2).all(|pair| pair[0] != pair[1]);
        if all_free && alone {
            for (key, value) in map.row(row) {
                pair_text(out, ATTRIBUTE, key, value);
            }
        } else {
            pair_map(out, ATTRIBUTE, "weir.attributes", map.row(row));
        }
    }
    if let Some(map) = plan.special.resource
        && map.row(row).next().is_some()
    {
        pair_map(out, ATTRIBUTE, "weir.resource", map.row(row));
    }
}

fn status(plan: &Plan<'_>, row: usize, out: &mut Vec<u8>) {
    let exception = text(plan.special.response_exception, row);
    let failed = matches!(int(plan.special.response_status, row), 2..=4);
    if !exception.is_empty() && !failed {
        pair_text(out, ATTRIBUTE, "weir.response_exception", exception);
    }
    if failed {
        let mut status = Vec::new();
        if !exception.is_empty() {
            bytes_field(&mut status, STATUS_MESSAGE, exception.as_bytes());
        }
        varint_field(&mut status, STATUS_CODE, STATUS_ERROR);
        bytes_field(out, STATUS, &status);
    }
}
