//! Rows of `flow_metrics.network` and `flow_metrics.network_map`.

use super::meter::{Meter, Meters, NONE};
use super::places::Places;
use crate::engine::Output;
use crate::flow::measure;
use crate::table::Layout;

/// Sets a column unless the value is the default, which needs no setting.
macro_rules! set {
    ($table:expr, $row:expr, $($column:ident = $value:expr),+ $(,)?) => {
        $(
            let value = $value;
            if value != 0 {
                $table.$column.set($row, value);
            }
        )+
    };
}
pub(crate) use set;

/// Writes the measures that both tables have.
macro_rules! write_meter {
    ($table:expr, $row:expr, $meter:expr, $alive:expr) => {{
        let (table, row, meter) = (&mut *$table, $row, $meter);
        let traffic = &meter.traffic;
        set!(table, row,
            packet_tx = traffic.packet[0], packet_rx = traffic.packet[1],
            byte_tx = traffic.byte[0], byte_rx = traffic.byte[1],
            l3_byte_tx = traffic.l3_byte[0], l3_byte_rx = traffic.l3_byte[1],
            l4_byte_tx = traffic.l4_byte[0], l4_byte_rx = traffic.l4_byte[1],
            new_flow = meter.new_flow, closed_flow = meter.closed_flow, flow_load = u64::from($alive),
        );
        let tcp = meter.tcp.map(|count| count as u32);
        set!(table, row,
            syn_count = tcp[measure::SYN], synack_count = tcp[measure::SYNACK], fin_count = tcp[measure::FIN],
            retrans_tx = tcp[measure::RETRANS], retrans_rx = tcp[measure::RETRANS + 1],
            retrans_syn = tcp[measure::RETRANS_SYN], retrans_synack = tcp[measure::RETRANS_SYNACK],
            zero_win_tx = tcp[measure::ZERO_WINDOW], zero_win_rx = tcp[measure::ZERO_WINDOW + 1],
            ooo_tx = tcp[measure::OUT_OF_ORDER], ooo_rx = tcp[measure::OUT_OF_ORDER + 1],
        );
        let [rtt, client, server, srt, art, cit] = &meter.delays;
        set!(table, row,
            rtt_sum = rtt.sum, rtt_count = rtt.count, rtt_max = rtt.max,
            rtt_client_sum = client.sum, rtt_client_count = client.count, rtt_client_max = client.max,
            rtt_server_sum = server.sum, rtt_server_count = server.count, rtt_server_max = server.max,
            srt_sum = srt.sum, srt_count = srt.count, srt_max = srt.max,
            art_sum = art.sum, art_count = art.count, art_max = art.max,
            cit_sum = cit.sum, cit_count = cit.count, cit_max = cit.max,
        );
        let failures = meter.failures.map(|count| count as u32);
        set!(table, row,
            client_establish_fail = failures[0], server_establish_fail = failures[1], tcp_transfer_fail = failures[2],
            tcp_rst_fail = failures[3], tcp_timeout = failures[4],
        );
    }};
}

/// Writes where it was seen, which every table has.
macro_rules! write_seen {
    ($table:expr, $row:expr, $key:expr, $seen:expr) => {{
        let (table, row, key, seen) = (&mut *$table, $row, $key, $seen);
        set!(table, row, agent_id = seen.agent_id, server_port = key.server_port, protocol = key.protocol);
        let nic = seen.nic(key.nic);
        set!(table, row, capture_nic_type = nic.kind);
        table.capture_nic.set(row, &nic.name);
        table.observation_point.set(row, crate::engine::OBSERVATION_POINTS[usize::from(key.observation_point)]);
    }};
}
pub(crate) use write_seen;

/// Writes the address of one end.
macro_rules! write_end {
    ($table:expr, $row:expr, $key:expr) => {{
        let (table, row, key) = (&mut *$table, $row, $key);
        if key.is_ipv6 {
            table.ip6.set(row, crate::engine::ip6(key.ip));
        } else {
            table.is_ipv4.set(row, 1);
            table.ip4.set(row, key.ip[1] as u32);
        }
    }};
}
pub(crate) use write_end;

/// Writes the addresses of both ends.
macro_rules! write_ends {
    ($table:expr, $row:expr, $is_ipv6:expr, $client:expr, $server:expr) => {{
        let (table, row, client, server) = (&mut *$table, $row, $client, $server);
        if $is_ipv6 {
            table.ip6_0.set(row, crate::engine::ip6(client));
            table.ip6_1.set(row, crate::engine::ip6(server));
        } else {
            table.is_ipv4.set(row, 1);
            table.ip4_0.set(row, client[1] as u32);
            table.ip4_1.set(row, server[1] as u32);
        }
    }};
}
pub(crate) use write_ends;

/// Writes one interval: a row per pair, and a row per end with the sum of its pairs.
pub(super) fn write(places: &mut Places, meters: &Meters, interval: usize, time_s: u32, output: &mut Output) {
    let mut ends = Meters::default();
    for (number, meter) in meters.iter() {
        let pair = &places.pairs[number as usize];
        for end in pair.ends {
            ends.of(&mut places.ends[end as usize].meter, end).add(meter);
        }
        let (table, seen) = output.network_map(interval);
        let row = table.rows();
        table.time.set(row, time_s);
        write_ends!(table, row, pair.key.is_ipv6, pair.key.client, pair.key.server);
        write_seen!(table, row, &pair.key, seen);
        write_meter!(table, row, meter, pair.alive);
        table.commit();
        output.network_map_written(interval);
    }
    for (number, meter) in ends.iter() {
        let end = &mut places.ends[number as usize];
        end.meter = NONE;
        write_one(end.alive, &end.key, meter, interval, time_s, output);
    }
}

fn write_one(alive: u32, key: &super::places::EndKey, meter: &Meter, interval: usize, time_s: u32, output: &mut Output) {
    let (table, seen) = output.network(interval);
    let row = table.rows();
    table.time.set(row, time_s);
    write_end!(table, row, key);
    set!(table, row, role = key.role);
    write_seen!(table, row, key, seen);
    write_meter!(table, row, meter, alive);
    table.commit();
    output.network_written(interval);
}
