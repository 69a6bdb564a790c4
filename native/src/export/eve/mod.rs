//! Events in the form of Suricata's `eve.json` (<https://docs.suricata.io/en/latest/output/eve/eve-json-format.html>): an object a line,
//! joined by `flow_id`. What our rows do not know is left out.

mod app;

use super::connection::{Connection, service};
use super::logs::Lines;
use super::view::{Address, Ends, Flows, Requests, put_int};
use crate::block::calendar;
use crate::flow::state::close;
use crate::otlp::value::quote;
use crate::packet::{ICMP, ICMP6, TCP, UDP, flag};
use crate::table::Batch;
use foldhash::HashMap;
use std::io::Write;

/// Flows whose transactions are numbered; beyond that all begin again.
const MAX_NUMBERED: usize = 1 << 20;

#[derive(Default)]
pub struct Eve {
    /// Transactions seen so far of each flow: `tx_id`.
    transactions: HashMap<u64, u64>,
}

impl Eve {
    /// The lines of a batch, and how many of its rows have no event.
    pub fn lines(&mut self, batch: &Batch) -> (Vec<Lines>, u64) {
        let (mut lines, mut left_out) = (Lines::default(), 0);
        lines.file = "eve.json";
        if let Some(flows) = Flows::of(batch) {
            for row in 0..flows.rows {
                flow(&flows, row, &mut lines.text);
            }
            lines.records = flows.rows;
        } else if let Some(rows) = Requests::of(batch) {
            for row in 0..rows.rows {
                let events = match rows.l7_protocol.get(row) {
                    20..=22 | 41 | 49 => app::http(&rows, row, self.transaction(rows.flow_id.get(row)), &mut lines.text),
                    120 => app::dns(&rows, row, self.transaction(rows.flow_id.get(row)), &mut lines.text),
                    _ => 0,
                };
                lines.records += events;
                left_out += u64::from(events == 0);
            }
        }
        (if lines.text.is_empty() { Vec::new() } else { vec![lines] }, left_out)
    }

    fn transaction(&mut self, flow_id: u64) -> u64 {
        if self.transactions.len() >= MAX_NUMBERED {
            self.transactions.clear();
        }
        let next = self.transactions.entry(flow_id).or_default();
        *next += 1;
        *next - 1
    }
}

fn flow(flows: &Flows<'_>, row: usize, out: &mut Vec<u8>) {
    let ends = flows.ends(row);
    let (start_us, end_us) = (flows.start_time.get(row), flows.end_time.get(row));
    begin("flow", end_us, flows.flow_id.get(row), &ends, out);
    vlans([flows.vlan.get(row), flows.vlan_inner.get(row)], out);
    let app = service(flows.l7_protocol.get(row));
    if !app.is_empty() {
        text("app_proto", eve_name(app), out);
    }
    out.extend_from_slice(b",\"flow\":{\"pkts_toserver\":");
    put_int(flows.packet_tx.get(row), out);
    for (key, column) in [
        ("pkts_toclient", flows.packet_rx),
        ("bytes_toserver", flows.byte_tx),
        ("bytes_toclient", flows.byte_rx),
    ] {
        number(key, column.get(row), out);
    }
    time("start", start_us, out);
    time("end", end_us, out);
    number("age", end_us.div_euclid(1_000_000) - start_us.div_euclid(1_000_000), out);
    let connection = Connection {
        protocol: ends.protocol,
        flags: [flows.flags_0.get(row) as u8, flows.flags_1.get(row) as u8],
        packets: [flows.packet_tx.get(row), flows.packet_rx.get(row)],
    };
    text("state", connection.eve(), out);
    let is_forced = flows.close_type.get(row) == close::FORCED_REPORT;
    text("reason", if is_forced { "forced" } else { "timeout" }, out);
    out.extend_from_slice(b",\"alerted\":false}");
    if ends.protocol == TCP {
        tcp(&connection, out);
    }
    out.extend_from_slice(b"}\n");
}

fn tcp(connection: &Connection, out: &mut Vec<u8>) {
    let [client, server] = connection.flags;
    let both = client | server;
    let _ = write!(
        out,
        ",\"tcp\":{{\"tcp_flags\":\"{both:02x}\",\"tcp_flags_ts\":\"{client:02x}\",\"tcp_flags_tc\":\"{server:02x}\""
    );
    for (name, bit) in [
        ("syn", flag::SYN),
        ("fin", flag::FIN),
        ("rst", flag::RST),
        ("psh", flag::PSH),
        ("ack", flag::ACK),
    ] {
        if both & bit != 0 {
            let _ = write!(out, ",\"{name}\":true");
        }
    }
    text("state", connection.eve_tcp(), out);
    out.push(b'}');
}

/// Begins an event with what every event has.
fn begin(kind: &str, time_us: i64, flow_id: u64, ends: &Ends, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"timestamp\":\"");
    calendar::iso(time_us, true, out);
    out.extend_from_slice(b"+0000\",\"flow_id\":");
    put_int(short_id(flow_id), out);
    text("event_type", kind, out);
    for ((address, port), [address_key, port_key]) in ends
        .addresses
        .iter()
        .zip(ends.ports)
        .zip([["src_ip", "src_port"], ["dest_ip", "dest_port"]])
    {
        let _ = write!(out, ",\"{address_key}\":\"");
        match address {
            Address::V4(ip) => {
                let _ = write!(out, "{ip}");
            }
            // Every group with every digit, as Suricata has it.
            Address::V6(ip) => {
                for (nth, group) in ip.segments().iter().enumerate() {
                    let _ = write!(out, "{}{group:04x}", if nth > 0 { ":" } else { "" });
                }
            }
        }
        out.push(b'"');
        if matches!(ends.protocol, TCP | UDP | 132) {
            number(port_key, port, out);
        }
    }
    match ends.protocol {
        TCP => text("proto", "TCP", out),
        UDP => text("proto", "UDP", out),
        132 => text("proto", "SCTP", out),
        ICMP => text("proto", "ICMP", out),
        ICMP6 => text("proto", "IPv6-ICMP", out),
        other => {
            let _ = write!(out, ",\"proto\":\"{other:03}\"");
        }
    }
}

/// JSON readers keep 53 bits of a number: what is left of the id are 29 bits of the second and the running number, which one agent has once
/// in seventeen years.
fn short_id(flow_id: u64) -> u64 {
    (flow_id >> 32 & 0x1fff_ffff) << 24 | flow_id & 0xff_ffff
}

fn vlans(vlans: [u16; 2], out: &mut Vec<u8>) {
    match vlans {
        [0, _] => {}
        [outer, 0] => {
            let _ = write!(out, ",\"vlan\":[{outer}]");
        }
        [outer, inner] => {
            let _ = write!(out, ",\"vlan\":[{outer},{inner}]");
        }
    }
}

/// Suricata's name of an application protocol, where it is another one.
fn eve_name(service: &str) -> &str {
    match service {
        "ssl" => "tls",
        "postgresql" => "pgsql",
        "grpc" => "http2",
        other => other,
    }
}

fn key(key: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(b"\":");
}

fn text(name: &str, value: &str, out: &mut Vec<u8>) {
    key(name, out);
    quote(value.as_bytes(), out);
}

fn number(name: &str, value: impl itoa::Integer, out: &mut Vec<u8>) {
    key(name, out);
    put_int(value, out);
}

fn time(name: &str, time_us: i64, out: &mut Vec<u8>) {
    key(name, out);
    out.push(b'"');
    calendar::iso(time_us, true, out);
    out.extend_from_slice(b"+0000\"");
}
