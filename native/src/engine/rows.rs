//! Rows of `flow_log`: a flow or a request becomes columns.

use super::{Output, Seen};
use crate::document::rows::{set, set_each, write_ip};
use crate::document::{Documents, L7Meter, PairKey};
use crate::flow::measure::{self, Delay, Rare};
use crate::flow::{Cold, Flow, state};
use crate::l7::{Finished, L7Row, L7Sink, RowType, Status, Tells};
use crate::packet::{Ip, TCP};
use crate::table::Layout;
use crate::table::generated::L4FlowLog;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Writes what was taken off a flow's packets.
macro_rules! write_tunnel {
    ($table:expr, $row:expr, $tunnel:expr) => {{
        let (table, row) = (&mut *$table, $row);
        let $crate::flow::Outside {
            tunnels: [outer, inner],
            ends,
        } = $tunnel;
        $crate::document::rows::set!(
            table,
            row,
            tunnel_tier = 1 + u8::from(inner.kind != $crate::packet::tunnel::Kind::None),
            tunnel_type = outer.kind as u8,
            tunnel_id = outer.id,
            tunnel_inner_type = inner.kind as u8,
            tunnel_inner_id = inner.id,
        );
        if let Some((ips, is_ipv6)) = ends {
            table.tunnel_ip_0.set(row, &$crate::engine::rows::address(ips[0], *is_ipv6));
            table.tunnel_ip_1.set(row, &$crate::engine::rows::address(ips[1], *is_ipv6));
        }
    }};
}
pub(super) use write_tunnel;

/// An address as text.
pub(super) fn address(ip: Ip, is_ipv6: bool) -> String {
    if is_ipv6 {
        Ipv6Addr::from(super::ip6(ip)).to_string()
    } else {
        Ipv4Addr::from(ip[1] as u32).to_string()
    }
}

/// What the rows of one flow have in common.
#[derive(Clone, Copy, Debug)]
pub struct FlowEnds {
    pub pair: PairKey,
    pub flow_id: u64,
    pub client_port: u16,
    pub vlan: u16,
    pub vlan_inner: u16,
    pub processes: [u32; 2],
}

impl FlowEnds {
    pub fn of(flow: &Flow, cold: &Cold, pair: PairKey) -> FlowEnds {
        FlowEnds {
            pair,
            flow_id: cold.id,
            client_port: flow.client().1,
            vlan: cold.vlan,
            vlan_inner: cold.vlan_inner,
            processes: cold.processes,
        }
    }
}

/// Writes a flow's ends and where it was seen.
fn write_flow(table: &mut L4FlowLog, row: usize, ends: &FlowEnds, seen: &Seen) {
    let nic = seen.nic(ends.pair.nic);
    if ends.processes != [0, 0] {
        table.process_kname_0.set(row, seen.process(ends.processes[0]));
        table.process_kname_1.set(row, seen.process(ends.processes[1]));
    }
    let pair = &[ends.pair];
    set_each!(table, row, pair, |pair| is_ipv4 = u8::from(!pair.is_ipv6));
    write_ip!(table, row, pair, ip4_0, ip6_0, |pair| pair.is_ipv6, pair.client);
    write_ip!(table, row, pair, ip4_1, ip6_1, |pair| pair.is_ipv6, pair.server);
    if !nic.name.is_empty() {
        table.capture_nic.set(row, &nic.name);
    }
    table
        .observation_point
        .set_word(row, super::OBSERVATION_POINTS[usize::from(ends.pair.observation_point)]);
    set!(
        table,
        row,
        flow_id = ends.flow_id,
        client_port = ends.client_port,
        server_port = ends.pair.server_port,
        protocol = ends.pair.protocol,
        capture_nic_type = nic.kind,
        vlan = ends.vlan,
        vlan_inner = ends.vlan_inner,
        process_id_0 = ends.processes[0],
        process_id_1 = ends.processes[1],
    );
}

/// Writes the row of a flow: what happened since its last one. `end` is its `close_type`, when that was, and how many flows more it tells of.
pub fn write_l4(output: &mut Output, over: (&Flow, &Cold, Option<&Rare>), pair: PairKey, end: (u8, i64, u32)) {
    let ((flow, cold, rare), (close_type, end_us, merged)) = (over, end);
    let (table, seen) = output.l4();
    let row = table.rows();
    let end_us = end_us.max(flow.start_us);
    write_flow(table, row, &FlowEnds::of(flow, cold, pair), seen);
    if let Some(tunnel) = cold.tunnel() {
        write_tunnel!(table, row, tunnel);
    }
    table.time.set(row, seconds(end_us));
    table.start_time.set(row, flow.start_us);
    table.end_time.set(row, end_us);
    let is_tcp = pair.protocol == TCP;
    set!(
        table,
        row,
        duration = (end_us - flow.start_us) as u64,
        agent_id = seen.agent_id,
        mac_0 = cold.mac(0),
        mac_1 = cold.mac(1),
        direction_score = flow.direction_score,
        l7_protocol = cold.l7_protocol,
        is_new_flow = u8::from(flow.is_new),
        merged_flow = merged,
        close_type = close_type,
        status = state::status(close_type, is_tcp),
        tcp_flags_bit_0 = u16::from(flow.directions[0].flags),
        tcp_flags_bit_1 = u16::from(flow.directions[1].flags),
        syn_seq = flow.directions[0].first_seq,
        syn_ack_seq = flow.directions[1].first_seq,
    );
    flow.history.text(|text| table.history.set(row, text));
    let (traffic, [total_packet, total_byte]) = (cold.traffic(), cold.total());
    set!(
        table,
        row,
        packet_tx = traffic.packet[0],
        packet_rx = traffic.packet[1],
        byte_tx = traffic.byte[0],
        byte_rx = traffic.byte[1],
        l3_byte_tx = traffic.l3_byte[0],
        l3_byte_rx = traffic.l3_byte[1],
        l4_byte_tx = traffic.l4_byte[0],
        l4_byte_rx = traffic.l4_byte[1],
        total_packet_tx = total_packet[0] + traffic.packet[0],
        total_packet_rx = total_packet[1] + traffic.packet[1],
        total_byte_tx = total_byte[0] + traffic.byte[0],
        total_byte_rx = total_byte[1] + traffic.byte[1],
    );
    if let Some(extra) = cold.extra() {
        set!(
            table,
            row,
            l7_request = u64::from(extra.l7.request),
            l7_response = u64::from(extra.l7.response),
            l7_parse_failed = u64::from(extra.l7.parse_failed),
            l7_client_error = u64::from(extra.l7.client_error),
            l7_server_error = u64::from(extra.l7.server_error),
            l7_timeout = u64::from(extra.l7.timeout),
            tls_rtt = extra.tls_rtt_us,
        );
    }
    if let Some(troubles) = cold.troubles() {
        set!(
            table,
            row,
            icmp_unreachable = troubles.unreachable,
            icmp_unreachable_code = troubles.code,
            icmp_time_exceeded = troubles.time_exceeded,
            icmp_too_big = troubles.too_big,
            icmp_mtu = troubles.mtu,
            icmp_other = troubles.other,
        );
    }
    if let Some(rare) = rare {
        write_rare(table, row, rare);
    }
    table.commit();
    output.l4_written();
}

fn write_rare(table: &mut L4FlowLog, row: usize, rare: &Rare) {
    let tcp = &rare.tcp;
    set!(
        table,
        row,
        syn_count = tcp[measure::SYN],
        synack_count = tcp[measure::SYNACK],
        fin_count = tcp[measure::FIN],
        retrans_tx = tcp[measure::RETRANS],
        retrans_rx = tcp[measure::RETRANS + 1],
        retrans_syn = tcp[measure::RETRANS_SYN],
        retrans_synack = tcp[measure::RETRANS_SYNACK],
        zero_win_tx = tcp[measure::ZERO_WINDOW],
        zero_win_rx = tcp[measure::ZERO_WINDOW + 1],
        ooo_tx = tcp[measure::OUT_OF_ORDER],
        ooo_rx = tcp[measure::OUT_OF_ORDER + 1],
        rtt = rare.rtt_us,
    );
    let [client, server, srt, art, cit] = &rare.delays;
    set!(
        table,
        row,
        rtt_client_sum = client.sum,
        rtt_client_count = client.count,
        rtt_client_max = client.max,
        rtt_server_sum = server.sum,
        rtt_server_count = server.count,
        rtt_server_max = server.max,
        srt_sum = srt.sum,
        srt_count = srt.count,
        srt_max = srt.max,
        art_sum = art.sum,
        art_count = art.count,
        art_max = art.max,
        cit_sum = cit.sum,
        cit_count = cit.count,
        cit_max = cit.max,
    );
}

/// The last second there is, with room for every timeout behind it.
const LAST_S: i64 = u32::MAX as i64 - 200_000;

/// Seconds of a time in µs, as ClickHouse's `DateTime` has them.
pub fn seconds(us: i64) -> u32 {
    us.div_euclid(1_000_000).clamp(0, LAST_S) as u32
}

/// Takes the requests of one flow.
pub struct RowSink<'a> {
    pub output: &'a mut Output,
    pub documents: &'a mut Documents,
    pub flow: &'a Flow,
    pub cold: &'a Cold,
    pub writes_log: bool,
}

impl L7Sink for RowSink<'_> {
    fn row(&mut self, row: &L7Row<'_>) {
        self.count(row);
        if self.writes_log && self.output.may_write_l7() {
            self.output.write_l7(row, &self.ends(), self.cold.tunnel());
        }
    }

    fn finished(&mut self, finished: Finished) {
        self.count(&finished);
        if self.writes_log && self.output.may_write_l7() {
            let ends = self.ends();
            self.output.keep_l7(finished, &ends, self.cold.tunnel());
        } else {
            Finished::give_back([finished]);
        }
    }
}

impl RowSink<'_> {
    #[inline]
    fn ends(&self) -> FlowEnds {
        FlowEnds::of(self.flow, self.cold, self.documents.key(self.flow.pair))
    }

    #[inline]
    fn count(&mut self, row: &impl Tells) {
        let (row_type, status) = (row.row_type(), row.response_status());
        let mut counts = L7Meter {
            request: u64::from(row_type != RowType::Response),
            response: u64::from(row_type != RowType::Request),
            client_error: u32::from(status == Status::ClientError),
            server_error: u32::from(status == Status::ServerError),
            timeout: u32::from(status == Status::Timeout),
            rrt: Delay::default(),
        };
        if row_type == RowType::Session {
            counts.rrt.sample(0, row.response_duration_us() as i64, i64::MAX);
        }
        self.documents.add_l7(self.flow.pair, row.protocol(), row.endpoint(), &counts);
    }
}
