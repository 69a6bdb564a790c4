//! Rows of the L4 log on their way into columns. They wait for each other, as those of the L7 log do (`requests`), so that a column is written for
//! several of them at once.

use super::Seen;
use super::rows::{FlowEnds, seconds, write_tunnel};
use crate::document::PairKey;
use crate::document::rows::{set_each, write_ip, write_seen};
use crate::flow::cold::{L7Counts, Troubles};
use crate::flow::history::History;
use crate::flow::measure::{self, Rare, Traffic};
use crate::flow::{Cold, Flow, Outside, state};
use crate::packet::TCP;
use crate::table::Layout;
use crate::table::generated::L4FlowLog;

/// What a row says, but for the names of interfaces and processes.
struct Row {
    ends: FlowEnds,
    start_us: i64,
    end_us: i64,
    macs: [u64; 2],
    history: History,
    traffic: Traffic,
    /// Packets and bytes since the flow began.
    total: [[u64; 2]; 2],
    rare: Rare,
    l7: L7Counts,
    tls_rtt_us: u32,
    troubles: Troubles,
    tunnel: Option<Box<Outside>>,
    first_seq: [u32; 2],
    tcp_flags: [u8; 2],
    merged: u32,
    close_type: u8,
    direction_score: u8,
    l7_protocol: u8,
    is_new: bool,
    /// Something is told of its requests, or of ICMP errors.
    has_extra: bool,
}

/// Rows that wait.
#[derive(Default)]
pub struct Waiting {
    rows: Vec<Row>,
}

impl Waiting {
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Puts the row of a flow: what happened since its last one. `end` is its `close_type`, when that was, and how many flows more it tells of.
    pub fn put(&mut self, over: (&Flow, &Cold, Option<&Rare>), pair: PairKey, end: (u8, i64, u32)) {
        let ((flow, cold, rare), (close_type, end_us, merged)) = (over, end);
        let traffic = cold.traffic();
        let mut total = cold.total();
        for (total, since) in total.iter_mut().flatten().zip([traffic.packet, traffic.byte].iter().flatten()) {
            *total += since;
        }
        let extra = cold.extra();
        let [client, server] = &flow.directions;
        self.rows.push(Row {
            ends: FlowEnds::of(flow, cold, pair),
            start_us: flow.start_us,
            end_us: end_us.max(flow.start_us),
            macs: [cold.mac(0), cold.mac(1)],
            history: flow.history,
            traffic,
            total,
            rare: rare.copied().unwrap_or_default(),
            l7: extra.map(|extra| extra.l7).unwrap_or_default(),
            tls_rtt_us: extra.map_or(0, |extra| extra.tls_rtt_us),
            troubles: cold.troubles().copied().unwrap_or_default(),
            tunnel: cold.tunnel().map(|tunnel| Box::new(*tunnel)),
            first_seq: [client.first_seq, server.first_seq],
            tcp_flags: [client.flags, server.flags],
            merged,
            close_type,
            direction_score: flow.direction_score,
            l7_protocol: cold.l7_protocol,
            is_new: flow.is_new,
            has_extra: extra.is_some(),
        });
    }

    /// Writes them, and waits for others.
    pub fn write(&mut self, table: &mut L4FlowLog, seen: &Seen) {
        let (first, rows) = (table.rows(), self.rows.as_slice());
        write_common(table, first, rows, seen);
        write_traffic(table, first, rows);
        if rows.iter().any(|row| row.has_extra) {
            write_extra(table, first, rows);
        }
        write_rare(table, first, rows);
        for (at, row) in (first..).zip(rows) {
            if let Some(tunnel) = &row.tunnel {
                write_tunnel!(table, at, &**tunnel);
            }
            let processes = row.ends.processes;
            if processes != [0, 0] {
                table.process_kname_0.set(at, seen.process(processes[0]));
                table.process_kname_1.set(at, seen.process(processes[1]));
            }
            table.commit();
        }
        self.rows.clear();
    }
}

/// Where a flow was seen, what it is, and how it began and ended.
fn write_common(table: &mut L4FlowLog, first: usize, rows: &[Row], seen: &Seen) {
    write_seen!(table, first, rows, seen, |row| row.ends.pair);
    write_ip!(table, first, rows, ip4_0, ip6_0, |row| row.ends.pair.is_ipv6, row.ends.pair.client);
    write_ip!(table, first, rows, ip4_1, ip6_1, |row| row.ends.pair.is_ipv6, row.ends.pair.server);
    set_each!(
        table,
        first,
        rows,
        |row| time = seconds(row.end_us),
        start_time = row.start_us,
        end_time = row.end_us,
        duration = (row.end_us - row.start_us) as u64,
        is_ipv4 = u8::from(!row.ends.pair.is_ipv6),
        flow_id = row.ends.flow_id,
        client_port = row.ends.client_port,
        vlan = row.ends.vlan,
        vlan_inner = row.ends.vlan_inner,
        process_id_0 = row.ends.processes[0],
        process_id_1 = row.ends.processes[1],
        mac_0 = row.macs[0],
        mac_1 = row.macs[1],
        direction_score = row.direction_score,
        l7_protocol = row.l7_protocol,
        is_new_flow = u8::from(row.is_new),
        merged_flow = row.merged,
        close_type = row.close_type,
        status = state::status(row.close_type, row.ends.pair.protocol == TCP),
        tcp_flags_bit_0 = u16::from(row.tcp_flags[0]),
        tcp_flags_bit_1 = u16::from(row.tcp_flags[1]),
        syn_seq = row.first_seq[0],
        syn_ack_seq = row.first_seq[1],
    );
    // Neighbours often did the same.
    let (mut last, mut key) = (History::default(), 0);
    for (at, row) in (first..).zip(rows) {
        if row.history != last {
            (last, key) = (row.history, row.history.text(|text| table.history.intern(text)));
        }
        table.history.set_key(at, key);
    }
}

/// What a flow sent.
fn write_traffic(table: &mut L4FlowLog, first: usize, rows: &[Row]) {
    set_each!(
        table,
        first,
        rows,
        |row| packet_tx = row.traffic.packet[0],
        packet_rx = row.traffic.packet[1],
        byte_tx = row.traffic.byte[0],
        byte_rx = row.traffic.byte[1],
        l3_byte_tx = row.traffic.l3_byte[0],
        l3_byte_rx = row.traffic.l3_byte[1],
        l4_byte_tx = row.traffic.l4_byte[0],
        l4_byte_rx = row.traffic.l4_byte[1],
        total_packet_tx = row.total[0][0],
        total_packet_rx = row.total[0][1],
        total_byte_tx = row.total[1][0],
        total_byte_rx = row.total[1][1],
    );
}

/// What is told of its requests, and of ICMP errors.
fn write_extra(table: &mut L4FlowLog, first: usize, rows: &[Row]) {
    set_each!(
        table,
        first,
        rows,
        |row| l7_request = u64::from(row.l7.request),
        l7_response = u64::from(row.l7.response),
        l7_parse_failed = u64::from(row.l7.parse_failed),
        l7_client_error = u64::from(row.l7.client_error),
        l7_server_error = u64::from(row.l7.server_error),
        l7_timeout = u64::from(row.l7.timeout),
        tls_rtt = row.tls_rtt_us,
        icmp_unreachable = row.troubles.unreachable,
        icmp_unreachable_code = row.troubles.code,
        icmp_time_exceeded = row.troubles.time_exceeded,
        icmp_too_big = row.troubles.too_big,
        icmp_mtu = row.troubles.mtu,
        icmp_other = row.troubles.other,
    );
}

fn write_rare(table: &mut L4FlowLog, first: usize, rows: &[Row]) {
    set_each!(
        table,
        first,
        rows,
        |row| syn_count = row.rare.tcp[measure::SYN],
        synack_count = row.rare.tcp[measure::SYNACK],
        fin_count = row.rare.tcp[measure::FIN],
        retrans_tx = row.rare.tcp[measure::RETRANS],
        retrans_rx = row.rare.tcp[measure::RETRANS + 1],
        retrans_syn = row.rare.tcp[measure::RETRANS_SYN],
        retrans_synack = row.rare.tcp[measure::RETRANS_SYNACK],
        zero_win_tx = row.rare.tcp[measure::ZERO_WINDOW],
        zero_win_rx = row.rare.tcp[measure::ZERO_WINDOW + 1],
        ooo_tx = row.rare.tcp[measure::OUT_OF_ORDER],
        ooo_rx = row.rare.tcp[measure::OUT_OF_ORDER + 1],
        rtt = row.rare.rtt_us,
        rtt_client_sum = row.rare.delays[measure::RTT_CLIENT].sum,
        rtt_client_count = row.rare.delays[measure::RTT_CLIENT].count,
        rtt_client_max = row.rare.delays[measure::RTT_CLIENT].max,
        rtt_server_sum = row.rare.delays[measure::RTT_SERVER].sum,
        rtt_server_count = row.rare.delays[measure::RTT_SERVER].count,
        rtt_server_max = row.rare.delays[measure::RTT_SERVER].max,
        srt_sum = row.rare.delays[measure::SRT].sum,
        srt_count = row.rare.delays[measure::SRT].count,
        srt_max = row.rare.delays[measure::SRT].max,
        art_sum = row.rare.delays[measure::ART].sum,
        art_count = row.rare.delays[measure::ART].count,
        art_max = row.rare.delays[measure::ART].max,
        cit_sum = row.rare.delays[measure::CIT].sum,
        cit_count = row.rare.delays[measure::CIT].count,
        cit_max = row.rare.delays[measure::CIT].max,
    );
}
