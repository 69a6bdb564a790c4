//! Rows of `flow_metrics.network` and `flow_metrics.network_map`.

use super::meter::Meter;
use super::places::{EndKey, PairKey};
use super::rows::{set, write_end, write_ends, write_seen};
use crate::engine::Output;
use crate::flow::measure;
use crate::table::Layout;

/// Writes the measures that both tables have.
macro_rules! write_meter {
    ($table:expr, $row:expr, $meter:expr, $alive:expr) => {{
        let (table, row, meter) = (&mut *$table, $row, $meter);
        let traffic = &meter.traffic;
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
            new_flow = u64::from(meter.new_flow),
            closed_flow = u64::from(meter.closed_flow),
            flow_load = u64::from($alive),
        );
        let tcp = &meter.tcp;
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
        );
        let [rtt, client, server, srt, art, cit] = &meter.delays;
        set!(
            table,
            row,
            rtt_sum = rtt.sum,
            rtt_count = rtt.count,
            rtt_max = rtt.max,
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
        let failures = &meter.failures;
        set!(
            table,
            row,
            client_establish_fail = failures[0],
            server_establish_fail = failures[1],
            tcp_transfer_fail = failures[2],
            tcp_rst_fail = failures[3],
            tcp_timeout = failures[4],
        );
    }};
}

/// Writes the row of a pair, of which so many flows are alive.
pub(super) fn write_pair(alive: u32, key: &PairKey, meter: &Meter, when: (usize, u32), output: &mut Output) {
    let (table, seen) = output.network_map(when.0);
    let row = table.rows();
    table.time.set(row, when.1);
    write_ends!(table, row, key.is_ipv6, key.client, key.server);
    write_seen!(table, row, key, seen);
    write_meter!(table, row, meter, alive);
    table.commit();
    output.network_map_written(when.0);
}

/// The same of an end.
pub(super) fn write_end(alive: u32, key: &EndKey, meter: &Meter, when: (usize, u32), output: &mut Output) {
    let (table, seen) = output.network(when.0);
    let row = table.rows();
    table.time.set(row, when.1);
    write_end!(table, row, key);
    set!(table, row, role = key.role);
    write_seen!(table, row, key, seen);
    write_meter!(table, row, meter, alive);
    table.commit();
    output.network_written(when.0);
}
