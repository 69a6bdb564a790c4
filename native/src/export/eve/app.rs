//! Events of requests.

use super::{begin, number, text, vlans};
use crate::export::view::{Requests, answers, is_answer, put_int};
use crate::l7::RowType;
use crate::otlp::value::quote;
use std::io::Write;

/// One event; gives how many.
pub fn http(rows: &Requests<'_>, row: usize, transaction: u64, out: &mut Vec<u8>) -> usize {
    begin("http", rows.end_time.get(row), rows.flow_id.get(row), &rows.ends(row), out);
    vlans([rows.vlan.get(row), rows.vlan_inner.get(row)], out);
    number("tx_id", transaction, out);
    out.extend_from_slice(b",\"http\":");
    let open = out.len();
    for (name, value) in [
        ("hostname", host(rows.request_domain.get(row))),
        ("url", rows.request_resource.get(row)),
        ("http_user_agent", rows.user_agent.get(row)),
        ("xff", rows.proxy_client.get(row)),
        ("http_refer", rows.referer.get(row)),
        ("http_method", rows.request_type.get(row)),
    ] {
        if !value.is_empty() {
            text(name, value, out);
        }
    }
    if let Some(port) = port(rows.request_domain.get(row)) {
        number("http_port", port, out);
    }
    match rows.version.get(row) {
        "" => {}
        version => {
            let _ = write!(out, ",\"protocol\":\"HTTP/{version}\"");
        }
    }
    let code = rows.response_code.get(row);
    if (100..1000).contains(&code) {
        number("status", code, out);
    }
    if let Ok(length) = u64::try_from(rows.response_length.get(row)) {
        number("length", length, out);
    }
    // The comma before the first key becomes the bracket.
    match out.get_mut(open) {
        Some(comma) => *comma = b'{',
        None => out.push(b'{'),
    }
    out.extend_from_slice(b"}}\n");
    1
}

fn host(domain: &str) -> &str {
    match port(domain) {
        Some(_) => domain.rsplit_once(':').map_or(domain, |(host, _)| host),
        None => domain,
    }
}

fn port(domain: &str) -> Option<u16> {
    domain.rsplit_once(':').and_then(|(_, port)| port.parse().ok())
}

/// An event for the question and one for the answer, as far as they were seen; gives how many.
pub fn dns(rows: &Requests<'_>, row: usize, transaction: u64, out: &mut Vec<u8>) -> usize {
    let kind = rows.kind.get(row);
    let mut events = 0;
    if kind != RowType::Response as u8 {
        start(rows, row, rows.start_time.get(row), out);
        out.extend_from_slice(b",\"dns\":{\"version\":2,\"type\":\"query\"");
        question(rows, row, out);
        number("tx_id", transaction, out);
        out.extend_from_slice(b"}}\n");
        events += 1;
    }
    if kind != RowType::Request as u8 {
        start(rows, row, rows.end_time.get(row), out);
        out.extend_from_slice(b",\"dns\":{\"version\":2,\"type\":\"answer\"");
        question(rows, row, out);
        let error = rows.response_exception.get(row);
        text("rcode", if error.is_empty() { "NOERROR" } else { error }, out);
        records(rows, row, out);
        out.extend_from_slice(b"}}\n");
        events += 1;
    }
    events
}

fn start(rows: &Requests<'_>, row: usize, time_us: i64, out: &mut Vec<u8>) {
    begin("dns", time_us, rows.flow_id.get(row), &rows.ends(row), out);
    vlans([rows.vlan.get(row), rows.vlan_inner.get(row)], out);
}

fn question(rows: &Requests<'_>, row: usize, out: &mut Vec<u8>) {
    number("id", rows.request_id.get(row), out);
    text("rrname", rows.request_resource.get(row), out);
    text("rrtype", rows.request_type.get(row), out);
}

fn records(rows: &Requests<'_>, row: usize, out: &mut Vec<u8>) {
    let asked = rows.request_type.get(row);
    let found = || answers(rows.response_result.get(row)).filter(|(kind, ..)| is_answer(kind, asked));
    if found().next().is_none() {
        return;
    }
    out.extend_from_slice(b",\"answers\":[");
    for (nth, (kind, value, ttl)) in found().enumerate() {
        out.extend_from_slice(if nth == 0 { b"{\"rrtype\":" } else { b",{\"rrtype\":" });
        quote(kind.as_bytes(), out);
        out.extend_from_slice(b",\"ttl\":");
        put_int(ttl.parse::<u32>().unwrap_or(0), out);
        text("rdata", value, out);
        out.push(b'}');
    }
    out.push(b']');
}
