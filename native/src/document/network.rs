//! Rows of `flow_metrics.network` and `flow_metrics.network_map`, some at a time: a column is written for all of them before the next one.

use super::meter::Measures;
use super::places::{EndKey, PairKey};
use super::rows::{set_each, write_ip, write_seen};
use crate::engine::Output;
use crate::flow::measure;
use crate::table::Layout;

/// Rows that are written together at most: enough that what a column costs by itself is divided by many, few enough to stay in the cache.
pub(super) const TOGETHER: usize = 16;

/// What a row is about, and how many of its flows are alive.
pub(super) type Alive<K> = (K, u32);

/// Writes the measures that both tables have.
macro_rules! write_meters {
    ($table:expr, $first:expr, $alive:expr, $meters:expr) => {{
        let (table, first, alive, meters) = (&mut *$table, $first, $alive, $meters);
        set_each!(table, first, alive, |row| flow_load = u64::from(row.1));
        let any = &M::any(meters);
        set_each!(
            table,
            first,
            meters,
            any any,
            |meter| packet_tx = meter.traffic().packet[0],
            packet_rx = meter.traffic().packet[1],
            byte_tx = meter.traffic().byte[0],
            byte_rx = meter.traffic().byte[1],
            l3_byte_tx = meter.traffic().l3_byte[0],
            l3_byte_rx = meter.traffic().l3_byte[1],
            l4_byte_tx = meter.traffic().l4_byte[0],
            l4_byte_rx = meter.traffic().l4_byte[1],
            new_flow = u64::from(meter.new_flow()),
            closed_flow = u64::from(meter.closed_flow()),
            syn_count = meter.tcp(measure::SYN),
            synack_count = meter.tcp(measure::SYNACK),
            fin_count = meter.tcp(measure::FIN),
            retrans_tx = meter.tcp(measure::RETRANS),
            retrans_rx = meter.tcp(measure::RETRANS + 1),
            retrans_syn = meter.tcp(measure::RETRANS_SYN),
            retrans_synack = meter.tcp(measure::RETRANS_SYNACK),
            zero_win_tx = meter.tcp(measure::ZERO_WINDOW),
            zero_win_rx = meter.tcp(measure::ZERO_WINDOW + 1),
            ooo_tx = meter.tcp(measure::OUT_OF_ORDER),
            ooo_rx = meter.tcp(measure::OUT_OF_ORDER + 1),
            rtt_sum = meter.delay(0).sum,
            rtt_count = meter.delay(0).count,
            rtt_max = meter.delay(0).max,
            rtt_client_sum = meter.delay(1 + measure::RTT_CLIENT).sum,
            rtt_client_count = meter.delay(1 + measure::RTT_CLIENT).count,
            rtt_client_max = meter.delay(1 + measure::RTT_CLIENT).max,
            rtt_server_sum = meter.delay(1 + measure::RTT_SERVER).sum,
            rtt_server_count = meter.delay(1 + measure::RTT_SERVER).count,
            rtt_server_max = meter.delay(1 + measure::RTT_SERVER).max,
            srt_sum = meter.delay(1 + measure::SRT).sum,
            srt_count = meter.delay(1 + measure::SRT).count,
            srt_max = meter.delay(1 + measure::SRT).max,
            art_sum = meter.delay(1 + measure::ART).sum,
            art_count = meter.delay(1 + measure::ART).count,
            art_max = meter.delay(1 + measure::ART).max,
            cit_sum = meter.delay(1 + measure::CIT).sum,
            cit_count = meter.delay(1 + measure::CIT).count,
            cit_max = meter.delay(1 + measure::CIT).max,
            client_establish_fail = meter.failures(0),
            server_establish_fail = meter.failures(1),
            tcp_transfer_fail = meter.failures(2),
            tcp_rst_fail = meter.failures(3),
            tcp_timeout = meter.failures(4),
        );
    }};
}

/// Writes the rows of pairs, up to [`TOGETHER`] of them, each with its meter.
pub(super) fn write_pairs<M: Measures>(pairs: &[Alive<PairKey>], meters: &[&M], when: (usize, u32), output: &mut Output) {
    let (table, seen) = output.network_map(when.0);
    let first = table.rows();
    table.time.set_all(first..first + pairs.len(), when.1);
    set_each!(table, first, pairs, |row| is_ipv4 = u8::from(!row.0.is_ipv6));
    write_ip!(table, first, pairs, ip4_0, ip6_0, |row| row.0.is_ipv6, row.0.client);
    write_ip!(table, first, pairs, ip4_1, ip6_1, |row| row.0.is_ipv6, row.0.server);
    write_seen!(table, first, pairs, seen, |row| row.0);
    write_meters!(table, first, pairs, meters);
    pairs.iter().for_each(|_| table.commit());
    output.network_map_written(when.0);
}

/// The same of ends.
pub(super) fn write_ends<M: Measures>(ends: &[Alive<EndKey>], meters: &[&M], when: (usize, u32), output: &mut Output) {
    let (table, seen) = output.network(when.0);
    let first = table.rows();
    table.time.set_all(first..first + ends.len(), when.1);
    set_each!(table, first, ends, |row| is_ipv4 = u8::from(!row.0.is_ipv6), role = row.0.role);
    write_ip!(table, first, ends, ip4, ip6, |row| row.0.is_ipv6, row.0.ip);
    write_seen!(table, first, ends, seen, |row| row.0);
    write_meters!(table, first, ends, meters);
    ends.iter().for_each(|_| table.commit());
    output.network_written(when.0);
}
