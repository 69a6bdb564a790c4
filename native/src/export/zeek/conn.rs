//! `conn.log`: a line a flow.

use super::tsv::{Log, Schema};
use crate::export::connection::{Connection, service};
use crate::export::view::Flows;
use crate::packet::{ICMP, ICMP6};

pub static CONN: Schema = Schema {
    file: "conn.log",
    path: "conn",
    fields: &[
        ("proto", "enum"),
        ("service", "string"),
        ("duration", "interval"),
        ("orig_bytes", "count"),
        ("resp_bytes", "count"),
        ("conn_state", "string"),
        ("local_orig", "bool"),
        ("local_resp", "bool"),
        ("missed_bytes", "count"),
        ("history", "string"),
        ("orig_pkts", "count"),
        ("orig_ip_bytes", "count"),
        ("resp_pkts", "count"),
        ("resp_ip_bytes", "count"),
        ("tunnel_parents", "set[string]"),
        ("vlan", "int"),
        ("inner_vlan", "int"),
    ],
};

pub fn write(flows: &Flows<'_>, row: usize, log: &mut Log) {
    let ends = flows.ends(row);
    let packets = [flows.packet_tx.get(row), flows.packet_rx.get(row)];
    let connection = Connection {
        protocol: ends.protocol,
        flags: [flows.flags_0.get(row) as u8, flows.flags_1.get(row) as u8],
        packets,
    };
    log.start(flows.start_time.get(row), flows.flow_id.get(row), &ends);
    log.protocol(ends.protocol);
    log.word(service(flows.l7_protocol.get(row)));
    // One packet takes no time.
    let took_us = flows.end_time.get(row) - flows.start_time.get(row);
    log.interval((packets[0] + packets[1] > 1).then_some(took_us));
    log.count(Some(flows.l4_byte_tx.get(row)));
    log.count(Some(flows.l4_byte_rx.get(row)));
    log.word(connection.zeek());
    log.unset(3);
    let is_icmp = matches!(ends.protocol, ICMP | ICMP6);
    log.word(if is_icmp { "" } else { flows.history.get(row) });
    // An IP packet has its header, without options: those are not in the column.
    let header = if flows.is_ipv4.get(row) != 0 { 20 } else { 40 };
    for (packets, l3_byte) in packets.into_iter().zip([flows.l3_byte_tx, flows.l3_byte_rx]) {
        log.count(Some(packets));
        log.count(Some(l3_byte.get(row) + packets * header));
    }
    log.unset(1);
    for vlan in [flows.vlan, flows.vlan_inner] {
        log.count(Some(u64::from(vlan.get(row))).filter(|vlan| *vlan != 0));
    }
    log.end_line();
}
