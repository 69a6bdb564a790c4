//! Synthetic traffic through the engine.

mod fast_open;
mod limit;
mod turn;

use super::*;
use crate::column::Column;
use crate::packet::parse;
use crate::table::Batch;
use proptest::prelude::*;

/// A TCP or UDP packet between two of a few ends.
#[derive(Clone, Copy, Debug)]
struct Sent {
    time_us: i64,
    from: u8,
    to: u8,
    ports: (u16, u16),
    flags: u8,
    seq: u32,
    payload: u8,
    nic: u16,
    netns: u16,
    passing: Passing,
}

const SENT: Sent = Sent {
    time_us: 0,
    from: 1,
    to: 2,
    ports: (40_000, 80),
    flags: flag::ACK,
    seq: 1,
    payload: 0,
    nic: 0,
    netns: 0,
    passing: Passing::Unknown,
};

/// 2023-11-14 22:13:20, the twentieth second of a minute.
const BEGIN_US: i64 = 1_700_000_000_000_000;

fn bytes_of(sent: &Sent) -> Vec<u8> {
    let is_tcp = sent.flags != 0;
    let header = if is_tcp { 20 } else { 8 };
    let total = 20 + header + u16::from(sent.payload);
    let mut frame = vec![2, 0, 0, 0, 0, sent.to, 2, 0, 0, 0, 0, sent.from, 8, 0, 0x45, 0];
    frame.extend(total.to_be_bytes());
    frame.extend([
        0,
        0,
        0,
        0,
        64,
        if is_tcp { 6 } else { 17 },
        0,
        0,
        10,
        0,
        0,
        sent.from,
        10,
        0,
        0,
        sent.to,
    ]);
    frame.extend(sent.ports.0.to_be_bytes());
    frame.extend(sent.ports.1.to_be_bytes());
    if is_tcp {
        frame.extend(sent.seq.to_be_bytes());
        frame.extend([0, 0, 0, 0, 0x50, sent.flags, 1, 0, 0, 0, 0, 0]);
    } else {
        frame.extend([0, 8 + sent.payload, 0, 0]);
    }
    frame.extend(vec![b'x'; usize::from(sent.payload)]);
    frame
}

fn feed(core: &mut Core, all: &[Sent]) {
    for some in all.chunks(BATCH) {
        let bytes: Vec<Vec<u8>> = some.iter().map(bytes_of).collect();
        let mut frames: Vec<Frame<'_>> = some
            .iter()
            .zip(&bytes)
            .map(|(sent, bytes)| {
                let mut packet = parse(Link::Ethernet, bytes, bytes.len() as u32, BEGIN_US + sent.time_us).unwrap();
                (packet.nic, packet.netns) = (sent.nic, sent.netns);
                Frame {
                    packet,
                    bytes,
                    link: Link::Ethernet,
                    passing: sent.passing,
                }
            })
            .collect();
        core.frames(&mut frames);
    }
}

fn finished(core: &mut Core) -> Vec<Batch> {
    core.finish(false);
    std::iter::from_fn(|| core.output.take()).collect()
}

fn values(batches: &[Batch], table: &str, column: &str) -> Vec<u64> {
    let batches = batches.iter().filter(|batch| batch.table.name == format!("flow_{table}"));
    batches
        .flat_map(|batch| {
            let at = batch.table.columns.iter().position(|definition| definition.name == column).unwrap();
            (0..batch.rows).map(move |row| match &batch.columns[at] {
                Column::U8(values) => u64::from(values.get(row)),
                Column::U16(values) => u64::from(values.get(row)),
                Column::U32(values) | Column::Ip4(values) | Column::TimeS(values) => u64::from(values.get(row)),
                Column::U64(values) => values.get(row),
                _ => panic!("{column} is not a number"),
            })
        })
        .collect()
}

fn sum(batches: &[Batch], table: &str, column: &str) -> u64 {
    values(batches, table, column).iter().sum()
}

fn max(batches: &[Batch], table: &str, column: &str) -> u64 {
    values(batches, table, column).into_iter().max().unwrap_or(0)
}

const SUMS: [&str; 33] = [
    "packet_tx",
    "packet_rx",
    "byte_tx",
    "byte_rx",
    "l3_byte_tx",
    "l3_byte_rx",
    "l4_byte_tx",
    "l4_byte_rx",
    "syn_count",
    "synack_count",
    "fin_count",
    "retrans_tx",
    "retrans_rx",
    "retrans_syn",
    "retrans_synack",
    "zero_win_tx",
    "zero_win_rx",
    "ooo_tx",
    "ooo_rx",
    "rtt_client_sum",
    "rtt_client_count",
    "rtt_server_sum",
    "rtt_server_count",
    "srt_sum",
    "srt_count",
    "art_sum",
    "art_count",
    "cit_sum",
    "cit_count",
    "rtt_client_count",
    "srt_count",
    "art_count",
    "cit_count",
];

fn any_sent() -> impl Strategy<Value = Sent> {
    let flags = prop_oneof![
        Just(2u8),
        Just(18),
        Just(16),
        Just(24),
        Just(17),
        Just(4),
        Just(20),
        Just(0),
        any::<u8>()
    ];
    (0i64..3_000_000, 1u8..4, 1u8..4, 0u16..3, flags, 0u32..5000, 0u8..100).prop_map(|(step, from, to, port, flags, seq, payload)| Sent {
        time_us: step,
        from,
        to,
        ports: if from < to { (40_000 + port, 80) } else { (80, 40_000 + port) },
        flags,
        seq,
        payload,
        ..SENT
    })
}

/// Steps become times; now and then one goes back.
fn in_time(mut all: Vec<Sent>) -> Vec<Sent> {
    let mut now = 0;
    for sent in &mut all {
        now += if sent.time_us % 7 == 0 { -sent.time_us / 10 } else { sent.time_us };
        sent.time_us = now;
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn documents_add_up_to_flow_rows(all in proptest::collection::vec(any_sent(), 1..150), max_flows in 2u32..10) {
        let mut core = Core::new(Config { max_flows, batch_rows: 7, ..Config::default() }, false);
        let all = in_time(all);
        feed(&mut core, &all);
        let batches = finished(&mut core);
        prop_assert_eq!(sum(&batches, "log.l4_flow_log", "packet_tx") + sum(&batches, "log.l4_flow_log", "packet_rx"), all.len() as u64);
        for column in SUMS {
            let flows = sum(&batches, "log.l4_flow_log", column);
            for (table, ends) in [("metrics.network_map.1s", 1), ("metrics.network_map.1m", 1), ("metrics.network.1s", 2), ("metrics.network.1m", 2)] {
                prop_assert_eq!(sum(&batches, table, column), ends * flows, "{} of {}", column, table);
            }
        }
        for column in ["rtt_client_max", "rtt_server_max", "srt_max", "art_max", "cit_max"] {
            for table in ["metrics.network_map.1s", "metrics.network.1m"] {
                prop_assert_eq!(max(&batches, table, column), max(&batches, "log.l4_flow_log", column), "{} of {}", column, table);
            }
        }
        let made = core.counters().iter().find(|counter| counter.0 == "flows_made").unwrap().1;
        prop_assert_eq!(sum(&batches, "metrics.network_map.1s", "new_flow"), made);
        prop_assert_eq!(sum(&batches, "metrics.network_map.1m", "closed_flow") + core.stats.flows_evicted, made);
        prop_assert_eq!(values(&batches, "log.l4_flow_log", "is_new_flow").iter().sum::<u64>(), made);
        prop_assert_eq!(core.alive(), 0);
    }

    #[test]
    fn random_frames_never_panic(frames in proptest::collection::vec((proptest::collection::vec(any::<u8>(), 0..120), any::<u32>()), 1..60)) {
        let mut core = Core::new(Config { max_flows: 8, ..Config::default() }, true);
        for (mut bytes, time) in frames {
            if bytes.len() > 24 {
                bytes[12..15].copy_from_slice(&[8, 0, 0x45]);
                bytes[23] = if time % 3 == 0 { 17 } else { 6 };
            }
            if let Ok(packet) = parse(Link::Ethernet, &bytes, 0, i64::from(time) * 1000) {
                core.frames(&mut [Frame { packet, bytes: &bytes, link: Link::Ethernet, passing: Passing::Unknown }]);
            }
        }
        finished(&mut core);
    }
}

/// A live engine with `nics` interfaces, the namespace of each.
fn live(nics: &[u16]) -> Core {
    let mut core = Core::new(Config::default(), true);
    core.output.seen.nics.extend(nics.iter().map(|netns| Nic {
        netns: *netns,
        ..Nic::default()
    }));
    core
}

const BACK: Sent = Sent {
    from: 2,
    to: 1,
    ports: (80, 40_000),
    ..SENT
};

#[test]
fn a_packet_seen_on_several_interfaces_counts_once() {
    let mut core = live(&[0, 0, 1]);
    for step in 0..5 {
        // In through a veth and its bridge; the far namespace is read later.
        feed(
            &mut core,
            &[
                Sent {
                    time_us: step * 2000,
                    nic: 1,
                    ..SENT
                },
                Sent {
                    time_us: step * 2000 + 1,
                    nic: 2,
                    ..SENT
                },
            ],
        );
        feed(
            &mut core,
            &[
                Sent {
                    time_us: step * 2000 + 500,
                    nic: 2,
                    ..BACK
                },
                Sent {
                    time_us: step * 2000 + 501,
                    nic: 1,
                    ..BACK
                },
            ],
        );
    }
    for step in 0..5 {
        feed(
            &mut core,
            &[
                Sent {
                    time_us: step * 2000,
                    nic: 3,
                    netns: 1,
                    ..SENT
                },
                Sent {
                    time_us: step * 2000 + 500,
                    nic: 3,
                    netns: 1,
                    ..BACK
                },
            ],
        );
    }
    let batches = finished(&mut core);
    assert_eq!(
        (
            sum(&batches, "log.l4_flow_log", "packet_tx"),
            sum(&batches, "log.l4_flow_log", "packet_rx")
        ),
        (5, 5)
    );
    assert_eq!(core.stats.duplicate_packets, 20);
}

#[test]
fn a_path_that_differs_there_and_back_counts_both_ways() {
    let mut core = live(&[0, 0]);
    for step in 0..5 {
        feed(
            &mut core,
            &[
                Sent {
                    time_us: step * 1000,
                    nic: 1,
                    ..SENT
                },
                Sent {
                    time_us: step * 1000 + 500,
                    nic: 2,
                    ..BACK
                },
            ],
        );
    }
    let batches = finished(&mut core);
    assert_eq!(
        (
            sum(&batches, "log.l4_flow_log", "packet_tx"),
            sum(&batches, "log.l4_flow_log", "packet_rx")
        ),
        (5, 5)
    );
}

#[test]
fn a_flow_that_moves_to_another_interface_is_followed() {
    let mut core = live(&[0, 0]);
    feed(
        &mut core,
        &[
            Sent { nic: 1, ..SENT },
            Sent {
                time_us: 2_000_000,
                nic: 2,
                ..SENT
            },
            Sent {
                time_us: 2_000_001,
                nic: 1,
                ..SENT
            },
        ],
    );
    let batches = finished(&mut core);
    assert_eq!(sum(&batches, "log.l4_flow_log", "packet_tx"), 2);
}

#[test]
fn loopback_of_two_namespaces_is_two_flows() {
    let mut core = live(&[0, 1]);
    let lo = Sent {
        passing: Passing::Loopback,
        ..SENT
    };
    feed(&mut core, &[Sent { nic: 1, ..lo }, Sent { nic: 2, netns: 1, ..lo }]);
    let batches = finished(&mut core);
    assert_eq!(values(&batches, "log.l4_flow_log", "packet_tx"), [1, 1]);
}

#[test]
fn too_many_flows_are_reported_early_and_nothing_is_lost() {
    let mut core = Core::new(
        Config {
            max_flows: 10,
            ..Config::default()
        },
        false,
    );
    let all: Vec<Sent> = (0..1000)
        .map(|at| Sent {
            time_us: i64::from(at),
            ports: (20_000 + at as u16, 80),
            ..SENT
        })
        .collect();
    feed(&mut core, &all);
    assert_eq!((core.alive(), core.stats.flows_evicted), (10, 990));
    let batches = finished(&mut core);
    assert_eq!(sum(&batches, "log.l4_flow_log", "packet_tx"), 1000);
}

#[test]
fn a_long_flow_has_a_row_for_each_minute_and_one_at_its_end() {
    let mut core = Core::new(Config::default(), false);
    let syn = [
        Sent { flags: flag::SYN, ..SENT },
        Sent {
            flags: flag::SYN | flag::ACK,
            ..BACK
        },
    ];
    feed(&mut core, &syn);
    let all: Vec<Sent> = (0..150)
        .map(|second| Sent {
            time_us: second * 1_000_000 + 10,
            ..SENT
        })
        .collect();
    feed(&mut core, &all);
    let batches = finished(&mut core);
    let rows = "log.l4_flow_log";
    assert_eq!(values(&batches, rows, "close_type"), [5, 5, 3]);
    assert_eq!(values(&batches, rows, "is_new_flow"), [1, 0, 0]);
    assert_eq!(values(&batches, rows, "packet_tx"), [41, 60, 50]);
    assert_eq!(values(&batches, rows, "total_packet_tx"), [41, 101, 151]);
    assert_eq!(
        values(&batches, rows, "flow_id")
            .windows(2)
            .filter(|pair| pair[0] != pair[1])
            .count(),
        0
    );
    assert_eq!(values(&batches, "metrics.network_map.1s", "flow_load").len(), 150);
    assert_eq!(values(&batches, "metrics.network_map.1m", "flow_load"), [1, 1, 0]);
}

#[test]
fn a_clock_that_jumps_back_begins_anew() {
    let mut core = Core::new(Config::default(), false);
    feed(
        &mut core,
        &[
            SENT,
            Sent {
                time_us: -3_600_000_000,
                ..SENT
            },
            Sent { time_us: 1, ..SENT },
        ],
    );
    let batches = finished(&mut core);
    assert_eq!(core.stats.clock_rewinds, 1);
    assert_eq!(sum(&batches, "log.l4_flow_log", "packet_tx"), 3);
}

/// As of a file whose times nobody set, or that was damaged.
#[test]
fn a_clock_that_begins_at_nought_goes_on() {
    let mut core = Core::new(Config::default(), false);
    let times = [
        -BEGIN_US,
        -BEGIN_US + 1,
        0,
        -BEGIN_US,
        1_000_000,
        100 * 365 * 86_400 * 1_000_000,
        -2 * BEGIN_US,
    ];
    for time_us in times {
        feed(&mut core, &[Sent { time_us, ..SENT }]);
        assert_eq!(core.alive(), 1);
    }
    let batches = finished(&mut core);
    assert_eq!(core.stats.clock_rewinds, 2);
    assert_eq!(sum(&batches, "log.l4_flow_log", "packet_tx"), times.len() as u64);
}

#[test]
fn a_clock_that_jumps_a_century_ahead_costs_nothing() {
    let mut core = Core::new(Config::default(), false);
    feed(
        &mut core,
        &[
            SENT,
            Sent {
                time_us: 100 * 365 * 86_400 * 1_000_000,
                ..SENT
            },
        ],
    );
    assert_eq!(sum(&finished(&mut core), "log.l4_flow_log", "packet_tx"), 2);
}

/// One datagram each of `flows` flows, all in one second.
fn datagrams(flows: u16, time_us: i64) -> Vec<Sent> {
    (0..flows)
        .map(|flow| Sent {
            time_us: time_us + i64::from(flow),
            ports: (40_000 + flow, 9),
            flags: 0,
            payload: 10,
            ..SENT
        })
        .collect()
}

/// A DNS query for `a.` with this id, asked from the ports of one flow.
fn query(core: &mut Core, id: u8, time_us: i64) {
    let mut bytes = bytes_of(&Sent {
        ports: (40_000, 53),
        flags: 0,
        payload: 19,
        ..SENT
    });
    let at = bytes.len() - 19;
    bytes[at..].copy_from_slice(&[0, id, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, b'a', 0, 0, 1, 0, 1]);
    let packet = parse(Link::Ethernet, &bytes, bytes.len() as u32, BEGIN_US + time_us).unwrap();
    core.frames(&mut [Frame {
        packet,
        bytes: &bytes,
        link: Link::Ethernet,
        passing: Passing::Unknown,
    }]);
}

#[test]
fn a_protocol_is_read_or_not_from_the_moment_this_is_said() {
    let dns = |left_out: &[u8]| Config {
        l7_settings: std::sync::Arc::new(crate::l7::L7Settings {
            left_out: left_out.to_vec(),
            ..Default::default()
        }),
        ..Config::default()
    };
    let mut core = Core::new(dns(&[]), false);
    query(&mut core, 1, 0);
    core.configure(dns(&[120]));
    for id in 2..30 {
        query(&mut core, id, i64::from(id) * 1000);
    }
    core.configure(dns(&[20]));
    query(&mut core, 30, 40_000);
    let batches = finished(&mut core);
    assert_eq!(values(&batches, "log.l7_flow_log", "request_id"), [1, 30]);
    assert_eq!(sum(&batches, "log.l4_flow_log", "l7_request"), 2);
}

#[test]
fn an_interface_that_is_left_out_gives_its_flows_to_another_at_once() {
    let mut core = live(&[0, 0]);
    let seen_on = |nic: u16, time_us: i64| Sent { time_us, nic, ..SENT };
    feed(&mut core, &[seen_on(1, 0), seen_on(2, 1), seen_on(1, 1000), seen_on(2, 1001)]);
    core.output.seen.nics[1].is_left_out = true;
    feed(&mut core, &[seen_on(2, 2001), seen_on(2, 3001)]);
    let batches = finished(&mut core);
    assert_eq!(sum(&batches, "log.l4_flow_log", "packet_tx"), 4);
}

/// What offload joined may have any length: its header cannot tell.
#[test]
fn more_than_four_gigabytes_in_a_second_are_counted() {
    let mut core = Core::new(Config::default(), false);
    let mut bytes = bytes_of(&Sent { payload: 100, ..SENT });
    bytes[16..18].fill(0);
    let wire_len = 1_000_000_000;
    for number in 0..20 {
        let packet = parse(Link::Ethernet, &bytes, wire_len, BEGIN_US + number).unwrap();
        core.frames(&mut [Frame {
            packet,
            bytes: &bytes,
            link: Link::Ethernet,
            passing: Passing::Unknown,
        }]);
    }
    let batches = finished(&mut core);
    for (column, headers) in [("byte_tx", 0), ("l3_byte_tx", 34), ("l4_byte_tx", 54), ("total_byte_tx", 0)] {
        assert_eq!(
            sum(&batches, "log.l4_flow_log", column),
            20 * u64::from(wire_len - headers),
            "{column}"
        );
    }
    assert_eq!(sum(&batches, "metrics.network_map.1s", "byte_tx"), 20 * u64::from(wire_len));
    assert_eq!(values(&batches, "log.l4_flow_log", "packet_tx"), [20]);
}
